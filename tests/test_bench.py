"""The measurement runs, compares the same answers, and refuses to measure anything else."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from bench.exports.cases import CASES
from bench.load import Order, Tally, drive
from bench.randomize.recording import Moment, Recorded, Statement, Value
from bench.randomize.script import TAKE_TURN, Script, Unexplained, derive
from services.api.exports.formats import FORMATS

if sys.platform != "linux":
    pytest.skip("pins processes to cores, as only Linux can", allow_module_level=True)

from bench.stages import Stopwatch

ROOT = Path(__file__).parents[1]
SMALL = ("--rows=200", "--rounds=1", "--seconds=0.3", "--connections=2")
ONE_CLIENT = ("--rounds=1", "--seconds=0.3", "--warm-up=0.2", "--connections=1", "--workers=1")


def bench(*options: str, module: str = "bench") -> str:
    """What a tiny run prints."""
    run = subprocess.run(
        [sys.executable, "-m", module, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


class Always(asyncio.Protocol):
    """A server that always says the same, its last byte a little later."""

    answer: bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.answer[:-1])
        asyncio.get_running_loop().call_later(0.01, self.transport.write, self.answer[-1:])


async def drive_against(answer: bytes, **changed: object) -> Tally:
    """What the load makes of a server that answers so."""
    server = Always()
    server.answer = answer
    listener = await asyncio.get_running_loop().create_server(lambda: server, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        order = Order(port=port, paths={"t": ["/"]}, connections=1, seconds=0.1)
        return await drive(order.model_copy(update=changed))
    finally:
        listener.close()
        server.transport.close()
        await asyncio.sleep(0.02)  # until both ends are closed


def test_both_servers_answer_the_same_and_are_measured() -> None:
    printed = bench(*SMALL)
    for word in ("One subject", "A page of 50 of 200", "ours", "bare", "Memory of the worker"):
        assert word in printed


def test_the_profile_books_time_on_every_stage_of_a_request() -> None:
    printed = bench(*SMALL, "--profile=20")
    rows = [line.split("│")[1:4] for line in printed.splitlines() if line.startswith("│")]
    booked = {stage.strip(): int(wall) for stage, wall, _ in rows}
    assert booked.pop("together") > 0
    assert [stage for stage, wall in booked.items() if wall == 0] == []


def test_an_answer_counts_when_its_last_byte_is_there() -> None:
    tally = asyncio.run(drive_against(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
    assert tally.answers >= 2
    assert tally.median >= 10


def test_a_refused_request_spoils_the_measurement() -> None:
    with pytest.raises(ConnectionError, match="404 Not Found"):
        asyncio.run(drive_against(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello"))


def test_a_post_is_never_sent_twice() -> None:
    created = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello"
    with pytest.raises(ConnectionError, match="ran out"):
        asyncio.run(drive_against(created, method="POST", paths={"t": ["/a", "/b"]}))


def test_every_post_has_a_key_of_its_own() -> None:
    paths = {"one": ["/a", "/b"], "two": ["/c", "/d"]}
    order = Order(port=1, paths=paths, connections=1, seconds=1, method="POST")
    requests = list(order.requests())
    assert [request.split()[1] for request in requests] == [b"/a", b"/c", b"/b", b"/d"]
    keys = {line for one in requests for line in one.split(b"\r\n") if b"Idempotency-Key" in line}
    assert len(keys) == len(requests)


def test_a_moment_belongs_to_the_innermost_stage() -> None:
    stopwatch = Stopwatch()
    nap = stopwatch.watch(time.sleep, "inner")

    def outer() -> None:
        nap(0.02)

    stopwatch.watch(outer, "outer")()
    assert stopwatch.wall["inner"] >= 20_000_000
    assert stopwatch.wall["inner"] > stopwatch.wall["outer"]
    assert stopwatch.cpu["inner"] < stopwatch.wall["inner"]


# --- allocations ------------------------------------------------------------------------


def test_allocations_through_http_and_pgbench_are_real_and_measured() -> None:
    printed = bench(*ONE_CLIENT, "--subjects=900", "--no-disk-share", module="bench.randomize")
    assert "pgbench" in printed
    assert "HTTP, 1 worker" in printed
    assert "from one recorded allocation for all: headers, body." in printed


def test_the_profile_books_time_on_every_stage_of_an_allocation() -> None:
    printed = bench("--profile=5", "--subjects=90", module="bench.randomize")
    cells = [line.split("│")[1:-1] for line in printed.splitlines() if line.startswith("│")]
    stages = {row[0].strip(): int(row[1]) for row in cells if len(row) == 3}
    assert [stage for stage, wall in stages.items() if wall == 0] == []
    statements = {row[0].strip(): float(row[4]) for row in cells if len(row) == 5}
    assert statements["INSERT allocation"] > 0
    assert statements["COMMIT"] > 0


Sends = Callable[[int, str], Value]
"""What an allocation sends, by its slot's number and its stratum."""


def allocated(seq: int, stratum: str, sends: tuple[Sends, ...], reads: str) -> Recorded:
    """A recorded allocation that reads the number of the slot before, and sends some values."""
    known = {
        name: f"{name} of {stratum} {seq}"
        for name in ("subject_id", "key", "request_id", "allocation_id", "arm")
    }
    known |= {"stratum": stratum, "seq": str(seq), "randomization_number": f"{stratum}-{seq:03d}"}
    values = tuple(send(seq, stratum) for send in sends)
    names = tuple(f"value {place}" for place in range(len(values)))
    begin = Statement(("BEGIN; SELECT context(", ")"), ("",), (known["request_id"],), {})
    read = Statement((f"SELECT {reads}",), (), (), {"last": str(seq - 1)})
    send = Statement(("SEND ", *[", "] * (len(values) - 1), ""), names, values, {})
    return Recorded(known, (begin, read, send))


def derived(*sends: Sends) -> Script:
    """The script made from two allocations in each of two strata."""
    turns = [(seq, stratum) for seq in (7, 8) for stratum in ("NN-C", "NN-N")]
    return derive([allocated(seq, stratum, sends, "last") for seq, stratum in turns])


def sent(script: Script) -> str:
    """Where the values come from."""
    last = script.text.splitlines()[-1]
    return last.removeprefix("SEND ").removesuffix(";")


def test_a_script_takes_its_turn_and_begins_with_the_context_in_one_round_trip() -> None:
    assert derived(lambda *_: "same").text.splitlines()[:5] == [
        f"{TAKE_TURN} \\gset",
        "\\startpipeline",
        "BEGIN;",
        "SELECT context(:request_id);",
        "\\endpipeline",
    ]


def test_what_never_differs_is_a_variable_and_nothing_is_null() -> None:
    script = derived(lambda *_: "same", lambda *_: None)
    assert sent(script) == ":value_0, NULL"
    assert script.constants == {"value_0": "same"}


def test_what_a_stratum_shares_is_a_column_of_its_subjects() -> None:
    script = derived(lambda _, stratum: stratum, lambda _, stratum: f"caller at {stratum}")
    assert sent(script) == ":stratum, :of_stratum_0"
    shared = {"NN-C": "caller at NN-C", "NN-N": "caller at NN-N"}
    assert script.of_stratum == {"of_stratum_0": shared}


def test_the_slot_is_one_more_than_the_one_read_and_arm_and_number_follow_from_it() -> None:
    script = derived(
        lambda seq, _: str(seq),
        lambda seq, stratum: f"arm of {stratum} {seq}",
        lambda seq, stratum: f"{stratum}-{seq:03d}",
    )
    assert "SELECT last \\gset row_1_\n\\set row_1_last :row_1_last + 1\n" in script.text
    assert sent(script).startswith(":row_1_last, (SELECT arm FROM bench.list WHERE stratum")
    assert sent(script).count("seq = :row_1_last)") == 1


def test_what_only_the_moment_or_chance_knows_is_made_anew() -> None:
    script = derived(
        lambda seq, stratum: Moment(f"{stratum} {seq}"),
        lambda seq, stratum: str(seq * 1000 + ord(stratum[-1])),
        lambda seq, stratum: rf"\x{seq:032x}{len(stratum):032x}",
    )
    assert sent(script) == "clock_timestamp(), :number_0, :digest_0"


def test_what_nothing_explains_is_told() -> None:
    script = derived(lambda seq, stratum: f"{{{seq} {stratum}}}")
    assert script.sampled == ["value 0"]
    assert script.constants == {"value_0": "{7 NN-C}"}


def test_allocations_that_speak_differently_make_no_script() -> None:
    with pytest.raises(Unexplained, match="statement 1"):
        derive([allocated(7, "NN-C", (), "last"), allocated(8, "NN-C", (), "other")])


def test_an_arm_that_is_sent_before_its_slot_is_read_makes_no_script() -> None:
    with pytest.raises(Unexplained, match="arm"):
        derived(lambda seq, stratum: f"arm of {stratum} {seq}")


def test_every_endpoint_of_a_small_trial_is_measured() -> None:
    printed = bench("--rounds=1", "--sizes=20", "--sizes=40", module="bench.endpoints")
    assert "rows alone" in printed
    assert re.search(r"40 .* \d+\.\d{3} ", printed)


def test_every_export_of_a_small_trial_is_measured() -> None:
    printed = bench("--rounds=1", "--sizes=40", "--only=csv, gr", module="bench.exports")
    assert "A trial of 40 gradings" in printed
    assert re.search(r"csv, gradings .* \d+\.\d{4} ", printed)


def test_each_format_there_is_can_be_measured() -> None:
    assert {case.format for case in CASES} == set(FORMATS)

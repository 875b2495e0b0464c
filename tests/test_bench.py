"""The measurement runs, compares the same answers, and refuses to measure anything else."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import pytest

from bench.load import Order, Tally, drive

if sys.platform != "linux":
    pytest.skip("pins processes to cores, as only Linux can", allow_module_level=True)

from bench.stages import Stopwatch

ROOT = Path(__file__).parents[1]
SMALL = ("--rows=200", "--rounds=1", "--seconds=0.3", "--connections=2")


def bench(*options: str) -> str:
    """What a tiny run prints."""
    run = subprocess.run(
        [sys.executable, "-m", "bench", *SMALL, *options],
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


async def drive_against(answer: bytes) -> Tally:
    """What the load makes of a server that answers so."""
    server = Always()
    server.answer = answer
    listener = await asyncio.get_running_loop().create_server(lambda: server, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        return await drive(Order(port=port, paths=["/"], token="t", connections=1, seconds=0.1))
    finally:
        listener.close()
        server.transport.close()
        await asyncio.sleep(0.02)  # until both ends are closed


def test_both_servers_answer_the_same_and_are_measured() -> None:
    printed = bench()
    for word in ("One subject", "A page of 50 of 200", "ours", "bare", "Memory of the worker"):
        assert word in printed


def test_the_profile_books_time_on_every_stage_of_a_request() -> None:
    printed = bench("--profile=20")
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


def test_a_moment_belongs_to_the_innermost_stage() -> None:
    stopwatch = Stopwatch()
    nap = stopwatch.watch(time.sleep, "inner")

    def outer() -> None:
        nap(0.02)

    stopwatch.watch(outer, "outer")()
    assert stopwatch.wall["inner"] >= 20_000_000
    assert stopwatch.wall["inner"] > stopwatch.wall["outer"]
    assert stopwatch.cpu["inner"] < stopwatch.wall["inner"]

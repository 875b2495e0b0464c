"""Whatever arms are to come, before an allocation nothing that can be fetched is another byte.

`worlds.py` makes the worlds, `requests.py` asks, `answers.py` and `dumps.py` leave out what is a
salted hash by design. What is left has to be equal.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from http import HTTPStatus
from itertools import product
from typing import Any

import pytest

from services.api.core.permissions import Role
from services.api.randomization import rules, service
from services.api.randomization.generator import SECRET_BYTES
from services.api.randomization.rules import AllocationList
from tests.concealment.answers import Reader, without_hash
from tests.concealment.conversation import Conversation, Worlds
from tests.concealment.dumps import dumped, parted
from tests.concealment.logs import writing
from tests.concealment.requests import (
    EVERYWHERE,
    everything,
    operation,
    the_most_telling,
)
from tests.concealment.worlds import (
    LIST,
    SECRET,
    Armless,
    Held,
    Trial,
    flipped,
    shuffled,
)
from tests.conftest import Served
from tests.make import created

HUNDREDS = 300

# --- the future does not show --------------------------------------------------------------


def test_everything_is_answered_and_logged_the_same_whatever_is_to_come(
    worlds: Worlds, real: Conversation
) -> None:
    other = worlds.hear("flipped", worlds.trial.list(flipped), everything)
    same(real, other)
    assert len(real.answers) == len(other.answers)
    assert real.written.lasting() == other.written.lasting()
    assert real.stored() == other.stored()


def same(one: Conversation, other: Conversation) -> None:
    """What was asked in the other world has the same answers in this one, byte for byte."""
    assert len(other.answers) > HUNDREDS
    begun = one.heard()[: len(other.answers)]
    for (asked, said), (again, otherwise) in zip(begun, other.heard(), strict=True):
        assert asked == again
        assert said == otherwise, asked


def test_no_other_order_shows_either(worlds: Worlds, real: Conversation) -> None:
    other = worlds.hear("shuffled", worlds.trial.list(shuffled), the_most_telling)
    same(real, other)
    assert real.stored() == other.stored()


def test_nothing_that_is_answered_needs_an_arm_or_the_salt_of_a_future_slot(
    worlds: Worlds, real: Conversation
) -> None:
    """The list that the service has here knows neither, and every byte is as before."""
    same(real, worlds.hear("armless", Armless.of(worlds.trial.past), the_most_telling))


def test_the_conversation_is_about_everything(real: Conversation, served: Served) -> None:
    """Every GET is granted to somebody, each role is heard, and each refusal."""
    described = served.app.openapi()["paths"].values()
    reads = {item["get"]["operationId"] for item in described if "get" in item}
    granted = {
        asked.operation for asked, answer in real.answers if answer.status_code == HTTPStatus.OK
    }
    assert reads <= granted
    assert {*Role} <= {asked.caller for asked, _ in real.answers}
    refused = [answer for asked, answer in real.answers if asked.operation == "randomize"]
    assert {answer.status_code for answer in refused} == {400, 401, 403, 404, 405, 409, 422, 201}
    assert [asked for asked, answer in real.answers if answer.is_server_error] == []


def test_an_allocation_differs(worlds: Worlds) -> None:
    """So what is to come is really another; who waits at each site is told the other arm."""
    told = []
    for name, made in (("here", LIST), ("there", worlds.trial.list(flipped))):
        with worlds.one(name, made) as opened:
            subjects = [one for some in worlds.trial.waiting.values() for one in some]
            api = opened.api.signed_in(Role.INVESTIGATOR, EVERYWHERE)
            answers = [api.post(f"/v1/subjects/{one}/randomization") for one in subjects]
            told.append([created(answer)["arm"] for answer in answers])
    here, there = told
    assert [*flipped(here)] == there


# --- a database and its backup ---------------------------------------------------------------


def guessed(dump: str, tried: Iterable[bytes]) -> list[tuple[str, int]]:
    """The slots whose arm a reader of the dump finds out by hashing what may be the salt."""
    codes, salts, found = LIST.design.arm_codes, [*tried], []
    for row in parted(dump)[1]["randomization_slot"]:
        slot, leaf = (row["stratum"], int(row["seq"])), row["leaf"].removeprefix("\\x")
        leaves = {sha256(code.encode()).digest() for code in codes}
        leaves |= {rules.leaf(*slot, code, salt, codes) for code, salt in product(codes, salts)}
        if bytes.fromhex(leaf) in leaves:
            found.append(slot)
    return found


def known(trial: Trial) -> list[bytes]:
    """What anybody who reads the dump, the proofs and the commitment might take for a salt."""
    shown = [LIST.salt(code, seq + 1) for code, drawn in trial.past.items() for seq in range(drawn)]
    published = [LIST.root, *map(bytes.fromhex, SECRET.commitments().values())]
    return [bytes(SECRET_BYTES), bytes.fromhex(LIST.design.digest()), *published, *shown]


def past_slots(trial: Trial) -> set[tuple[str, int]]:
    return {(code, seq + 1) for code, drawn in trial.past.items() for seq in range(drawn)}


def test_what_the_dump_has_of_a_future_slot_is_not_guessed(
    worlds: Worlds, real: Conversation
) -> None:
    """Of the past a proof shows the salts; of the future nobody who reads the dump guesses one."""
    assert set(guessed(real.dump, known(worlds.trial))) == past_slots(worlds.trial)
    assert len(set(LIST.leaves)) == len(LIST.leaves)


class Unsalted(AllocationList):
    """A list whose leaves hide nothing."""

    def salt(self, stratum_code: str, seq: int) -> bytes:
        return bytes(SECRET_BYTES)


def test_leaves_without_salt_would_be_guessed(worlds: Worlds) -> None:
    made = Unsalted(LIST.design, LIST.seed, LIST.block_sizes)
    with worlds.one("unsalted", made) as opened:
        assert len(guessed(dumped(opened), known(worlds.trial))) == len(made.leaves)


# --- a leak would be found -------------------------------------------------------------------


Rows = Sequence[Mapping[str, Any]]
Leak = Callable[[str, Rows], Rows]


def nowhere(arm: str, rows: Rows) -> Rows:
    return rows


def in_a_field(arm: str, rows: Rows) -> Rows:
    return [{**row, "protocol_version": arm} for row in rows]


def in_a_case(arm: str, rows: Rows) -> Rows:
    return [{**row, "site": row["site"].lower() if arm == "control" else "NN"} for row in rows]


def in_the_order(arm: str, rows: Rows) -> Rows:
    return rows[::-1] if arm == "control" else rows


def in_the_number(arm: str, rows: Rows) -> Rows:
    return rows[1:] if arm == "control" else rows


def in_the_log(arm: str, rows: Rows) -> Rows:
    service.log.info("drawing", ahead=arm)
    return rows


LEAKS: tuple[Leak, ...] = (in_a_field, in_a_case, in_the_order, in_the_number, in_the_log)


def test_a_leak_would_be_found(worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that lets the next arm slip into a list of allocations, in any way."""
    path, usual = "/v1/randomizations", service.list_allocations
    following = ("NN-C", worlds.trial.past["NN-C"] + 1)
    lists = (LIST, worlds.trial.list(flipped))
    with worlds.one("leaking", LIST) as opened:
        state, api = opened.api.state, opened.api.as_("investigator")
        described = opened.described["paths"][path]["get"]
        for leak in (nowhere, *LEAKS):
            heard = []
            for made in lists:
                state.randomization_secret = Held(made)

                def leaking(*asked: Any, leak: Leak = leak, made: AllocationList = made) -> Any:
                    rows, cursor = usual(*asked)
                    return leak(made.arm(*following), rows), cursor

                monkeypatch.setattr(service, "list_allocations", leaking)
                with writing(worlds.cluster) as written:
                    answers = [*operation(opened, Role.INVESTIGATOR, api, path, described)]
                reader = Reader(worlds.trial.moment)
                said = [(asked, reader.heard(asked, answer)) for asked, answer in answers]
                heard.append((said, written.lasting()))
            assert (heard[0] == heard[1]) == (leak is nowhere), leak


@pytest.mark.parametrize("shown", ["experimental", "", "a" * 63, "a" * 65, "NN-C-001"])
def test_nothing_but_a_hash_is_left_out(shown: str) -> None:
    with pytest.raises(AssertionError, match="not a hash"):
        without_hash(shown)

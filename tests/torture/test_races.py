"""An allocation and a change of what it rests on, at the same time.

Whichever comes first, the other knows of it: an allocation rests on what was
in force when it was made, and the trail tells the order.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest

from tests.conftest import Rounds
from tests.eligible import Kind, make_eligible
from tests.lived import plain
from tests.make import Api, created, ok, plan, problem
from tests.torture import truth
from tests.torture.conftest import Tell
from tests.torture.truth import Asked, wait_until

KIND: Kind = ("NN", True)
LATE = 0.02
"""Seconds by which either side may be late: about what it takes to reach the subject's lock."""
SECONDS = 30


class Rival(NamedTuple):
    """A change, and the pair of statuses, of the allocation and of it, for either order."""

    send: Callable[[Api, str], httpx.Response]
    allocation_first: tuple[int, int]
    change_first: tuple[int, int]


def correct(caller: Api, here: str) -> httpx.Response:
    """New facts, with which the subject is not eligible."""
    facts = ok(caller.get(f"{here}/eligibility"))["facts"] | {"ecog_performance_status": 4}
    return caller.put(f"{here}/eligibility", {"facts": facts, "reason": "Fell ill"}, version=1)


def withdraw(caller: Api, here: str) -> httpx.Response:
    """The subject's withdrawal of consent."""
    consent = ok(caller.get(f"{here}/consents"))["items"][0]["id"]
    withdrawal = {"withdrawn_on": str(caller.today()), "reason": "Changed their mind"}
    return caller.post(f"{here}/consents/{consent}/withdrawal", withdrawal)


def leave(status: str, caller: Api, here: str) -> httpx.Response:
    """The end of the subject's part, set by hand; read again when the version has passed."""
    body = {"status": status, "reason": "Told by the family"}
    deadline = time.monotonic() + SECONDS
    while (answer := caller.patch(here, body)).status_code == 412:
        assert time.monotonic() < deadline
    return answer


def start(caller: Api, here: str) -> httpx.Response:
    """The first fraction of radiotherapy, delivered today."""
    today = caller.today()
    body = plan(today, first_fraction_on=str(today), reason="Began early")
    return caller.put(f"{here}/radiotherapy", body, version=1)


def replan(caller: Api, here: str) -> httpx.Response:
    """A plan without chemotherapy, which belongs to another stratum."""
    begin = caller.today() + timedelta(days=10)
    body = plan(begin, concurrent_chemotherapy=False, reason="Not tolerated")
    return caller.put(f"{here}/radiotherapy", body, version=1)


RIVALS = {
    "correction": Rival(correct, (201, 409), (409, 200)),
    "withdrawal": Rival(withdraw, (201, 201), (409, 201)),
    "withdrawn": Rival(partial(leave, "withdrawn"), (201, 200), (409, 200)),
    "lost_to_follow_up": Rival(partial(leave, "lost_to_follow_up"), (201, 200), (409, 200)),
    "died": Rival(partial(leave, "died"), (201, 200), (409, 200)),
    "screen_failed": Rival(partial(leave, "screen_failed"), (201, 409), (409, 200)),
    "first_fraction": Rival(start, (201, 200), (409, 200)),
    "other_stratum": Rival(replan, (201, 200), (201, 200)),
}


@pytest.fixture
def caller(api: Api) -> Api:
    return api.as_("investigator")


@pytest.fixture
def subjects(api: Api, rounds: Rounds) -> list[Asked]:
    """Eligible subjects, fewer than the trial's cap."""
    made = make_eligible(api, {KIND: rounds(10, 190)})
    return [Asked(subject, "NN") for subject in made[KIND]]


def check_order(caller: Api, one: Asked) -> None:
    """What the trail tells before the allocation is what the allocation rests on."""
    current: dict[str, Any] = {}
    allocations = 0
    for event in caller.audit({"id": str(one.subject)}):
        if event.record == "allocation":
            allocations += 1
            version = event.new["evaluation_version"]
            assert current["eligibility_evaluation"]["version"] == version
            assert current["eligibility_evaluation"]["overall"] == "eligible"
            assert current["eligibility_signature"]["version"] == version
            assert current["radiotherapy"]["first_fraction_on"] is None
            suffix = "C" if current["radiotherapy"]["concurrent_chemotherapy"] else "N"
            assert event.new["stratum"] == f"NN-{suffix}"
            assert current["subject"]["status"] == "eligible"
            assert "consent_withdrawal" not in current
        elif event.record == "eligibility_evaluation":
            assert not allocations, "corrected afterwards"
        elif event.record == "subject" and event.operation == "UPDATE":
            assert event.new["version"] == current["subject"]["version"] + 1, "overwritten"
        current[event.record] = event.new
    assert allocations == (one.body is not None)


def randomize(caller: Api, one: Asked) -> int:
    """Ask once; the status of the answer."""
    answer = caller.post(one.path, key=one.key)
    if answer.status_code == 409:
        problem(answer, 409, "not_ready")
    else:
        assert one.hear(answer) is None
    return answer.status_code


def change(caller: Api, one: Asked, rival: Rival) -> int:
    """Make the change; the status of the answer."""
    return rival.send(caller, f"/v1/subjects/{one.subject}").status_code


def check(caller: Api, subjects: list[Asked]) -> None:
    """Everything that is true of allocations, and of the order in which things happened."""
    for one in subjects:
        check_order(caller, one)
    truth.check(caller, [one for one in subjects if one.body is not None])


@pytest.mark.parametrize("rival", RIVALS.values(), ids=RIVALS)
def test_at_the_same_time_one_of_them_comes_first(
    caller: Api, subjects: list[Asked], rival: Rival, tell: Tell, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(20261122)
    seen: Counter[tuple[int, int]] = Counter()
    with ThreadPoolExecutor(2) as both:
        for one in subjects:
            barrier = Barrier(2)
            drawn = both.submit(after, barrier, chance.uniform(0, LATE), randomize, caller, one)
            changed = both.submit(
                after, barrier, chance.uniform(0, LATE), change, caller, one, rival
            )
            seen[drawn.result(), changed.result()] += 1
    assert seen.keys() <= {rival.allocation_first, rival.change_first}
    check(caller, subjects)
    raced = ", ".join(f"{count} of {statuses}" for statuses, count in sorted(seen.items()))
    tell(f"Raced {request.node.callspec.id}, statuses of (allocation, change): {raced}.")


def after(barrier: Barrier, late: float, call: Callable[..., int], *given: object) -> int:
    """What a call returns that is made when both sides are ready, or a moment later."""
    barrier.wait(SECONDS)
    time.sleep(late)  # so that neither side is always first
    return call(*given)


@pytest.mark.parametrize("first", ["allocation", "change"])
@pytest.mark.parametrize("rival", RIVALS.values(), ids=RIVALS)
def test_the_first_at_the_subject_s_lock_comes_first(
    caller: Api, subjects: list[Asked], rival: Rival, first: str
) -> None:
    one = subjects[0]
    calls = [partial(randomize, caller, one), partial(change, caller, one, rival)]
    order = calls if first == "allocation" else calls[::-1]
    with ThreadPoolExecutor(2) as both, psycopg.connect(plain(caller.admin_url)) as other:
        other.execute("SELECT FROM subject WHERE id = %s FOR UPDATE", [one.subject])
        answers = []
        for waiting, call in enumerate(order, start=1):
            answers.append(both.submit(call))
            wait_until(caller, f"(SELECT count(*) FROM pg_locks WHERE NOT granted) = {waiting}")
        other.rollback()
        statuses = tuple(answer.result() for answer in answers)
    if first == "allocation":
        assert statuses == rival.allocation_first
    else:
        assert statuses[::-1] == rival.change_first
    check(caller, [one])


def test_a_renewed_evaluation_counts_once_it_is_signed(
    caller: Api, subjects: list[Asked], rounds: Rounds
) -> None:
    renewed = subjects[: rounds(4, 60)]
    with ThreadPoolExecutor(2) as both:
        for one in renewed:
            barrier = Barrier(2)
            drawn = both.submit(after, barrier, 0, randomize_at_last, caller, one)
            both.submit(after, barrier, 0, renew, caller, one).result()
            assert drawn.result() == 201
    check(caller, renewed)


def renew(caller: Api, one: Asked) -> int:
    """Measure again, for an evaluation that is to be signed again; too late after an allocation."""
    here = f"/v1/subjects/{one.subject}"
    facts = ok(caller.get(f"{here}/eligibility"))["facts"] | {"ecog_performance_status": 0}
    body = {"facts": facts, "reason": "Examined again"}
    answer = caller.put(f"{here}/eligibility", body, version=1)
    if answer.status_code == 200:
        created(caller.sign({"id": str(one.subject)}))
    else:
        problem(answer, 409, "eligibility_closed")
    return answer.status_code


def randomize_at_last(caller: Api, one: Asked) -> int:
    """Ask until nothing is missing any more; the status of the last answer."""
    deadline = time.monotonic() + SECONDS
    while (status := randomize(caller, one)) != 201:
        assert time.monotonic() < deadline
    return status

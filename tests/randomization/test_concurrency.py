"""Requests at the same time, over HTTP and committed: one effect each, no gap, no double."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import accumulate, cycle, islice, product
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import pytest

from services.api.protocol.schema import Protocol
from services.api.randomization import rules
from services.api.signatures.rules import SignatureMeaning
from tests.allocation_list import LIST
from tests.eligible import Kind, make_eligible
from tests.hostile.examples import write_of
from tests.hostile.operations import writes
from tests.make import SUBJECT, Api, created, ok, plan, problem

Json = dict[str, Any]
T = TypeVar("T")

DUPLICATES = 50
CLIENTS = 32
SITES = ("NN", "LZ", "YL")
WRITES = {operation.id: operation for operation in writes()}
STORED_IN = {
    "activate_site": "site_activation",
    "create_subject": "subject",
    "record_consent": "consent",
    "withdraw_consent": "consent_withdrawal",
    "report_deviation": "deviation",
    "sign_eligibility": "eligibility_signature",
    "sign_grading": "grading_signature",
    "sign_adverse_event": "adverse_event_signature",
    "randomize": "allocation",
    "record_correction": "randomization_correction",
    "record_exposure": "exposure",
    "create_grading": "grading",
    "record_certificate": "certificate",
    "report_adverse_event": "adverse_event",
    "publish_reference_document": "reference_document",
    "record_submission": "safety_submission",
    "raise_query": "data_query",
    "verify_grading": "grading_verification",
    "create_user": "account",
    "create_client": "account",
    "create_webhook": "webhook",
    "rotate_secret": "webhook_secret",
    "replay_delivery": "webhook_delivery WHERE state = 'pending'",
}
"""The table in which each operation with an Idempotency-Key has its effect."""

TOLD_AS = {
    "rotate_secret": "record = 'webhook' AND operation = 'UPDATE'",
    "replay_delivery": None,  # deliveries are no records
}
"""What the trail tells of an effect that is not a row of an audited table."""

VERSIONED = sorted(one.id for one in WRITES.values() if one.header("If-Match"))


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """What the calls return, each made by a thread of its own at the same moment."""
    barrier = Barrier(len(calls))

    def start(call: Callable[[], T]) -> T:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(start, calls))


def settled(call: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer once no other request holds the key; each wait has to be asked for."""
    deadline = time.monotonic() + 30
    while (answer := call()).status_code == 409:
        if answer.json()["type"] != "/problems/still_in_flight":
            break
        problem(answer, 409, "still_in_flight")
        assert int(answer.headers["Retry-After"]) >= 1
        assert time.monotonic() < deadline
        time.sleep(0.02)  # less than asked: the test wants the race
    return answer


def outcomes(answers: Sequence[httpx.Response]) -> Counter[str]:
    """How many answers succeeded (by status), and how many were refused (by problem)."""
    return Counter(
        str(answer.status_code)
        if answer.is_success
        else str(answer.json()["type"]).removeprefix("/problems/")
        for answer in answers
    )


# --- one key ---------------------------------------------------------------------------


def test_every_operation_with_a_key_is_raced() -> None:
    with_key = {one.id for one in WRITES.values() if one.header("Idempotency-Key")}
    assert with_key == STORED_IN.keys()


@pytest.mark.parametrize("operation", STORED_IN)
def test_fifty_duplicates_have_one_effect_and_one_answer(api: Api, operation: str) -> None:
    write, _ = write_of(WRITES[operation], api)
    table = STORED_IN[operation]
    told = TOLD_AS.get(operation, f"record = '{table}' AND operation = 'INSERT'")
    audited = () if told is None else (f"audit_event WHERE {told}",)
    counted = (table, *audited, "idempotent_answer")
    before = [api.count(one) for one in counted]
    answers = at_once([write.send] * DUPLICATES)
    assert outcomes(answers).keys() <= {"201", "still_in_flight"}, outcomes(answers)
    final = [answer if answer.is_success else settled(write.send) for answer in answers]
    assert outcomes(final) == {"201": DUPLICATES}
    assert len({answer.content for answer in final}) == 1
    assert len({answer.headers["ETag"] for answer in final}) == 1
    first = [answer for answer in final if "Idempotency-Replayed" not in answer.headers]
    assert len(first) == 1
    assert [api.count(one) for one in counted] == [rows + 1 for rows in before]


def test_fifty_keys_for_one_subject_randomize_them_once(api: Api) -> None:
    caller = api.as_("investigator")
    path = f"/v1/subjects/{caller.eligible()['id']}/randomization"
    answers = at_once([lambda: caller.post(path)] * DUPLICATES)
    assert outcomes(answers) == {"201": 1, "already_randomized": DUPLICATES - 1}
    won = next(answer for answer in answers if answer.status_code == 201)
    assert ok(caller.get(path)) == won.json()
    assert api.count("allocation") == 1
    assert api.rows("SELECT allocated FROM randomization_total") == [(1,)]


# --- one version --------------------------------------------------------------------------


CHANGES = {"record_discontinuation": 2}  # whoever leaves the study changes too


@pytest.mark.parametrize("operation", VERSIONED)
def test_one_of_many_changes_of_a_version_wins(api: Api, operation: str) -> None:
    write, _ = write_of(WRITES[operation], api)
    before = api.changes()
    answers = at_once([write.send] * 20)
    assert outcomes(answers) == {"200": 1, "stale_version": 19}
    assert api.changes() == before + CHANGES.get(operation, 1)


# --- one person, one number ------------------------------------------------------------------


@pytest.mark.parametrize("sites", [("NN", "NN"), ("NN", "LZ")])
def test_one_person_is_enrolled_once_wherever_they_are_entered(
    api: Api, sites: tuple[str, str]
) -> None:
    for turn in range(10):
        calls = [_entering(api, site, f"4501021971030{turn:05d}") for site in sites]
        assert outcomes(at_once(calls)) == {"201": 1, "duplicate_subject": 1}
    assert api.count("subject") == api.count("person_digest") == 10


def _entering(api: Api, site: str, national_id: str) -> Callable[[], httpx.Response]:
    caller = api.as_("investigator", site)
    body = {**SUBJECT, "site": site, "national_id": national_id}
    return lambda: caller.post("/v1/subjects", body)


def test_subject_numbers_have_no_gap_and_no_double(api: Api) -> None:
    callers = [api.as_("coordinator", site) for site in SITES]
    calls = [
        partial(caller.post, "/v1/subjects", {**SUBJECT, "site": site})
        for caller, site in islice(cycle(zip(callers, SITES, strict=True)), 48)
    ]
    numbers = {created(answer)["number"] for answer in at_once(calls)}
    assert numbers == {f"{site}-{number:04d}" for site in SITES for number in range(1, 17)}


# --- many subjects ----------------------------------------------------------------------


def eligible_subjects(api: Api, strata: Sequence[Kind]) -> list[Json]:
    """Subjects ready to be randomized, one for each site and concurrent chemotherapy."""
    made = {kind: iter(ids) for kind, ids in make_eligible(api, Counter(strata)).items()}
    return [{"id": str(next(made[kind])), "site": kind[0]} for kind in strata]


def test_the_list_is_followed_to_its_end_under_load(api: Api) -> None:
    protocol: Protocol = api.state.loaded.protocol
    section = protocol.randomization
    cells = list(islice(cycle(product(SITES, (True, False))), section.cap + 1))
    *subjects, late = eligible_subjects(api, cells)
    callers = {site: api.as_("investigator", site) for site in SITES}
    keys = {subject["id"]: str(uuid4()) for subject in subjects}

    def randomize(subject: Json) -> httpx.Response:
        path = f"/v1/subjects/{subject['id']}/randomization"
        caller = callers[subject["site"]]
        return settled(lambda: caller.post(path, key=keys[subject["id"]]))

    with ThreadPoolExecutor(CLIENTS) as clients:
        twice = [subject for subject in subjects for _ in range(2)]
        answers = list(clients.map(randomize, twice))

    assert outcomes(answers) == {"201": 2 * section.cap}
    replays = [answer for answer in answers if "Idempotency-Replayed" in answer.headers]
    assert len(replays) == section.cap
    assert [one.content for one in answers[::2]] == [one.content for one in answers[1::2]]

    allocated = _allocations(api)
    assert sum(len(arms) for arms in allocated.values()) == section.cap
    told = {answer.json()["randomization_number"]: answer.json()["arm"] for answer in answers}
    for stratum in rules.strata(section):
        arms = allocated[stratum.code]
        assert arms == list(LIST.arms[stratum.code][: len(arms)])
        assert arms == [told[f"{stratum.code}-{seq:03d}"] for seq in range(1, len(arms) + 1)]
        _check_balance(arms, _blocks(stratum.code, len(arms)), section.ratio)
    assert api.rows("SELECT allocated, cap FROM randomization_total") == [
        (section.cap, section.cap)
    ]

    path = f"/v1/subjects/{late['id']}/randomization"
    problem(callers[late["site"]].post(path), 409, "recruitment_complete")
    problem(callers[late["site"]].get(path), 404, "not_randomized")
    assert api.count("allocation") == section.cap


def _allocations(api: Api) -> dict[str, list[str]]:
    """The arms of each stratum in the order of its list, which has no gap and no double."""
    rows = api.rows("SELECT stratum, seq, arm FROM allocation ORDER BY stratum, seq")
    by_stratum: dict[str, list[str]] = {}
    for stratum, seq, arm in rows:
        arms = by_stratum.setdefault(stratum, [])
        arms.append(arm)
        assert seq == len(arms), f"{stratum} has a gap or a double at {seq}"
    return by_stratum


def _blocks(stratum: str, slots: int) -> Iterator[list[str]]:
    """The whole blocks within the first slots of a stratum."""
    for block in LIST.blocks(stratum):
        slots -= len(block)
        if slots < 0:
            return
        yield block


def _check_balance(arms: list[str], blocks: Iterator[list[str]], ratio: dict[str, int]) -> None:
    """Whole blocks hold the ratio, and the arms are never further apart than half a block."""
    sizes: list[int] = []
    for block in blocks:
        start = sum(sizes)
        sizes.append(len(block))
        assert arms[start : start + len(block)] == block
        unit = len(block) // sum(ratio.values())
        assert Counter(block) == {arm: share * unit for arm, share in ratio.items()}
    assert len(sizes) > 1
    first, _ = ratio
    ahead = accumulate(1 if arm == first else -1 for arm in arms)
    assert max(abs(difference) for difference in ahead) <= max(sizes) // 2


# --- one subject, two minds --------------------------------------------------------------


@pytest.fixture
def raced(api: Api) -> list[Json]:
    """Eligible subjects to randomize while someone changes what that rests on."""
    return eligible_subjects(api, [("NN", True)] * 20)


def test_an_allocation_rests_on_the_evaluation_that_was_current_and_signed(
    api: Api, raced: list[Json]
) -> None:
    caller = api.as_("investigator")
    seen: Counter[str] = Counter()
    for subject in raced:
        here = f"/v1/subjects/{subject['id']}"
        facts = ok(caller.get(f"{here}/eligibility"))["facts"]
        body = {"facts": {**facts, "ecog_performance_status": 4}, "reason": "Fell ill"}
        drawn, changed = at_once(
            [
                partial(caller.post, f"{here}/randomization"),
                partial(caller.put, f"{here}/eligibility", body, version=1),
            ]
        )
        seen.update(outcomes([drawn, changed]))
        if drawn.status_code == 201:
            problem(changed, 409, "eligibility_closed")
        else:
            assert changed.status_code == 200, changed.text
            problem(drawn, 409, "not_ready")
    assert seen["201"] + seen["200"] == len(raced)
    assert api.count("allocation") == seen["201"]
    unfounded = api.rows(
        "SELECT a.subject_id FROM allocation a WHERE evaluation_version <>"
        " (SELECT max(version) FROM eligibility_evaluation e WHERE e.subject_id = a.subject_id)"
        " OR NOT EXISTS (SELECT FROM eligibility_signature s WHERE s.subject_id = a.subject_id"
        " AND s.version = a.evaluation_version AND s.meaning = :meaning)",
        meaning=SignatureMeaning.ELIGIBLE.value,
    )
    assert unfounded == []


def test_nobody_is_randomized_after_withdrawing(api: Api, raced: list[Json]) -> None:
    caller = api.as_("investigator")
    withdrawal = {"withdrawn_on": str(api.today()), "reason": "Changed their mind"}
    for subject in raced:
        here = f"/v1/subjects/{subject['id']}"
        consent = ok(caller.get(f"{here}/consents"))["items"][0]["id"]
        path = f"{here}/consents/{consent}/withdrawal"
        before, known = ok(caller.get(here)), len(api.audit(subject))
        drawn, withdrawn = at_once(
            [
                partial(caller.post, f"{here}/randomization"),
                partial(caller.post, path, withdrawal),
            ]
        )
        created(withdrawn)
        now, trail = ok(caller.get(here)), api.audit(subject)[known:]
        assert now["status"] == "withdrawn"
        changes = [row for row in trail if (row.record, row.operation) == ("subject", "UPDATE")]
        assert now["version"] == before["version"] + len(changes), "one change overwrote another"
        order = [row.record for row in trail if row.operation == "INSERT"]
        if drawn.status_code == 201:
            assert order.index("allocation") < order.index("consent_withdrawal")
        else:
            problem(drawn, 409, "not_ready")
            assert "allocation" not in order


def test_the_stratum_is_that_of_the_plan_or_the_change_is_a_deviation(
    api: Api, raced: list[Json]
) -> None:
    caller = api.as_("investigator")
    start = api.today() + timedelta(days=10)
    change = plan(start, concurrent_chemotherapy=False, reason="Chemotherapy not tolerated")
    for subject in raced:
        here = f"/v1/subjects/{subject['id']}"
        drawn, changed = at_once(
            [
                partial(caller.post, f"{here}/randomization"),
                partial(caller.put, f"{here}/radiotherapy", change, version=1),
            ]
        )
        ok(changed)
        used = created(drawn)["stratum"]["concurrent_chemotherapy"]
        noted = api.rows(
            "SELECT code FROM deviation WHERE subject_id = :id", id=UUID(subject["id"])
        )
        assert noted == ([("stratum_changed",)] if used else [])

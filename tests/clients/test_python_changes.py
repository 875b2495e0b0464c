"""The Python client takes a version of a record for its own change only if it is."""

import json
from typing import Any

import httpx
import pytest

from tests.clients.script import Script, cut, page, problem, record
from tests.make import Json
from tools.python_client import DOCUMENT
from trial_client import TrialProblem
from trial_client.records import NOTHING, WRITABLE

STALE = (412, "stale_version", True)
PLAN: Json = {"planned_dose_gy": 66, "first_fraction_on": "2026-03-16", "reason": "Typing error"}
READ: Json = {
    **PLAN,
    "last_fraction_on": None,
    "interruptions": [],
    "protocol_version": "1.0",
    "recorded_at": "2026-05-12T02:30:00Z",
    "version": 3,
}
FACTS: Json = {"facts": {"ecog": 1, "hb": {"value": 9.5, "unit": "g/dL"}}, "reason": None}
BREAK: Json = {"from": "2026-04-06", "reason": "Machine out of service"}


def refused(problem: TrialProblem) -> tuple[int, str, bool]:
    return problem.status, problem.code, problem.uncertain


def put(script: Script, body: Any) -> Any:
    """Put on version 2 what is sent in `body`, as the plan of a subject."""
    with script.trial() as trial:
        return trial.record_radiotherapy("S", body, if_match='"2"')


def found(held: Json, version: int = 3) -> Script:
    """A change whose answer is lost, and what is found in the place of its version."""
    return Script(cut(), problem(412, "stale_version"), record(held, version))


@pytest.mark.parametrize(
    ("body", "held"),
    [
        (PLAN, READ),
        ({**PLAN, "reason": "  Typing error\n"}, READ),
        ({"planned_dose_gy": 66}, {"planned_dose_gy": 66.0, "reason": None}),
        ({"planned_dose_gy": 66}, {"planned_dose_gy": 66}),
        (FACTS, FACTS),
        ({"interruptions": [BREAK]}, {"interruptions": [{**BREAK, "to": None}]}),
    ],
    ids=["as_sent", "reason_stripped", "no_reason", "reason_untold", "nested", "nested_null"],
)
def test_a_change_whose_answer_was_lost_is_known_by_all_that_it_says(
    body: Json, held: Json
) -> None:
    script = found(held)
    answer = put(script, body)
    assert (answer.body, answer.replayed, answer.etag) == (held, True, '"3"')


@pytest.mark.parametrize(
    ("body", "held"),
    [
        (PLAN, {**READ, "planned_dose_gy": 70}),
        (PLAN, {**READ, "reason": "Another's reason"}),
        (PLAN, {**READ, "reason": None}),
        ({**PLAN, "reason": None}, READ),
        (PLAN, {**READ, "last_fraction_on": "2026-05-01"}),
        (PLAN, {**READ, "delivered_fractions": 0}),
        (PLAN, {**READ, "interruptions": [BREAK]}),
        (FACTS, {"facts": {**FACTS["facts"], "age": 52}, "reason": None}),
        ({"facts": {}}, FACTS),
        (FACTS, {"facts": {"ecog": 1, "hb": {**FACTS["facts"]["hb"], "uln": 2}}, "reason": None}),
        ({"concurrent_chemotherapy": True}, {"concurrent_chemotherapy": 1}),
    ],
    ids=[
        "other_value",
        "other_reason",
        "no_reason",
        "a_reason",
        "not_cleared",
        "zero_is_not_cleared",
        "list_not_cleared",
        "fact_not_cleared",
        "no_fact_cleared",
        "value_not_cleared",
        "other_type",
    ],
)
def test_a_version_that_says_anything_else_is_another_s(body: Json, held: Json) -> None:
    with pytest.raises(TrialProblem) as refusal:
        put(found(held), body)
    assert refused(refusal.value) == STALE


def test_a_later_version_is_not_one_s_own() -> None:
    with pytest.raises(TrialProblem) as refusal:
        put(found(READ, version=4), PLAN)
    assert refused(refusal.value) == STALE


def test_a_patch_leaves_what_it_does_not_name() -> None:
    held = {"applications": 3, "missed_reason": "Away", "reason": "Follow-up"}
    with found(held).trial() as trial:
        answer = trial.correct_exposure(
            "E", {"applications": 3, "reason": "Follow-up"}, if_match='"2"'
        )
    assert answer.replayed


def test_a_patch_for_another_reason_is_another_s() -> None:
    held = {"applications": 3, "reason": "Another's reason"}
    with found(held).trial() as trial, pytest.raises(TrialProblem) as refusal:
        trial.correct_exposure("E", {"applications": 3, "reason": "Follow-up"}, if_match='"2"')
    assert refused(refusal.value) == STALE


@pytest.mark.parametrize("read", [page(200), page(404), problem(403, "forbidden")])
def test_where_the_record_cannot_be_read_nothing_is_claimed(read: httpx.Response) -> None:
    script = Script(cut(), problem(412, "stale_version"), read)
    with pytest.raises(TrialProblem) as refusal:
        put(script, PLAN)
    assert refused(refusal.value) == STALE


def test_where_the_record_is_out_of_reach_nothing_is_claimed() -> None:
    script = Script(cut(), problem(412, "stale_version"), *[cut() for _ in range(5)])
    with pytest.raises(TrialProblem) as refusal:
        put(script, PLAN)
    assert refused(refusal.value) == STALE


@pytest.mark.parametrize("answer", [page(503), page(502), problem(503, "outcome_unknown")])
def test_the_record_is_read_after_every_answer_that_leaves_the_outcome_open(
    answer: httpx.Response,
) -> None:
    assert put(Script(answer, problem(412, "stale_version"), record(READ, 3)), PLAN).replayed


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectError("refused"), httpx.ConnectTimeout("silent"), httpx.PoolTimeout("full")],
    ids=["refused", "silent", "full"],
)
def test_what_was_never_sent_is_nobody_s_change(failure: httpx.TransportError) -> None:
    script = Script(failure, problem(412, "stale_version"))
    with pytest.raises(TrialProblem) as refusal:
        put(script, PLAN)
    assert refused(refusal.value) == (412, "stale_version", False)
    assert len(script.sent) == 2


def test_the_members_that_a_put_clears_are_those_of_the_document() -> None:
    document = json.loads(DOCUMENT.read_text())
    schemas = document["components"]["schemas"]

    def members(described: Any) -> set[str]:
        reference: str = described["content"]["application/json"]["schema"]["$ref"]
        return set(schemas[reference.rpartition("/")[2]]["properties"])

    written: set[str] = set()
    for verbs in document["paths"].values():
        if "put" in verbs:
            body = members(verbs["put"]["requestBody"])
            assert members(verbs["get"]["responses"]["200"]) & WRITABLE <= body
            written |= body
    assert written == WRITABLE
    assert False not in NOTHING
    assert 0 not in NOTHING

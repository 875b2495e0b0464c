"""What opens an adjudication, keeps it open, and is kept of it."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.api.core.making import new_id
from tests.make import SEVERE, Api, Json, created, grading, ok, path, problem
from tests.randomization.test_concurrency import at_once, outcomes

REASON = "Misread the source record"
DECISION: Json = {"grade": 3, "reason": "The photograph shows a confluent membrane"}
ROUNDS = 4


def adjudications(api: Api, **asked: object) -> list[Json]:
    found: list[Json] = ok(api.as_("monitor").get("/v1/adjudications", params=asked))["items"]
    return found


def gradings(api: Api, subject_id: str) -> list[Json]:
    where = f"/v1/subjects/{subject_id}/visits/RT1A/gradings"
    found: list[Json] = ok(api.as_("monitor").get(where))["items"]
    return found


def correct(api: Api, place: int, made: Json, **changed: object) -> Json:
    where = f"/v1/gradings/{made['id']}"
    assessor = api.as_("assessor", place=place)
    return ok(assessor.patch(where, {**changed, "reason": REASON}, version=made["version"]))


MODERATE = {"grade": 2, "mucosal_appearance": "patchy", "pain_score": 5, "analgesic": "none"}


def test_a_correction_that_makes_gradings_differ_opens_an_adjudication(api: Api) -> None:
    subject = api.as_("coordinator").in_radiotherapy()
    first = api.graded(subject, "RT1A", api.today())
    where = path(subject, "visits", "RT1A", "gradings")
    created(api.as_("assessor", place=2).post(where, grading(api.today())))
    assert adjudications(api) == []
    correct(api, 1, first, **SEVERE)
    [opened] = adjudications(api)
    assert (opened["status"], opened["visit"]) == ("open", "RT1A")


def test_agreeing_afterwards_does_not_close_an_adjudication(api: Api) -> None:
    opened = api.disputed()
    _, second = gradings(api, opened["subject_id"])
    adapted = correct(api, 2, second, **MODERATE)
    assert adjudications(api) == [opened]
    correct(api, 2, adapted, **SEVERE)
    assert adjudications(api) == [opened]


def test_a_decision_stands_when_a_grading_is_corrected_after_it(api: Api) -> None:
    opened = api.disputed()
    decided = ok(api.as_("investigator").patch(f"/v1/adjudications/{opened['id']}", DECISION))
    _, second = gradings(api, opened["subject_id"])
    correct(api, 2, second, **MODERATE)
    assert adjudications(api) == [decided]


def test_each_visit_is_adjudicated_by_itself(api: Api) -> None:
    first = api.disputed()
    assert first["id"] != api.disputed()["id"]
    assert api.count("adjudication") == 2


def test_two_assessors_at_the_same_moment_open_one_adjudication(api: Api) -> None:
    coordinator, today = api.as_("coordinator"), api.today()
    for _ in range(ROUNDS):
        subject = coordinator.in_radiotherapy()
        ok(coordinator.put(path(subject, "visits", "RT1A"), {"date": str(today)}))
        where = path(subject, "visits", "RT1A", "gradings")
        bodies = (grading(today), grading(today, **SEVERE))
        calls = [
            partial(api.as_("assessor", place=place).post, where, body)
            for place, body in enumerate(bodies, 1)
        ]
        assert outcomes(at_once(calls)) == {"201": 2}
        assert len(gradings(api, subject["id"])) == 2
        [opened] = adjudications(api, subject_id=subject["id"])
        assert (opened["status"], opened["version"]) == ("open", 1)


def test_of_an_assessor_and_an_investigator_at_the_same_moment_the_assessor_may_be_second(
    api: Api,
) -> None:
    coordinator, today = api.as_("coordinator"), api.today()
    for _ in range(ROUNDS):
        subject = coordinator.in_radiotherapy()
        ok(coordinator.put(path(subject, "visits", "RT1A"), {"date": str(today)}))
        where = path(subject, "visits", "RT1A", "gradings")
        calls = [
            partial(api.as_(role).post, where, grading(today))
            for role in ("assessor", "investigator")
        ]
        found = outcomes(at_once(calls))
        assert found in ({"201": 2}, {"201": 1, "second_grading_by_assessor": 1})
        roles = [row.role for row in _made_by(api, subject)]
        assert roles in (["investigator", "assessor"], ["assessor"])


def _made_by(api: Api, subject: Json) -> list[Any]:
    return api.rows(
        "SELECT role FROM audit_event WHERE record = 'grading' AND subject_id = :id ORDER BY id",
        id=subject["id"],
    )


def test_of_decisions_at_the_same_moment_one_is_recorded(api: Api) -> None:
    where, investigator = f"/v1/adjudications/{api.disputed()['id']}", api.as_("investigator")
    calls = [partial(investigator.patch, where, DECISION, version=1) for _ in range(4)]
    assert outcomes(at_once(calls)) == {"200": 1, "stale_version": 3}
    assert api.count("adjudication") == 2


def test_it_is_audited_who_differed_and_who_decided(api: Api) -> None:
    opened = api.disputed()
    ok(api.as_("investigator").patch(f"/v1/adjudications/{opened['id']}", DECISION))
    told = api.rows(
        "SELECT role, reason FROM audit_event WHERE record = 'adjudication' ORDER BY id"
    )
    assert [tuple(row) for row in told] == [
        ("assessor", None),
        ("investigator", DECISION["reason"]),
    ]


def test_what_was_observed_before_leaving_is_decided_after_it(api: Api) -> None:
    opened, investigator = api.disputed(), api.as_("investigator")
    here = f"/v1/subjects/{opened['subject_id']}"
    [consent] = ok(investigator.get(f"{here}/consents"))["items"]
    left = {"withdrawn_on": str(api.today()), "reason": "Moves away"}
    created(investigator.post(f"{here}/consents/{consent['id']}/withdrawal", left))
    ok(investigator.patch(f"/v1/adjudications/{opened['id']}", DECISION))


def test_no_version_of_an_adjudication_is_rewritten(api: Api) -> None:
    api.disputed()
    for statement in ("UPDATE adjudication SET grade = 0", "DELETE FROM adjudication"):
        with pytest.raises(DBAPIError, match="its rows are kept as they were written"):
            api.rows(statement)


COPY = """
INSERT INTO adjudication SELECT (jsonb_populate_record(
    a, jsonb_build_object('version', 2, 'reason', 'seen', 'grade', 2) || CAST(:changed AS jsonb))).*
FROM adjudication a
"""


def test_the_database_holds_what_the_service_promises_of_an_adjudication(api: Api) -> None:
    opened = api.disputed()
    [author, _] = (one["assessor"] for one in gradings(api, opened["subject_id"]))
    decider = ok(api.as_("investigator").get("/v1/me"))["id"]
    another = f'{{"id": "{new_id()}", "version": 1, "grade": null}}'
    for changed, constraint in (
        (another, "adjudication_once_per_visit"),
        ('{"reason": null}', "adjudication_change_has_reason"),
        ('{"grade": 5}', "adjudication_grade_known"),
        ('{"grade": null}', "adjudication_decided_from_version_two"),
        (f'{{"recorded_by": "{author}"}}', "the adjudicator made one of the gradings"),
        ('{"version": 1}', "adjudication_decided_from_version_two"),
        ('{"site": "LZ"}', "fkey"),
    ):
        with pytest.raises(IntegrityError, match=constraint):
            api.rows(COPY, changed=changed)
    api.rows(COPY, changed=f'{{"recorded_by": "{decider}"}}')
    assert api.count("adjudication") == 2


def test_an_adjudication_of_an_unknown_id_is_not_found(unchanged: Api) -> None:
    where = f"/v1/adjudications/{new_id()}"
    problem(unchanged.as_("investigator").patch(where, DECISION, version=1), 404, "not_found")

"""What is kept of gradings."""

from datetime import timedelta
from uuid import uuid5

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.api.core.making import new_id
from services.api.sandbox.service import NAMESPACE
from tests.make import SEVERE, Api, Json, at_noon, created, grading, ok, problem

REASON = "Misread the source record"


def path(subject: Json, *parts: str) -> str:
    return "/".join(("/v1/subjects", subject["id"], *parts))


def days(number: int) -> timedelta:
    return timedelta(days=number)


def test_a_grading_and_its_correction_are_audited_with_their_author_and_reason(api: Api) -> None:
    assessor = api.as_("assessor")
    subject = api.as_("coordinator").in_radiotherapy()
    made = api.graded(subject, "RT1A", api.today())
    answer = assessor.patch(f"/v1/gradings/{made['id']}", {**SEVERE, "reason": REASON})
    ok(answer)
    visit, first, second = api.audit(subject)[-3:]
    assert [row.record for row in (visit, first, second)] == ["visit", "grading", "grading"]
    assert [row.reason for row in (visit, first, second)] == [None, None, REASON]
    assert {row.operation for row in (first, second)} == {"INSERT"}
    assert (first.new["grade"], second.new["grade"]) == (2, 3)
    assert (second.new["version"], second.new["assessor"]) == (2, first.new["assessor"])
    assert second.actor == str(uuid5(NAMESPACE, "assessor-nn"))
    assert second.role == "assessor"
    assert second.request_id == answer.headers["X-Request-Id"]


def test_a_refused_visit_or_grading_leaves_no_audit_row(api: Api) -> None:
    assessor, investigator = api.as_("assessor"), api.as_("investigator")
    another = api.as_("assessor", place=2)
    subject = api.as_("coordinator").in_radiotherapy()
    today = api.today()
    made = api.graded(subject, "RT1A", today)
    before = api.changes()
    visit = path(subject, "visits/RT1A")
    where = f"/v1/gradings/{made['id']}"
    refused = [
        assessor.put(visit, {"date": str(today)}),
        assessor.put(visit, {"missed_reason": "Was away", "reason": REASON}),
        assessor.put(path(subject, "visits/RT1B"), {"date": str(today + days(1))}),
        assessor.post(f"{visit}/gradings", grading(today)),
        assessor.post(path(subject, "visits/RT1B/gradings"), grading(today)),
        investigator.post(f"{visit}/gradings", grading(today)),
        another.post(f"{visit}/gradings", grading(today - days(1))),
        another.post(f"{visit}/gradings", grading(today, grade=5)),
        another.patch(where, {"grade": 1, "reason": REASON}, version=1),
        investigator.patch(where, {"grade": 1, "reason": REASON}),
        assessor.patch(where, {"grade": 1, "reason": REASON}, version=7),
    ]
    assert [answer.status_code for answer in refused] == [
        *(422, 409, 422, 409, 409),
        *(409, 409, 422, 404, 403, 412),
    ]
    assert api.changes() == before


def test_no_version_of_a_visit_or_grading_is_ever_rewritten(api: Api) -> None:
    api.graded(api.as_("coordinator").in_radiotherapy(), "RT1A", api.today())
    for statement in ("UPDATE grading SET grade = 0", "DELETE FROM grading", "DELETE FROM visit"):
        with pytest.raises(DBAPIError, match="its rows are kept as they were written"):
            api.rows(statement)


COPY = """
INSERT INTO grading SELECT (jsonb_populate_record(
    g, jsonb_build_object('version', 2, 'reason', 'typo') || CAST(:changed AS jsonb))).*
FROM grading g
"""


def test_the_database_holds_what_the_service_promises_of_a_grading(api: Api) -> None:
    api.graded(api.as_("coordinator").in_radiotherapy(), "RT1A", api.today())
    another = f'{{"id": "{new_id()}", "version": 1}}'
    for changed, constraint in (
        (another, "grading_once_per_assessor"),
        ('{"reason": null}', "grading_change_has_reason"),
        ('{"grade": 5}', "grading_grade_known"),
        ('{"pain_score": 11}', "grading_pain_score_known"),
        ('{"mucosal_appearance": "fine"}', "grading_appearance_known"),
        ('{"analgesic": "tea"}', "grading_analgesic_known"),
        ('{"diet": "cake"}', "grading_diet_known"),
        ('{"version": 1}', "grading_pkey"),
        ('{"site": "LZ"}', "fkey"),
    ):
        with pytest.raises(IntegrityError, match=constraint):
            api.rows(COPY, changed=changed)
    api.rows(COPY, changed="{}")
    assert api.count("grading") == 2


def test_a_corrected_visit_day_is_asked_about_and_takes_no_second_grading(api: Api) -> None:
    coordinator, first = api.as_("coordinator"), api.today()
    subject = coordinator.in_radiotherapy()
    api.move_to(first + days(3))
    made = api.graded(subject, "RT1A", first)
    visit = path(subject, "visits/RT1A")
    other = str(first + days(2))
    ok(coordinator.put(visit, {"date": other, "reason": "Wrong day entered"}))
    queries = f"/v1/queries?subject_id={subject['id']}"
    [asked] = ok(coordinator.get(queries))["items"]
    assert (asked["record_id"], asked["field"], asked["status"]) == (
        made["id"],
        "assessed_at",
        "open",
    )
    second = api.as_("assessor", place=2)
    refused = second.post(f"{visit}/gradings", grading(first + days(2)))
    problem(refused, 409, "graded_on_other_day")
    mended = {"assessed_at": at_noon(first + days(2)), "reason": "As the visit's day"}
    ok(api.as_("assessor").patch(f"/v1/gradings/{made['id']}", mended))
    assert ok(coordinator.get(queries))["items"][0]["status"] == "closed"
    created(second.post(f"{visit}/gradings", grading(first + days(2))))


def test_a_visit_day_taken_back_settles_its_query(api: Api) -> None:
    coordinator, first = api.as_("coordinator"), api.today()
    subject = coordinator.in_radiotherapy()
    api.move_to(first + days(3))
    api.graded(subject, "RT1A", first)
    for day in (first + days(1), first):
        body = {"date": str(day), "reason": "Wrong day entered"}
        ok(coordinator.put(path(subject, "visits/RT1A"), body))
    [asked] = ok(coordinator.get(f"/v1/queries?subject_id={subject['id']}"))["items"]
    assert asked["status"] == "closed"


def test_a_grading_is_corrected_after_the_subject_left_unless_its_day_changes(api: Api) -> None:
    coordinator, first = api.as_("coordinator"), api.today()
    subject = coordinator.in_radiotherapy()
    api.move_to(first + days(3))
    made = api.graded(subject, "RT1A", first + days(1))
    consent = ok(coordinator.get(path(subject, "consents")))["items"][0]["id"]
    body = {"withdrawn_on": str(first), "reason": "Changed their mind"}
    created(coordinator.post(path(subject, f"consents/{consent}/withdrawal"), body))
    where, assessor = f"/v1/gradings/{made['id']}", api.as_("assessor")
    later = {"assessed_at": at_noon(first + days(2)), "reason": "Wrong time"}
    problem(assessor.patch(where, later), 409, "after_leaving")
    ok(assessor.patch(where, {"pain_score": 4, "reason": "Slip of the pen"}))

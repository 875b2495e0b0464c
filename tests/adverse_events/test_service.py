"""What is kept of adverse events: every version, who wrote it, and nothing that was refused."""

from uuid import uuid5

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.api.sandbox.service import NAMESPACE
from tests.make import Api, Json, adverse_event, created, ok

REASON = "Follow-up from the ward"


def reported(api: Api, subject: Json) -> Json:
    where = f"/v1/subjects/{subject['id']}/adverse-events"
    return created(api.as_("investigator").post(where, adverse_event(api.today())))


def test_each_version_is_audited_with_its_own_author_and_reason(api: Api) -> None:
    subject = api.as_("coordinator").consented()
    event = reported(api, subject)
    judgment = {"expectedness": "unexpected", "reason": "Not in the safety information"}
    answer = api.as_("safety_officer").patch(f"/v1/adverse-events/{event['id']}", judgment)
    ok(answer)
    first, second = api.audit(subject)[-2:]
    assert [(row.record, row.operation, row.role) for row in (first, second)] == [
        ("adverse_event", "INSERT", "investigator"),
        ("adverse_event", "INSERT", "safety_officer"),
    ]
    assert (first.reason, second.reason) == (None, "Not in the safety information")
    assert (first.new["expectedness"], second.new["expectedness"]) == (None, "unexpected")
    assert first.actor == str(uuid5(NAMESPACE, "investigator-nn"))
    assert second.actor == str(uuid5(NAMESPACE, "safety-officer"))
    assert second.request_id == answer.headers["X-Request-Id"]


def test_a_refused_report_or_follow_up_leaves_no_audit_row(api: Api) -> None:
    investigator, officer = api.as_("investigator"), api.as_("safety_officer")
    subject = investigator.consented()
    event = reported(api, subject)
    where = f"/v1/adverse-events/{event['id']}"
    before = api.changes()
    body = {**adverse_event(api.today()), "term": "Sore mouth"}
    refused = [
        investigator.post(f"/v1/subjects/{subject['id']}/adverse-events", body),
        investigator.patch(where, {"grade": 5, "reason": REASON}),
        investigator.patch(where, {"expectedness": "expected", "reason": REASON}),
        officer.patch(where, {"grade": 4, "reason": REASON}),
        investigator.patch(where, {"grade": 4, "reason": REASON}, version=9),
    ]
    assert [answer.status_code for answer in refused] == [422, 422, 403, 403, 412]
    assert api.changes() == before
    assert api.count("adverse_event") == 1


def test_no_version_of_an_event_is_ever_rewritten(api: Api) -> None:
    reported(api, api.as_("coordinator").consented())
    for statement in ("UPDATE adverse_event SET grade = 1", "DELETE FROM adverse_event"):
        with pytest.raises(DBAPIError, match="its rows are kept as they were written"):
            api.rows(statement)


COPY = """
INSERT INTO adverse_event SELECT (jsonb_populate_record(
    e, jsonb_build_object('version', 2, 'reason', 'typo') || CAST(:changed AS jsonb))).*
FROM adverse_event e
"""


def test_the_database_holds_what_the_service_promises_of_an_event(api: Api) -> None:
    reported(api, api.as_("coordinator").consented())
    for changed, constraint in (
        ('{"grade": 6}', "adverse_event_grade_known"),
        ('{"resolved_on": "2020-01-01"}', "adverse_event_onset_first"),
        ('{"serious": false}', "adverse_event_serious_by_criterion"),
        ('{"causality_study_drug": "surely"}', "adverse_event_causality_known"),
        ('{"sponsor_causality": "surely"}', "adverse_event_causality_known"),
        ('{"expectedness": "feared"}', "adverse_event_expectedness_known"),
        ('{"outcome": "better"}', "adverse_event_outcome_known"),
        ('{"action_taken": "doubled"}', "adverse_event_action_known"),
        ('{"reason": null}', "adverse_event_change_has_reason"),
        ('{"version": 0}', "adverse_event_version_from_one"),
        ('{"version": 1}', "adverse_event_pkey"),
        ('{"site": "LZ"}', "fkey"),
    ):
        with pytest.raises(IntegrityError, match=constraint):
            api.rows(COPY, changed=changed)
    api.rows(COPY, changed="{}")
    assert api.count("adverse_event") == 2

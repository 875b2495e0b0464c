"""What is kept of adverse events: every version, who wrote it, and nothing that was refused."""

from datetime import datetime, timedelta, tzinfo
from typing import Self
from uuid import UUID, uuid5

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.api.adverse_events import reading
from services.api.core import records
from services.api.core.auth import Worker
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
    trail = api.audit(subject)
    first, second = (row for row in trail if row.record == "adverse_event")
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


# --- in which order -----------------------------------------------------------------------


class Behind(datetime):
    """The clock of a server that is behind the others."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) - timedelta(seconds=30)


def test_what_a_server_with_a_slow_clock_records_comes_after_what_was_recorded_before(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    first = investigator.reported(subject, grade=2)
    second = investigator.reported(subject, continues=first["id"])
    monkeypatch.setattr(records, "datetime", Behind)
    more = {"narrative": "As told before.", "reason": REASON}
    renamed = {"term": "Esophagitis", "reason": "Endoscopy"}
    ok(investigator.patch(f"/v1/adverse-events/{first['id']}", more))
    ok(investigator.patch(f"/v1/adverse-events/{second['id']}", renamed))
    assert recorded(api, first) == [
        (first["id"], 1),
        (second["id"], 1),
        (first["id"], 2),
        (second["id"], 2),
        (first["id"], 3),
    ]


def test_the_versions_of_an_occurrence_keep_their_order_whatever_their_times_say(
    api: Api,
) -> None:
    event = reported(api, api.as_("coordinator").consented())
    api.rows(COPY, changed='{"recorded_at": "2020-01-01T00:00:00Z"}')
    assert recorded(api, event) == [(event["id"], 1), (event["id"], 2)]


def recorded(api: Api, case: Json) -> list[tuple[str, int]]:
    """The versions of a case, in the order of their recording."""
    caller = Worker(("NN",))
    with api.state.database.session(caller) as session:
        rows = reading.case_versions(session, UUID(case["id"]))
        return [(str(row.id), row.version) for row in rows]


# --- what others hear ---------------------------------------------------------------------


def heard(api: Api) -> list[tuple[str, str]]:
    """What was told of adverse events: the kind and the record."""
    query = "SELECT type, record_id FROM feed_event WHERE record = 'adverse_event' ORDER BY seq"
    return [(row.type.removeprefix("adverse_event."), row.record_id) for row in api.rows(query)]


MILD: Json = {"serious": False, "seriousness": [], "grade": 2}


def test_every_change_of_an_event_is_told_once(api: Api) -> None:
    investigator = api.as_("investigator")
    event = reported(api, investigator.consented())
    where = f"/v1/adverse-events/{event['id']}"
    ok(investigator.patch(where, {"grade": 2, "reason": REASON}))
    ok(investigator.patch(where, {"nullified": True, "reason": REASON}))
    investigator.patch(where, {"grade": 1, "reason": REASON})
    told = [kind for kind, record in heard(api) if record == event["id"]]
    assert told == ["reported", "updated", "nullified"]


@pytest.mark.parametrize(
    ("changed", "upgrade"),
    [
        ({"grade": 3}, True),
        ({"grade": 1}, False),
        ({"serious": True, "seriousness": ["hospitalisation"]}, True),
        ({"serious": True, "seriousness": ["life_threatening"], "grade": 1}, True),
        ({"outcome": "recovered"}, False),
        ({"causality": {"study_drug": "related"}}, False),
    ],
)
def test_a_graver_case_is_told_as_an_upgrade_too(api: Api, changed: Json, upgrade: bool) -> None:
    investigator = api.as_("investigator")
    event = investigator.reported(investigator.consented(), **MILD)
    where = f"/v1/adverse-events/{event['id']}"
    ok(investigator.patch(where, {**changed, "reason": REASON}))
    expected = ["reported", "updated", *(["upgraded"] if upgrade else [])]
    assert heard(api) == [(kind, event["id"]) for kind in expected]


def test_a_graver_occurrence_and_a_sponsors_suspicion_upgrade_the_case(api: Api) -> None:
    investigator, officer = api.as_("investigator"), api.as_("safety_officer")
    subject = investigator.consented()
    first = investigator.reported(subject, **MILD)
    second = investigator.reported(subject, continues=first["id"])
    third = investigator.reported(subject, **{**MILD, "continues": second["id"]})
    judged = {"sponsor_causality": "related", "reason": "Plausible"}
    ok(officer.patch(f"/v1/adverse-events/{second['id']}", judged))
    assert heard(api) == [
        ("reported", first["id"]),
        ("reported", second["id"]),
        ("upgraded", second["id"]),
        ("reported", third["id"]),
        ("updated", second["id"]),
        ("upgraded", second["id"]),
    ]


def test_the_deadlines_follow_every_version_of_a_case(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()

    def clocks() -> set[str]:
        return {row[0] for row in api.rows("SELECT clock FROM safety_deadline")}

    first = investigator.reported(subject, **MILD)
    assert clocks() == set()
    investigator.reported(subject, continues=first["id"])
    assert "serious_to_sponsor" in clocks()
    cases = api.rows("SELECT DISTINCT case_id::text FROM safety_deadline")
    assert [row[0] for row in cases] == [first["id"]]

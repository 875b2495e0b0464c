"""Submissions over HTTP: what was sent stops the clock, and what cannot have been is refused."""

from datetime import datetime, timedelta

import pytest

from tests.deadlines.cases import (
    announced,
    assessed,
    reach,
    sending,
    submitted,
    suspected,
    the,
    told,
)
from tests.make import Api, Json, created, mistakes, ok, problem

HOUR = timedelta(hours=1)


def where(event: Json, sent: Json | None = None) -> str:
    here = f"/v1/adverse-events/{event['id']}/submissions"
    return here if sent is None else f"{here}/{sent['id']}"


def test_a_submission_is_kept_with_its_receipt_and_meets_its_deadline(api: Api) -> None:
    event = suspected(api)
    body = sending(api, "regulator")
    sent = created(api.as_("safety_officer").post(where(event), body))
    assert sent.items() >= {name: body[name] for name in body if name != "submitted_at"}.items()
    assert (sent["event_version"], sent["version"], sent["withdrawn"]) == (1, 1, False)
    assert ok(api.as_("monitor").get(where(event, sent))) == sent
    assert ok(api.as_("investigator").get(where(event)))["items"] == [sent]
    assert the(api, event, "susar_other", recipient="regulator")["met_by"] == sent["id"]
    assert the(api, event, "susar_other", recipient="ethics_committee")["state"] == "due"
    assert announced(api, "submission.") == ["submission.recorded"]


def test_a_second_report_is_a_follow_up(api: Api) -> None:
    event = suspected(api)
    officer = api.as_("safety_officer")
    early = officer.post(where(event), sending(api, kind="follow_up"))
    problem(early, 409, "no_initial_report")
    submitted(api, event)
    problem(officer.post(where(event), sending(api)), 409, "already_reported")
    submitted(api, event, kind="follow_up")
    submitted(api, event, "sponsor")  # who was told nothing yet


def test_what_cannot_have_been_sent_is_refused(api: Api) -> None:
    event = suspected(api)
    officer = api.as_("safety_officer")
    now = api.state.clock.now()
    before = (datetime.fromisoformat(event["aware_at"]) - timedelta(seconds=1)).isoformat()
    cases = [
        ({"submitted_at": before}, ("/submitted_at", "before_awareness")),
        ({"submitted_at": (now + HOUR).isoformat()}, ("/submitted_at", "future")),
        ({"event_version": 2}, ("/event_version", "unknown")),
    ]
    for changed, mistake in cases:
        answer = officer.post(where(event), sending(api, **changed))
        assert mistakes(answer) == [mistake]
    assert api.count("safety_submission") == 0


def test_only_a_serious_event_is_reported_first(api: Api) -> None:
    event = suspected(api, serious=False, seriousness=[])
    officer = api.as_("safety_officer")
    problem(officer.post(where(event), sending(api)), 409, "event_not_serious")
    assert api.count("safety_submission") == 0


def test_a_nullification_is_told_to_those_who_were_told_and_of_what_is_nullified(api: Api) -> None:
    event = suspected(api)
    officer = api.as_("safety_officer")
    submitted(api, event)
    body = sending(api, kind="nullification")
    problem(officer.post(where(event), body), 409, "event_not_nullified")
    told(api, event, nullified=True)
    problem(officer.post(where(event), sending(api, kind="follow_up")), 409, "event_nullified")
    to_sponsor = sending(api, "sponsor", kind="nullification")
    problem(officer.post(where(event), to_sponsor), 409, "no_initial_report")
    assert submitted(api, event, kind="nullification")["event_version"] == 2
    assert the(api, event, "serious_to_sponsor")["lapsed_because"] == "nullified"
    assert the(api, event, "susar_other", recipient="regulator")["state"] == "met"


def test_a_report_of_a_version_before_is_recorded_as_such(api: Api) -> None:
    event = suspected(api)
    moment = api.state.clock.now()
    reach(api, moment, 2 * HOUR)
    assessed(api, event, expectedness="unexpected")
    sent = submitted(api, event, submitted_at=moment.isoformat())
    assert sent["event_version"] == 1


def test_a_version_is_not_sent_before_the_site_had_learnt_of_it(api: Api) -> None:
    event = suspected(api)
    moment = api.state.clock.now()
    reach(api, moment, 5 * HOUR)
    learnt = moment + 3 * HOUR
    told(api, event, grade=4, informed_at=learnt.isoformat())
    officer = api.as_("safety_officer")
    early = sending(api, submitted_at=(learnt - HOUR).isoformat(), event_version=2)
    answer = officer.post(where(event), early)
    assert mistakes(answer) == [("/submitted_at", "before_awareness")]
    sent = submitted(api, event, submitted_at=learnt.isoformat(), event_version=2)
    body = {"submitted_at": early["submitted_at"], "reason": "A slip"}
    answer = officer.patch(where(event, sent), body)
    assert mistakes(answer) == [("/submitted_at", "before_awareness")]


def test_a_report_of_a_milder_occurrence_meets_nothing_but_the_follow_up(api: Api) -> None:
    event = suspected(api)
    submitted(api, event)
    told(api, event, seriousness=["life_threatening"])
    reach(api, api.state.clock.now(), 30 * HOUR)
    milder = suspected(
        api,
        subject={"id": event["subject_id"]},
        continues=event["id"],
        grade=1,
        serious=False,
        seriousness=[],
    )
    fatal = "susar_fatal_or_life_threatening"
    submitted(api, milder, kind="follow_up")
    assert the(api, event, fatal, recipient="regulator", follow_up=False)["state"] == "due"
    submitted(api, event, kind="follow_up")
    assert the(api, event, fatal, recipient="regulator", follow_up=False)["state"] == "met"
    more = submitted(api, milder, kind="follow_up")
    second = the(api, event, fatal, recipient="regulator", follow_up=True)
    assert second["met_by"] == more["id"]


def test_a_correction_needs_a_reason_and_moves_the_deadline_it_met(api: Api) -> None:
    event = suspected(api)
    reach(api, event["aware_at"], 30 * HOUR)
    officer = api.as_("safety_officer")
    sent = submitted(api, event, "sponsor")
    assert the(api, event, "serious_to_sponsor")["late"] is True
    moment = (datetime.fromisoformat(event["aware_at"]) + 20 * HOUR).isoformat()
    assert mistakes(officer.patch(where(event, sent), {"submitted_at": moment})) == [
        ("/reason", "missing")
    ]
    body = {"submitted_at": moment, "receipt": "ACK-2", "reason": "Date of the fax"}
    problem(officer.patch(where(event, sent), body, version=7), 412, "stale_version")
    corrected = ok(officer.patch(where(event, sent), body, version=1))
    assert (corrected["version"], corrected["receipt"]) == (2, "ACK-2")
    assert the(api, event, "serious_to_sponsor")["late"] is False
    early = {"submitted_at": "2020-01-01T00:00:00Z", "reason": "A slip"}
    answer = officer.patch(where(event, sent), early)
    assert mistakes(answer) == [("/submitted_at", "before_awareness")]


def test_what_was_recorded_in_error_is_withdrawn_and_meets_nothing(api: Api) -> None:
    event = suspected(api)
    officer = api.as_("safety_officer")
    first, more = submitted(api, event), submitted(api, event, kind="follow_up")
    body = {"withdrawn": True, "reason": "Sent for another subject"}
    problem(officer.patch(where(event, first), body), 409, "no_initial_report")
    ok(officer.patch(where(event, more), body))
    assert ok(officer.patch(where(event, first), body))["withdrawn"] is True
    one = the(api, event, "susar_other", recipient="regulator")
    assert (one["state"], one["met_by"], one["met_at"]) == ("due", None, None)
    assert announced(api, "submission.")[2:] == ["submission.corrected"] * 2
    assert announced(api, "deadline.")[3:] == ["deadline.met", "deadline.changed"]
    problem(officer.patch(where(event, first), body), 409, "submission_withdrawn")
    again = submitted(api, event)
    assert the(api, event, "susar_other", recipient="regulator")["met_by"] == again["id"]


def test_a_submission_belongs_to_its_case_and_its_site(api: Api) -> None:
    event, other = suspected(api), suspected(api)
    sent = submitted(api, event)
    problem(api.as_("safety_officer").get(where(other, sent)), 404, "not_found")
    problem(api.as_("investigator", "LZ").get(where(event)), 404, "not_found")
    problem(api.as_("investigator", "LZ").get(where(event, sent)), 404, "not_found")


@pytest.mark.parametrize("role", ["investigator", "coordinator", "monitor", "data_manager"])
def test_only_a_safety_officer_records_what_was_sent(unchanged: Api, role: str) -> None:
    event = {"id": "019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19"}
    answer = unchanged.as_(role).post(where(event), sending(unchanged))
    problem(answer, 403, "forbidden")

"""What a subject's death asks of their adverse events, and what it closes."""

from datetime import timedelta

import pytest

from services.api.adverse_events import service
from services.api.core.auth import Worker
from tests.make import (
    FATAL,
    Api,
    Json,
    adverse_event,
    at_noon,
    created,
    ended,
    exposure,
    lock,
    mistakes,
    ok,
    path,
    problem,
)

REASON = "Follow-up from the ward"


def at(event: Json) -> str:
    return f"/v1/adverse-events/{event['id']}"


def ask(api: Api, subject: Json) -> None:
    """What the worker does once a death was told."""
    worker = Worker(sites=("NN", "LZ", "YL"))
    protocol = api.state.loaded.protocol
    with api.state.database.session(worker) as session:
        service.ask_after_death(session, worker, api.state.clock, protocol, subject["id"])
        session.commit()


def asked(api: Api, status: str = "open") -> list[str]:
    """Which events a query of the service asks about."""
    found = ok(api.as_("monitor").get("/v1/queries", params={"status": status}))["items"]
    return [one["record_id"] for one in found if one["code"] == "open_at_death"]


def test_a_fatal_event_needs_the_recorded_death(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    where = path(subject, "adverse-events")
    body = {**adverse_event(api.today()), **FATAL}
    refused = problem(investigator.post(where, body), 409, "death_not_recorded")
    for way in ("PATCH", "status died", "PUT", "study cause death"):
        assert way in refused["detail"]
    event = investigator.reported(subject)
    answer = investigator.patch(at(event), {**FATAL, "reason": REASON})
    problem(answer, 409, "death_not_recorded")
    investigator.died(subject)
    created(investigator.post(where, body))
    ok(investigator.patch(at(event), {**FATAL, "reason": REASON}))


def test_the_day_of_death_is_that_of_the_status_or_of_the_end_of_the_study(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    assert ok(investigator.get(path(subject)))["died_on"] is None
    day = api.today() + timedelta(days=3)
    api.move_to(day + timedelta(days=6))
    found = investigator.died(subject)
    assert found["died_on"] == found["left_on"] == str(api.today())
    for version, on in ((0, day + timedelta(days=1)), (1, day)):
        body = {"study": ended(on, "death"), "reason": "Told by the family"}
        ok(investigator.put(path(subject, "discontinuation"), body, version=version))
        found = ok(investigator.get(path(subject)))
        assert found["died_on"] == found["left_on"] == str(on)


def test_a_death_after_the_subject_left_does_not_move_the_day_of_leaving(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    lost = {"study": ended(api.today(), "lost_to_follow_up")}
    ok(investigator.put(path(subject, "discontinuation"), lost))
    left = api.today()
    api.move_to(left + timedelta(days=20))
    found = investigator.died(subject)
    assert (found["left_on"], found["died_on"]) == (str(left), str(api.today()))
    investigator.reported(subject, **FATAL, onset_on=str(left + timedelta(days=15)))


def test_nothing_begins_or_resolves_after_the_day_of_death(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    day = api.today()
    event = investigator.reported(subject, outcome="not_recovered")
    api.move_to(day + timedelta(days=5))
    body = {"study": ended(day + timedelta(days=2), "death")}
    ok(investigator.put(path(subject, "discontinuation"), body))
    late = str(day + timedelta(days=3))
    told = {**adverse_event(api.today()), **FATAL, "onset_on": late}
    answer = investigator.post(path(subject, "adverse-events"), told)
    assert mistakes(answer) == [("/onset_on", "after_death")]
    answer = investigator.patch(at(event), {"resolved_on": late, "reason": REASON})
    assert mistakes(answer) == [("/resolved_on", "after_death")]
    assert ok(investigator.get(at(event)))["grade_until"] == str(day + timedelta(days=2))


def test_who_died_is_not_getting_better(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    event = investigator.reported(subject)
    investigator.died(subject)
    answer = investigator.post(path(subject, "adverse-events"), adverse_event(api.today()))
    assert mistakes(answer) == [("/outcome", "after_death")]
    answer = investigator.patch(at(event), {"outcome": "recovering", "reason": REASON})
    assert mistakes(answer) == [("/outcome", "after_death")]
    ok(investigator.patch(at(event), {"narrative": "As told before.", "reason": REASON}))
    judged = {"expectedness": "unexpected", "reason": REASON}
    ok(api.as_("safety_officer").patch(at(event), judged))


def test_a_recorded_death_is_never_taken_back(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    body = {"study": ended(api.today(), "death")}
    ok(investigator.put(path(subject, "discontinuation"), body))
    investigator.reported(subject, **FATAL)
    for status in ("withdrawn", "lost_to_follow_up", "completed"):
        back = {"status": status, "reason": "Was alive"}
        problem(investigator.patch(path(subject), back), 409, "move_not_allowed")
    where = path(subject, "discontinuation")
    other = {"study": ended(api.today()), "reason": "Was alive"}
    problem(investigator.put(where, other), 409, "cause_contradicts_status")
    problem(investigator.put(where, {"reason": "Was alive"}), 409, "left_for_good")


def test_a_death_and_the_fatal_event_are_told_of_a_frozen_record(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    ok(api.as_("data_manager").put(path(subject, "lock"), lock("frozen")))
    investigator.died(subject)
    investigator.reported(subject, **FATAL)


# --- what a death closes ------------------------------------------------------------------


def test_after_a_death_no_visit_is_due_and_no_study_drug_is_taken(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.treated()
    drug = investigator.receives_study_drug(subject)
    investigator.died(subject)
    died = api.today()
    api.move_to(died + timedelta(days=200))
    visits = ok(investigator.get(path(subject, "visits"), params={"limit": 200}))["items"]
    planned = [one for one in visits if one["status"] in ("planned", "due", "overdue")]
    assert [one["code"] for one in planned if one["planned_on"] > str(died)] == []
    answer = investigator.post(path(subject, "exposures"), exposure(api.today()))
    problem(answer, 409, "after_leaving" if drug else "no_study_drug")


def test_the_site_is_asked_how_each_open_event_stood(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    open_, resolved, void = (investigator.reported(subject) for _ in range(3))
    over = {"outcome": "recovered", "resolved_on": str(api.today()), "reason": REASON}
    ok(investigator.patch(at(resolved), over))
    ok(investigator.patch(at(void), {"nullified": True, "reason": REASON}))
    ask(api, subject)
    assert asked(api) == []
    investigator.died(subject)
    for _ in range(2):
        ask(api, subject)
        assert asked(api) == [open_["id"]]
    ok(investigator.patch(at(open_), {"narrative": "As told before.", "reason": REASON}))
    assert asked(api) == [open_["id"]]
    ok(investigator.patch(at(open_), {"outcome": "not_recovered", "reason": REASON}))
    assert asked(api) == []
    assert asked(api, "closed") == [open_["id"]]


@pytest.mark.parametrize("whole_trial", [False, True], ids=["record", "trial"])
def test_a_locked_record_is_asked_nothing_and_the_worker_goes_on(
    api: Api, whole_trial: bool
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    investigator.reported(subject)
    investigator.died(subject)
    where = "/v1/study/lock" if whole_trial else path(subject, "lock")
    ok(api.as_("data_manager").put(where, lock("locked")))
    ask(api, subject)
    assert asked(api) == []
    ok(api.as_("data_manager").put(where, lock("frozen")))
    ask(api, subject)
    assert len(asked(api)) == 1


@pytest.mark.parametrize("site", ["NN", "LZ"])
def test_the_question_is_the_services_own_and_at_the_subjects_site(api: Api, site: str) -> None:
    investigator = api.as_("investigator", site)
    subject = investigator.consented(site=site)
    day = at_noon(api.today())
    event = investigator.reported(subject, aware_at=day)
    investigator.died(subject)
    ask(api, subject)
    [found] = ok(investigator.get("/v1/queries"))["items"]
    known = {"record_id": event["id"], "field": "outcome", "origin": "system", "site": site}
    assert found.items() >= known.items()

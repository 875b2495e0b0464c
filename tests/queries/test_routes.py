"""Data queries over HTTP: what may be asked, whose turn it is, and who sees what."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.make import (
    Api,
    Json,
    adverse_event,
    created,
    grading,
    mistakes,
    ok,
    path,
    plan,
    problem,
    query,
)


def ask(caller: Api, subject: Json, **changed: object) -> Json:
    return created(caller.post("/v1/queries", query(subject, **changed)))


def step(caller: Api, asked: Json, action: str, *, version: int | None = None) -> httpx.Response:
    body = {"action": action, "text": f"To {action}"}
    return caller.patch(f"/v1/queries/{asked['id']}", body, version=version)


def listed(caller: Api, **filters: object) -> list[str]:
    found = ok(caller.get("/v1/queries", params=filters))["items"]
    return [one["id"] for one in found]


# --- the conversation --------------------------------------------------------------------


def test_a_query_is_answered_reopened_answered_and_closed(api: Api) -> None:
    monitor, coordinator = api.as_("monitor"), api.as_("coordinator")
    subject = coordinator.screened()
    asked = ask(monitor, subject)
    expected = {"version": 1, "status": "open", "site": "NN", "origin": "person", "code": None}
    assert asked.items() >= expected.items()
    for caller, action, status in (
        (coordinator, "answer", "answered"),
        (coordinator, "answer", "answered"),
        (monitor, "reopen", "open"),
        (coordinator, "answer", "answered"),
        (monitor, "close", "closed"),
        (monitor, "reopen", "open"),
    ):
        assert ok(step(caller, asked, action))["status"] == status
    found = ok(coordinator.get(f"/v1/queries/{asked['id']}"))
    said = [(one["action"], one["role"], one["text"]) for one in found["conversation"]]
    assert said == [
        ("raise", "monitor", "The source says otherwise"),
        ("answer", "coordinator", "To answer"),
        ("answer", "coordinator", "To answer"),
        ("reopen", "monitor", "To reopen"),
        ("answer", "coordinator", "To answer"),
        ("close", "monitor", "To close"),
        ("reopen", "monitor", "To reopen"),
    ]
    assert found["version"] == 7
    assert {one["name"] for one in found["conversation"]} == {"Demo monitor", "Demo coordinator"}
    assert ok(coordinator.get("/v1/queries"))["items"] == [found]


def test_a_query_is_raised_in_the_trial_s_time_whoever_asks(api: Api) -> None:
    api.move_to(api.today() + timedelta(days=30))
    subject = api.as_("coordinator").in_radiotherapy()
    api.graded(subject, "RT1A", api.today(), grade=4)
    ask(api.as_("monitor"), subject)
    asked = ok(api.as_("monitor").get("/v1/queries"))["items"]
    assert [one["origin"] for one in asked] == ["system", "person"]
    for one in asked:
        raised, recorded = one["raised_at"], one["conversation"][0]["recorded_at"]
        later = datetime.fromisoformat(raised) - datetime.fromisoformat(recorded)
        assert later > timedelta(days=29)


def test_a_step_that_does_not_follow_is_refused(api: Api) -> None:
    monitor, coordinator = api.as_("monitor"), api.as_("coordinator")
    asked = ask(monitor, coordinator.screened())
    problem(step(monitor, asked, "reopen"), 409, "query_move_not_allowed")
    ok(step(monitor, asked, "close"))
    problem(step(coordinator, asked, "answer"), 409, "query_move_not_allowed")
    problem(step(monitor, asked, "close"), 409, "query_move_not_allowed")
    assert api.count("data_query_step") == 2


@pytest.mark.parametrize("role", ["investigator", "coordinator", "hospital_system"])
def test_the_site_answers_and_leaves_the_decision_to_the_opener(api: Api, role: str) -> None:
    monitor, site = api.as_("monitor"), api.as_(role)
    asked = ask(monitor, site.screened())
    problem(step(monitor, asked, "answer"), 403, "site_answers")
    ok(step(site, asked, "answer"))
    for action in ("reopen", "close"):
        problem(step(site, asked, action), 403, "not_the_opener")
    ok(step(monitor, asked, "close"))


def test_a_monitor_does_not_decide_for_the_data_manager_who_decides_for_a_monitor_who_left(
    api: Api,
) -> None:
    monitor, manager = api.as_("monitor"), api.as_("data_manager")
    subject = api.as_("coordinator").screened()
    of_manager, of_monitor = ask(manager, subject), ask(monitor, subject)
    problem(step(monitor, of_manager, "close"), 403, "not_the_opener")
    ok(step(manager, of_monitor, "close"))
    ok(step(manager, of_manager, "close"))


def test_a_step_on_an_older_version_is_refused(api: Api) -> None:
    coordinator = api.as_("coordinator")
    asked = ask(api.as_("monitor"), coordinator.screened())
    ok(step(coordinator, asked, "answer", version=1))
    problem(step(coordinator, asked, "answer", version=1), 412, "stale_version")


# --- what it is about --------------------------------------------------------------------


def recorded(api: Api) -> tuple[Json, dict[str, Json]]:
    """A subject with a record of each kind, and for each what a query names."""
    site, today = api.as_("investigator"), api.today()
    subject = site.evaluated()
    here = f"/v1/subjects/{subject['id']}"
    consents = ok(site.get(f"{here}/consents"))["items"]
    ok(site.put(f"{here}/radiotherapy", plan(today + timedelta(days=10)), version=0))
    ok(site.put(f"{here}/visits/BL", {"date": str(today)}, version=0))
    graded = created(site.post(f"{here}/visits/BL/gradings", grading(today)))
    event = created(site.post(f"{here}/adverse-events", adverse_event(today)))
    late = {"code": "visit", "description": "Late", "occurred_on": str(today)}
    deviation = created(site.post(f"{here}/deviations", late))
    return subject, {
        "subject": {"field": "sex"},
        "consent": {"record_id": consents[0]["id"], "field": "signed_on"},
        "eligibility": {"field": "haemoglobin"},
        "radiotherapy": {"field": "planned_start"},
        "visit": {"record_id": "BL", "field": "date"},
        "grading": {"record_id": graded["id"], "field": "grade"},
        "adverse_event": {"record_id": event["id"], "field": "causality.study_drug"},
        "deviation": {"record_id": deviation["id"], "field": "occurred_on"},
    }


def test_a_query_is_about_any_field_of_any_record_or_about_the_record(api: Api) -> None:
    monitor = api.as_("monitor")
    subject, about = recorded(api)
    for record, named in about.items():
        asked = ask(monitor, subject, record=record, **named)
        assert (asked["record"], asked["field"]) == (record, named["field"])
        whole = created(monitor.post("/v1/queries", without_field(subject, record, named)))
        assert (whole["record_id"], whole["field"]) == (named.get("record_id"), None)


def without_field(subject: Json, record: str, named: Json) -> Json:
    body = query(subject, record=record, **named)
    del body["field"]
    return body


def test_what_is_not_recorded_of_the_subject_cannot_be_asked_about(api: Api) -> None:
    monitor = api.as_("monitor")
    subject, about = recorded(api)
    other = api.as_("investigator").screened()
    before = api.changes()

    def refused(whom: Json, **changed: Any) -> list[tuple[str, str]]:
        body = {name: value for name, value in query(whom, **changed).items() if value is not None}
        return mistakes(monitor.post("/v1/queries", body))

    for record, named in about.items():
        assert refused(subject, record=record, **{**named, "field": "colour"}) == [
            ("/field", "unknown")
        ]
        if "record_id" in named:
            assert refused(other, record=record, **named) == [("/record_id", "unknown")]
            assert refused(subject, record=record, field=None) == [("/record_id", "missing")]
            nothing = {"record_id": str(uuid4()), "field": None}
            assert refused(subject, record=record, **nothing) == [("/record_id", "unknown")]
            nonsense = {"record_id": "no id", "field": None}
            assert refused(subject, record=record, **nonsense) == [("/record_id", "unknown")]
        else:
            named_too = {"record_id": "BL", "field": None}
            assert refused(subject, record=record, **named_too) == [("/record_id", "not_of_kind")]
    assert refused(other, record="radiotherapy", field=None) == [("/record", "unknown")]
    assert refused({"id": str(uuid4())}) == [("/subject_id", "unknown")]
    assert api.changes() == before


def test_a_subject_of_another_site_cannot_be_asked_about(api: Api) -> None:
    subject = api.as_("coordinator").screened()
    elsewhere = api.as_("monitor", "LZ")
    assert mistakes(elsewhere.post("/v1/queries", query(subject))) == [("/subject_id", "unknown")]


@pytest.mark.parametrize("form", [str.upper, "{{{}}}".format, "urn:uuid:{}".format])
def test_a_record_is_found_by_whatever_form_of_its_id_the_query_named(
    api: Api, form: Callable[[str], str]
) -> None:
    assessor, monitor = api.as_("assessor"), api.as_("monitor")
    subject = api.as_("coordinator").in_radiotherapy()
    graded = assessor.graded(subject, "RT1A", api.today())
    asked = ask(monitor, subject, record="grading", record_id=form(graded["id"]), field="grade")
    assert asked["record_id"] == graded["id"]
    assert listed(assessor) == [asked["id"]]
    ok(step(assessor, asked, "answer"))


# --- who sees what -----------------------------------------------------------------------


def test_the_list_is_filtered_by_site_status_subject_record_and_origin(api: Api) -> None:
    monitor, site = api.as_("monitor"), api.as_("coordinator")
    one, other = site.screened(), site.screened()
    there = api.as_("coordinator", "LZ").screened(site="LZ")
    manager = api.as_("data_manager")
    first, second, third = ask(monitor, one), ask(monitor, other), ask(manager, there)
    ok(step(site, second, "answer"))
    everything = [one["id"] for one in (first, second, third)]
    assert listed(manager) == everything
    assert listed(monitor) == everything[:2]
    assert listed(manager, site="LZ") == [third["id"]]
    assert listed(monitor, site="LZ") == []
    assert listed(manager, status="open") == [first["id"], third["id"]]
    assert listed(manager, status="answered") == [second["id"]]
    assert listed(manager, status="closed") == []
    assert listed(manager, subject_id=other["id"]) == [second["id"]]
    assert listed(manager, record="subject", origin="person") == everything
    assert listed(manager, record="visit") == listed(manager, origin="system") == []
    page = ok(manager.get("/v1/queries", params={"limit": 2}))
    rest = ok(manager.get("/v1/queries", params={"limit": 2, "cursor": page["next_cursor"]}))
    assert [one["id"] for one in page["items"] + rest["items"]] == everything


def test_an_assessor_sees_and_answers_what_is_asked_about_their_own_gradings_only(
    api: Api,
) -> None:
    investigator, assessor, monitor = (api.as_(r) for r in ("investigator", "assessor", "monitor"))
    subject = investigator.in_radiotherapy()
    visit = path(subject, "visits", "RT1A")
    ok(investigator.put(visit, {"date": str(api.today())}, version=0))
    others, own = (
        created(one.post(f"{visit}/gradings", grading(api.today())))
        for one in (investigator, assessor)
    )
    about_own = ask(monitor, subject, record="grading", record_id=own["id"], field="grade")
    hidden = [
        ask(monitor, subject, record="grading", record_id=others["id"], field="grade"),
        ask(monitor, subject),
    ]
    assert listed(assessor) == [about_own["id"]]
    assert listed(api.as_("assessor", "LZ")) == []
    ok(step(assessor, about_own, "answer"))
    for one in hidden:
        problem(assessor.get(f"/v1/queries/{one['id']}"), 404, "not_found")
        problem(step(assessor, one, "answer", version=1), 404, "not_found")
    problem(step(assessor, about_own, "close"), 403, "not_the_opener")

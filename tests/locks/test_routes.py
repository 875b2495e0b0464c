"""Freezing and locking over HTTP: who may, in which order, and what waits for what."""

from uuid import uuid4

import httpx
import pytest

from tests.make import Api, Json, adverse_event, created, lock, mistakes, ok, path, problem, query

STUDY = "/v1/study/lock"


def put(caller: Api, where: str, state: str, *, version: int | None = None) -> httpx.Response:
    return caller.put(where, lock(state), version=version)


@pytest.fixture
def subject(api: Api) -> Json:
    return api.as_("coordinator").screened()


@pytest.mark.parametrize("of_study", [False, True])
def test_every_change_of_state_is_kept_with_who_when_and_why(
    api: Api, subject: Json, of_study: bool
) -> None:
    where = STUDY if of_study else path(subject, "lock")
    manager = api.as_("data_manager")
    at_first = ok(manager.get(where))
    assert at_first == {"version": 0, "state": "open", "since": None, "by": None, "reason": None}
    for version, state in enumerate(("frozen", "locked", "frozen", "open", "locked", "open"), 1):
        answer = ok(put(manager, where, state))
        assert answer == ok(api.as_("statistician").get(where))
        assert (answer["version"], answer["state"]) == (version, state)
        assert (answer["by"], answer["reason"]) == ("Demo data_manager", lock(state)["reason"])
        assert answer["since"].endswith("Z")
    table = "study_lock" if of_study else "subject_lock"
    told = api.rows(
        "SELECT new ->> 'state', reason FROM audit_event WHERE record = :table ORDER BY id",
        table=table,
    )
    assert [state for state, _ in told] == ["frozen", "locked", "frozen", "open", "locked", "open"]
    assert {reason for _, reason in told} == {lock("open")["reason"]}


@pytest.mark.parametrize("of_study", [False, True])
def test_the_same_state_again_and_a_stale_version_are_refused(
    api: Api, subject: Json, of_study: bool
) -> None:
    where = STUDY if of_study else path(subject, "lock")
    manager = api.as_("data_manager")
    problem(put(manager, where, "open", version=0), 409, "already_in_state")
    ok(put(manager, where, "frozen", version=0))
    problem(put(manager, where, "frozen", version=1), 409, "already_in_state")
    problem(put(manager, where, "locked", version=0), 412, "stale_version")
    assert ok(manager.get(where))["state"] == "frozen"


def test_a_subject_is_locked_only_when_no_query_about_them_is_left(api: Api, subject: Json) -> None:
    site, monitor, manager = (api.as_(r) for r in ("coordinator", "monitor", "data_manager"))
    created(monitor.post("/v1/queries", query(site.screened())))  # another subject's
    asked = [created(monitor.post("/v1/queries", query(subject))) for _ in range(2)]
    where = path(subject, "lock")
    assert problem(put(manager, where, "locked"), 409, "review_open")["detail"].startswith("2 ")
    ok(put(manager, where, "frozen"))
    answers = [{"action": action, "text": "Settled"} for action in ("answer", "close")]
    for left, one in zip((1, 0), asked, strict=True):
        ok(site.patch(f"/v1/queries/{one['id']}", answers[0]))
        ok(monitor.patch(f"/v1/queries/{one['id']}", answers[1]))
        if left:
            refusal = problem(put(manager, where, "locked"), 409, "review_open")
            assert refusal["detail"] == "1 query is not closed, 0 adjudications are open."
    ok(put(manager, where, "locked"))


def test_the_trial_is_locked_only_when_no_query_at_any_site_is_left(api: Api) -> None:
    site, monitor, manager = (
        api.as_("coordinator", "LZ"),
        api.as_("monitor", "LZ"),
        api.as_("data_manager"),
    )
    asked = created(monitor.post("/v1/queries", query(site.screened(site="LZ"))))
    problem(put(manager, STUDY, "locked"), 409, "review_open")
    ok(monitor.patch(f"/v1/queries/{asked['id']}", {"action": "close", "text": "A mistake"}))
    ok(put(manager, STUDY, "locked"))


@pytest.mark.parametrize("of_study", [False, True])
def test_nothing_is_locked_while_an_adjudication_is_open(api: Api, of_study: bool) -> None:
    opened = api.disputed(site="LZ")
    manager, decision = api.as_("data_manager"), {"grade": 3, "reason": "The photograph shows it"}
    other = api.as_("coordinator").screened()
    ok(put(manager, path(other, "lock"), "locked"))  # another subject's
    where = STUDY if of_study else f"/v1/subjects/{opened['subject_id']}/lock"
    refusal = problem(put(manager, where, "locked"), 409, "review_open")
    assert refusal["detail"] == "0 queries are not closed, 1 adjudication is open."
    ok(api.as_("investigator", "LZ").patch(f"/v1/adjudications/{opened['id']}", decision))
    ok(put(manager, where, "locked"))


def test_a_frozen_site_reports_safety_and_withdraws_consent(api: Api) -> None:
    site, manager = api.as_("investigator"), api.as_("data_manager")
    subject = site.consented()
    ok(put(manager, STUDY, "frozen"))
    ok(put(manager, path(subject, "lock"), "frozen"))
    event = created(site.post(path(subject, "adverse-events"), adverse_event(api.today())))
    created(site.sign_adverse_event(event))
    [consent] = ok(site.get(path(subject, "consents")))["items"]
    left = {"withdrawn_on": str(api.today()), "reason": "Moves away"}
    created(site.post(path(subject, "consents", consent["id"], "withdrawal"), left))
    found = ok(site.get(path(subject)))
    assert (found["status"], found["left_on"]) == ("withdrawn", str(api.today()))
    where = f"/v1/adverse-events/{event['id']}"
    ok(site.patch(where, {"outcome": "recovering", "reason": "Followed up"}))
    problem(site.patch(path(subject), {"sex": "male", "reason": "Misread"}), 409, "record_frozen")


def test_a_locked_record_is_opened_again_with_a_reason(api: Api, subject: Json) -> None:
    site, manager = api.as_("coordinator"), api.as_("data_manager")
    where, change = path(subject, "lock"), {"sex": "male", "reason": "Misread"}
    ok(put(manager, where, "locked"))
    refusal = problem(site.patch(path(subject), change), 409, "record_locked")
    assert "data manager" in refusal["detail"]
    assert mistakes(manager.put(where, {"state": "open"})) == [("/reason", "missing")]
    ok(put(manager, where, "frozen"))
    problem(site.patch(path(subject), change), 409, "record_frozen")
    ok(put(manager, where, "open"))
    ok(site.patch(path(subject), change))


def test_one_subjects_lock_leaves_the_others_alone(api: Api, subject: Json) -> None:
    site = api.as_("coordinator")
    ok(put(api.as_("data_manager"), path(subject, "lock"), "locked"))
    ok(site.patch(path(site.screened()), {"sex": "male", "reason": "Misread"}))


@pytest.mark.parametrize("role", ["investigator", "monitor", "statistician", "assessor"])
def test_only_the_data_manager_sets_a_lock_and_who_works_with_subjects_reads_it(
    unchanged: Api, role: str
) -> None:
    caller = unchanged.as_(role)
    for where in (STUDY, f"/v1/subjects/{uuid4()}/lock"):
        problem(caller.put(where, lock("frozen"), version=0), 403, "forbidden")
    assert ok(caller.get(STUDY))["state"] == "open"
    problem(caller.get(f"/v1/subjects/{uuid4()}/lock"), 404, "not_found")


def test_a_subject_of_another_site_has_no_lock_to_read(api: Api, subject: Json) -> None:
    problem(api.as_("monitor", "LZ").get(path(subject, "lock")), 404, "not_found")
    ok(api.as_("assessor").get(path(subject, "lock")))

"""Visits over HTTP."""

from calendar import isleap
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import event

from services.api.core.permissions import Role
from services.api.visits import service
from tests.make import (
    Api,
    Json,
    created,
    ended,
    grading,
    mistakes,
    ok,
    path,
    plan,
    problem,
)

REASON = "Misread the source record"


def days(number: int) -> timedelta:
    return timedelta(days=number)


def visits(api: Api, subject: Json) -> dict[str, Json]:
    """The subject's schedule by visit code."""
    return {visit["code"]: visit for visit in ok(api.get(path(subject, "visits")))["items"]}


# --- the schedule -----------------------------------------------------------------------


def test_there_is_no_schedule_before_a_radiotherapy_plan(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    assert visits(coordinator, subject) == {}
    problem(coordinator.get(path(subject, "visits/RT1A")), 404, "not_found")
    answer = coordinator.put(path(subject, "visits/RT1A"), {"date": str(api.today())}, version=0)
    problem(answer, 409, "no_schedule")


def test_the_schedule_moves_from_the_planned_to_the_actual_dates(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    planned = api.today() + days(10)
    ok(coordinator.put(path(subject, "radiotherapy"), plan(planned)))
    before = visits(coordinator, subject)
    assert before["BL"]["planned_on"] == str(planned - days(1))
    assert before["RT1A"]["window"] == {"from": str(planned), "to": str(planned + days(2))}

    first, last = planned + days(3), planned + days(24)
    api.move_to(last)
    delivered = {"first_fraction_on": str(first), "last_fraction_on": str(last)}
    body = plan(planned, **delivered, reason="Delivered, ended early")
    ok(coordinator.put(path(subject, "radiotherapy"), body))
    after = visits(coordinator, subject)
    assert after["RT1A"]["planned_on"] == str(first + days(1))
    assert {code: after[code]["planned_on"] for code in ("PW1", "FU30", "FU90")} == {
        "PW1": str(last + days(7)),
        "FU30": str(last + days(30)),
        "FU90": str(last + days(90)),
    }
    assert after["FU90"]["window"] == {"from": str(last + days(83)), "to": str(last + days(97))}
    assert "RT7A" in before
    assert "RT7A" not in after


def test_a_visit_is_planned_then_due_then_overdue_as_the_clock_moves(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    start = api.today() + days(10)
    ok(coordinator.put(path(subject, "radiotherapy"), plan(start)))
    where = path(subject, "visits/RT1A")
    seen = [ok(coordinator.get(where))["status"]]
    for offset in (-1, 0, 2, 3):
        api.move_to(start + days(offset))
        seen.append(ok(coordinator.get(where))["status"])
    assert seen == ["planned", "planned", "due", "due", "overdue"]


def test_a_visit_is_done_on_its_date_or_missed_for_a_reason(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.in_radiotherapy()
    api.move_to(api.today() + days(7))
    done = ok(coordinator.put(path(subject, "visits/RT1A"), {"date": str(api.today() - days(6))}))
    assert (done["status"], done["flags"], done["version"]) == ("done", [], 1)
    body = {"missed_reason": "Snow, no bus from the village"}
    missed = ok(coordinator.put(path(subject, "visits/RT1B"), body))
    assert (missed["status"], missed["date"], missed["version"]) == ("missed", None, 1)
    assert missed["missed_reason"] == body["missed_reason"]


def test_a_visit_took_place_or_was_missed(api: Api) -> None:
    coordinator = api.as_("coordinator")
    where = path(coordinator.in_radiotherapy(), "visits/RT1A")
    bodies: list[Json] = [
        {},
        {"date": str(api.today()), "missed_reason": "Both"},
        {"reason": "Neither"},
    ]
    for body in bodies:
        assert mistakes(coordinator.put(where, body)) == [("", "value_error")]


def test_a_visit_of_tomorrow_has_not_taken_place(api: Api) -> None:
    coordinator = api.as_("coordinator")
    where = path(coordinator.in_radiotherapy(), "visits/RT1A")
    body = {"date": str(api.today() + days(1))}
    assert mistakes(coordinator.put(where, body)) == [("/date", "future")]
    assert ok(coordinator.get(where))["version"] == 0


def test_a_visit_the_schedule_does_not_have_is_not_found(api: Api) -> None:
    coordinator = api.as_("coordinator")
    where = path(coordinator.in_radiotherapy(), "visits/RT99A")
    problem(coordinator.get(where), 404, "not_found")
    problem(coordinator.put(where, {"date": str(api.today())}, version=0), 404, "not_found")


def test_a_corrected_visit_says_why_and_names_the_version_it_read(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.in_radiotherapy()
    where = path(subject, "visits/RT1A")
    api.move_to(api.today() + days(2))
    ok(coordinator.put(where, {"date": str(api.today())}))
    other = {"date": str(api.today() - days(1))}
    assert mistakes(coordinator.put(where, other)) == [("/reason", "missing")]
    problem(coordinator.put(where, {**other, "reason": REASON}, version=0), 412, "stale_version")
    problem(coordinator.request("PUT", where, json=other), 428, "if_match_missing")
    corrected = ok(coordinator.put(where, {**other, "reason": REASON}))
    assert (corrected["date"], corrected["version"]) == (other["date"], 2)
    assert corrected["reason"] == REASON


def test_an_unusual_day_is_flagged_and_kept(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.in_radiotherapy()
    first = api.today()
    api.move_to(first + days(10))

    def record(code: str, offset: int) -> list[str]:
        body = {"date": str(first + days(offset))}
        flags: list[str] = ok(coordinator.put(path(subject, "visits", code), body))["flags"]
        return flags

    assert record("RT1A", 2) == []
    assert record("RT1B", 3) == ["too_close"]
    assert record("RT2A", 10) == ["out_of_window"]
    assert visits(coordinator, subject)["RT1A"]["flags"] == ["too_close"]


def test_a_recorded_visit_stays_when_the_schedule_loses_it(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.in_radiotherapy()
    first = api.today()
    api.move_to(first + days(8))
    ok(coordinator.put(path(subject, "visits/RT2A"), {"date": str(api.today())}))
    delivered = {"first_fraction_on": str(first), "last_fraction_on": str(first + days(4))}
    body = plan(first, **delivered, reason="Radiotherapy was stopped on day 4")
    ok(coordinator.put(path(subject, "radiotherapy"), body))
    kept = visits(coordinator, subject)["RT2A"]
    assert (kept["status"], kept["date"]) == ("done", str(api.today()))
    assert (kept["planned_on"], kept["window"], kept["flags"]) == (None, None, ["out_of_window"])


def test_a_day_outside_every_window_is_flagged_as_that_too(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    today = api.today()
    start = today + days(40)  # the screening visit's window is not open yet
    ok(coordinator.put(path(subject, "radiotherapy"), plan(start)))
    early = ok(coordinator.put(path(subject, "visits/BL"), {"date": str(today)}))
    assert early["flags"] == ["out_of_window", "outside_every_window"]
    api.move_to(start - days(8))
    meant_for_screening = {"date": str(api.today()), "reason": REASON}
    moved = ok(coordinator.put(path(subject, "visits/BL"), meant_for_screening))
    assert moved["flags"] == ["out_of_window"]


# --- before consent and after leaving -----------------------------------------------------


def test_a_visit_lies_between_consent_and_leaving(api: Api) -> None:
    coordinator, investigator = api.as_("coordinator"), api.as_("investigator")
    subject = coordinator.in_radiotherapy()
    first = api.today()
    last = first + days(4)
    api.move_to(last + days(40))
    body = plan(first, first_fraction_on=str(first), last_fraction_on=str(last), reason="Over")
    ok(coordinator.put(path(subject, "radiotherapy"), body))
    ok(investigator.put(path(subject, "discontinuation"), {"study": ended(last + days(25))}))

    def record(code: str, on: date) -> httpx.Response:
        where = path(subject, "visits", code)
        return coordinator.put(where, {"date": str(on)}, version=0)

    problem(record("BL", first - days(1)), 409, "before_consent")
    problem(record("FU30", last + days(26)), 409, "after_leaving")
    assert ok(record("RT1A", first + days(1)))["status"] == "done"
    # It was planned for a day after leaving: not asked for, though it may have come earlier.
    assert list(visits(coordinator, subject)) == ["SCR", "BL", "RT1A", "RT1B", "PW1", "PW2"]
    where = path(subject, "visits/FU30")
    problem(coordinator.get(where), 404, "not_found")
    missed = {"missed_reason": "Had left by then"}
    problem(coordinator.put(where, missed, version=0), 409, "after_leaving")
    assert ok(record("FU30", last + days(25)))["flags"] == []
    assert visits(coordinator, subject)["FU30"]["status"] == "done"
    mistaken = {**missed, "reason": "Entered for another subject"}
    assert ok(coordinator.put(where, mistaken))["status"] == "missed"


# --- local calendar dates -------------------------------------------------------------------

SHANGHAI = ZoneInfo("Asia/Shanghai")
COMING = datetime.now(SHANGHAI).year + 1
LEAP = next(year for year in range(COMING, COMING + 8) if isleap(year))


@pytest.mark.parametrize(
    "day",
    [
        date(COMING, 1, 1),  # the year changes
        date(LEAP, 2, 29),
        date(LEAP, 3, 1),
        date(LEAP + 1, 3, 1),
        date(COMING, 5, 1),  # a month with thirty days ends
    ],
)
def test_a_visit_becomes_due_at_local_midnight_when_the_utc_day_is_another(
    api: Api, day: date
) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    ok(coordinator.put(path(subject, "radiotherapy"), plan(day)))
    where = path(subject, "visits/RT1A")
    midnight = datetime.combine(day, time(0), SHANGHAI)
    for moment, status in ((midnight - timedelta(seconds=1), "planned"), (midnight, "due")):
        api.state.clock.offset = moment - datetime.now(UTC)
        assert moment.astimezone(UTC).date() == day - days(1)
        if status == "due":
            assert api.today() == day
        assert ok(coordinator.get(where))["status"] == status
        answer = coordinator.put(where, {"date": str(day)}, version=0)
        if status == "planned":
            assert mistakes(answer) == [("/date", "future")]
        else:
            assert ok(answer)["flags"] == []


# --- every subject ----------------------------------------------------------------------------


def morning(api: Api, **query: object) -> list[Json]:
    """The list of all visits, page by page."""
    found: list[Json] = []
    asked = dict(query)
    while True:
        page = ok(api.get("/v1/visits", params=asked))
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        asked["cursor"] = page["next_cursor"]


def test_all_visits_are_those_of_each_subject_in_turn(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subjects = [coordinator.in_radiotherapy() for _ in range(3)]
    coordinator.consented()  # without a plan there is nothing to come to
    ok(coordinator.put(path(subjects[1], "visits/RT1A"), {"date": str(api.today())}))
    listed = morning(coordinator)
    assert listed == [
        {
            **visit,
            "subject_id": subject["id"],
            "number": subject["number"],
            "site": "NN",
        }
        for subject in subjects
        for visit in ok(coordinator.get(path(subject, "visits"), params={"limit": 200}))["items"]
    ]
    for limit in (1, 7, 200):
        assert morning(coordinator, limit=limit) == listed
    assert morning(api.as_("assessor")) == listed
    assert morning(api.as_("coordinator", "LZ")) == []


def test_visits_are_filtered_by_status_site_and_planned_day(api: Api) -> None:
    for site in ("NN", "LZ"):
        api.as_("coordinator", site).in_radiotherapy(site=site)
    api.move_to(api.today() + days(10))
    monitor = api.signed_in(Role.MONITOR, ("NN", "LZ"))
    listed = morning(monitor)
    assert {one["site"] for one in listed} == {"NN", "LZ"}
    assert morning(monitor, site="LZ") == [one for one in listed if one["site"] == "LZ"]
    for statuses in (["due"], ["overdue", "planned"], ["missed"]):
        expected = [one for one in listed if one["status"] in statuses]
        assert morning(monitor, status=statuses) == expected
        assert morning(monitor, status=statuses, limit=1) == expected
    low, high = str(api.today()), str(api.today() + days(9))
    inside = [one for one in listed if low <= one["planned_on"] <= high]
    assert inside
    assert morning(monitor, **{"from": low, "to": high}) == inside


def awaiting(api: Api, **query: object) -> list[str]:
    """The visits that await a grading, as the list of them, the schedule and each visit say."""
    listed = morning(api, awaits_grading=True, **query)
    rest = morning(api, awaits_grading=False, **query)
    assert all(one["awaits_grading"] for one in listed)
    assert not any(one["awaits_grading"] for one in rest)
    for one in listed:
        assert ok(api.get(path({"id": one["subject_id"]}, "visits", one["code"])))["awaits_grading"]
    return [one["code"] for one in listed]


def test_a_visit_that_took_place_awaits_its_grading(api: Api) -> None:
    coordinator, assessor = api.as_("coordinator"), api.as_("assessor")
    subject = coordinator.in_radiotherapy()
    today = api.today()
    assert awaiting(coordinator) == []
    recorded = ok(coordinator.put(path(subject, "visits/RT1A"), {"date": str(today)}))
    assert recorded["awaits_grading"]
    screening = ok(coordinator.put(path(subject, "visits/SCR"), {"date": str(today)}))
    missed = ok(coordinator.put(path(subject, "visits/RT1B"), {"missed_reason": "Holiday"}))
    assert not screening["awaits_grading"]
    assert not missed["awaits_grading"]
    assert awaiting(coordinator) == awaiting(coordinator, status="done", site="NN") == ["RT1A"]
    assert awaiting(coordinator, status="due") == []
    assert awaiting(api.as_("coordinator", "LZ")) == []
    made = created(assessor.post(path(subject, "visits/RT1A/gradings"), grading(today)))
    assert awaiting(coordinator) == awaiting(assessor) == []
    ok(assessor.patch(f"/v1/gradings/{made['id']}", {"pain_score": 4, "reason": REASON}))
    assert awaiting(coordinator) == []


def test_an_assessor_is_not_told_whether_another_one_has_graded(api: Api) -> None:
    first, second = api.as_("assessor"), api.as_("assessor", place=2)
    subject = api.as_("coordinator").in_radiotherapy()
    ok(first.put(path(subject, "visits/RT1A"), {"date": str(api.today())}))
    before = morning(second)
    created(first.post(path(subject, "visits/RT1A/gradings"), grading(api.today())))
    assert awaiting(first) == []
    assert awaiting(second) == ["RT1A"]
    assert morning(second) == before
    assert awaiting(api.as_("investigator")) == awaiting(api.as_("monitor")) == []
    created(second.post(path(subject, "visits/RT1A/gradings"), grading(api.today())))
    assert awaiting(second) == []


def test_what_can_be_graded_no_more_awaits_nothing(api: Api) -> None:
    investigator = api.as_("investigator")
    failed, left = investigator.in_radiotherapy(), investigator.in_radiotherapy()
    began = api.today()
    api.move_to(began + days(2))
    for subject, day in ((failed, began), (left, began), (left, began + days(2))):
        code = "RT1A" if day == began else "RT1B"
        ok(investigator.put(path(subject, f"visits/{code}"), {"date": str(day)}))
    assert awaiting(investigator) == ["RT1A", "RT1A", "RT1B"]
    ok(investigator.patch(path(failed), {"status": "screen_failed", "reason": "Another centre"}))
    consent = ok(investigator.get(path(left, "consents")))["items"][0]
    withdrawal = {"withdrawn_on": str(began + days(1)), "reason": "Moves away"}
    created(investigator.post(path(left, "consents", consent["id"], "withdrawal"), withdrawal))
    assert awaiting(investigator) == ["RT1A"]
    for subject, code, day, why in (
        (failed, "RT1A", began, "subject_closed"),
        (left, "RT1B", began + days(2), "after_leaving"),
    ):
        answer = investigator.post(path(subject, f"visits/{code}/gradings"), grading(day))
        problem(answer, 409, why)
    created(investigator.post(path(left, "visits/RT1A/gradings"), grading(began)))


def test_gradings_are_looked_for_once_however_many_visits_there_are(api: Api) -> None:
    coordinator = api.as_("coordinator")
    asked: list[str] = []

    def note(*given: object) -> None:
        asked.append(str(given[2]))

    for number in (1, 2):
        subject = coordinator.in_radiotherapy()
        for code in ("RT1A", "RT1B"):
            ok(coordinator.put(path(subject, "visits", code), {"date": str(api.today())}))
        asked.clear()
        event.listen(api.state.database.engine, "before_cursor_execute", note)
        page = ok(coordinator.get("/v1/visits", params={"awaits_grading": True}))
        event.remove(api.state.database.engine, "before_cursor_execute", note)
        assert len(page["items"]) == 2 * number
        assert len([one for one in asked if "FROM grading" in one]) == 1


def test_a_page_goes_on_where_it_was_though_visits_moved(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.in_radiotherapy()
    first = api.today()
    page = ok(coordinator.get("/v1/visits", params={"limit": 5}))
    api.move_to(first + days(3))
    delivered = {"first_fraction_on": str(first), "last_fraction_on": str(first + days(3))}
    ok(coordinator.put(path(subject, "radiotherapy"), plan(first, **delivered, reason="Stopped")))
    rest = morning(coordinator, limit=5, cursor=page["next_cursor"])
    assert [one["code"] for one in rest] == ["PW1", "PW2", "FU30", "FU60", "FU90"]


def test_a_page_that_finds_little_ends_early_and_says_where_to_go_on(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    monkeypatch.setattr(service, "MOST_BATCHES", 1)
    coordinator = api.as_("coordinator")
    subjects = [coordinator.in_radiotherapy() for _ in range(4)]
    ok(coordinator.put(path(subjects[3], "visits/RT1A"), {"date": str(api.today())}))
    first = ok(coordinator.get("/v1/visits?status=done"))
    assert first["items"] == []
    assert first["next_cursor"] is not None
    assert [one["subject_id"] for one in morning(coordinator, status="done")] == [subjects[3]["id"]]


@pytest.mark.parametrize("cursor", ["bad", "AAAA", "A" * 64, ""])
def test_a_cursor_of_another_list_is_refused(unchanged: Api, cursor: str) -> None:
    answer = unchanged.as_("coordinator").get("/v1/visits", params={"cursor": cursor})
    problem(answer, 400, "bad_cursor")

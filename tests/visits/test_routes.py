"""Visits over HTTP."""

from datetime import timedelta

from tests.make import Api, Json, mistakes, ok, path, plan, problem

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

"""Visits, gradings and the endpoint over HTTP."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from httpx import Response

from tests.make import Api, Json, at_noon, created, grading, mistakes, ok, path, plan, problem

REASON = "Misread the source record"
SEVERE = {"grade": 3, "mucosal_appearance": "confluent", "pain_score": 8, "analgesic": "opioid"}


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


# --- gradings ---------------------------------------------------------------------------


def recorded(api: Api, code: str = "RT1A", day: date | None = None) -> str:
    """The path of a visit that took place on that day, or else today."""
    subject = api.as_("coordinator").in_radiotherapy()
    where = path(subject, "visits", code)
    ok(api.as_("coordinator").put(where, {"date": str(day or api.today())}))
    return where


def test_a_grading_keeps_the_entered_grade_beside_the_derived_ones(api: Api) -> None:
    assessor = api.as_("assessor")
    where = recorded(api)
    answer = created(assessor.post(f"{where}/gradings", grading(api.today(), **SEVERE)))
    assert answer["derived"] == {"protocol": 3, "who": 1, "rtog": 3}
    assert (answer["grade"], answer["flags"], answer["version"]) == (3, [], 1)
    assert answer["assessed_on"] == str(api.today())
    assert ok(assessor.get(f"/v1/gradings/{answer['id']}")) == answer
    assert ok(assessor.get(f"{where}/gradings"))["items"] == [answer]


def test_a_grade_that_differs_from_its_components_is_flagged_and_never_overwritten(
    api: Api,
) -> None:
    answer = created(
        api.as_("assessor").post(f"{recorded(api)}/gradings", grading(api.today(), grade=4))
    )
    assert (answer["grade"], answer["derived"]["protocol"]) == (4, 2)
    assert answer["flags"] == ["differs_from_components"]


def test_a_baseline_above_grade_0_is_flagged(api: Api) -> None:
    where = f"{recorded(api, 'BL')}/gradings"
    intact = {"mucosal_appearance": "normal", "pain_score": 0, "diet": "solid"}
    normal = grading(api.today(), grade=0, **intact)
    assert created(api.as_("assessor").post(where, normal))["flags"] == []
    red = grading(api.today(), grade=1, **{**intact, "mucosal_appearance": "erythema"})
    answer = created(api.as_("investigator").post(where, red))
    assert answer["flags"] == ["above_highest_grade"]


SHANGHAI_AHEAD_OF_UTC = timedelta(hours=8)


def test_a_grading_belongs_to_the_local_date_of_its_visit(api: Api) -> None:
    visited = api.today()
    where = f"{recorded(api, day=visited)}/gradings"
    api.move_to(visited + days(2))

    def grade(role: str, day: date, at: time) -> Response:
        local = datetime.combine(day, at, UTC)
        moment = (local - SHANGHAI_AHEAD_OF_UTC).isoformat()
        return api.as_(role).post(where, grading(visited, assessed_at=moment))

    last_second = time(23, 59, 59)
    for day, at in ((visited - days(1), last_second), (visited + days(1), time(0))):
        assert mistakes(grade("assessor", day, at)) == [("/assessed_at", "other_day")]
    for role, at in (("assessor", time(0)), ("investigator", last_second)):
        assert created(grade(role, visited, at))["assessed_on"] == str(visited)


def test_an_offset_names_the_same_moment_as_utc(api: Api) -> None:
    where = recorded(api)
    body = grading(api.today(), assessed_at=f"{api.today()}T00:00:00.25+08:00")
    answer = created(api.as_("assessor").post(f"{where}/gradings", body))
    assert answer["assessed_at"] == f"{api.today() - days(1)}T16:00:00.250000Z"


def test_a_grading_is_not_made_ahead_of_time(api: Api) -> None:
    where = recorded(api)
    soon = (api.state.clock.now() + timedelta(minutes=5)).isoformat()
    answer = api.as_("assessor").post(f"{where}/gradings", grading(api.today(), assessed_at=soon))
    assert mistakes(answer) == [("/assessed_at", "future")]


def test_a_grading_needs_a_visit_that_took_place(api: Api) -> None:
    assessor = api.as_("assessor")
    subject = api.as_("coordinator").in_radiotherapy()
    body = grading(api.today())
    problem(assessor.post(path(subject, "visits/RT1A/gradings"), body), 409, "visit_not_recorded")
    ok(assessor.put(path(subject, "visits/RT1A"), {"missed_reason": "Away"}))
    problem(assessor.post(path(subject, "visits/RT1A/gradings"), body), 409, "visit_not_recorded")
    problem(assessor.post(path(subject, "visits/RT99A/gradings"), body), 404, "not_found")
    assert api.count("grading") == 0


def test_the_screening_visit_is_not_graded(api: Api) -> None:
    answer = api.as_("assessor").post(f"{recorded(api, 'SCR')}/gradings", grading(api.today()))
    problem(answer, 409, "visit_not_graded")


def test_a_second_assessors_grading_is_a_second_grading(api: Api) -> None:
    assessor, investigator = api.as_("assessor"), api.as_("investigator")
    where = f"{recorded(api)}/gradings"
    first = created(assessor.post(where, grading(api.today())))
    problem(assessor.post(where, grading(api.today(), grade=1)), 409, "already_graded")
    second = created(investigator.post(where, grading(api.today(), **SEVERE)))
    assert ok(assessor.get(where))["items"] == [first, second]
    assert first["assessor"] != second["assessor"]


def test_a_graded_visit_was_not_missed(api: Api) -> None:
    where = recorded(api)
    created(api.as_("assessor").post(f"{where}/gradings", grading(api.today())))
    answer = api.as_("coordinator").put(where, {"missed_reason": "Was not here", "reason": REASON})
    problem(answer, 409, "visit_has_gradings")


def test_a_wrong_visit_date_is_corrected_first_at_the_visit_then_at_its_grading(api: Api) -> None:
    coordinator, assessor = api.as_("coordinator"), api.as_("assessor")
    where = recorded(api)
    made = created(assessor.post(f"{where}/gradings", grading(api.today())))
    before = api.today() - days(1)
    moved = {"assessed_at": at_noon(before), "reason": REASON}
    refused = assessor.patch(f"/v1/gradings/{made['id']}", moved)
    assert mistakes(refused) == [("/assessed_at", "other_day")]
    ok(coordinator.put(where, {"date": str(before), "reason": REASON}))
    corrected = ok(assessor.patch(f"/v1/gradings/{made['id']}", moved))
    assert corrected["assessed_on"] == str(before)


def test_gradings_of_a_visit_that_is_not_scheduled_are_not_found(api: Api) -> None:
    subject = api.as_("investigator").on_treatment()
    answer = api.as_("assessor").get(f"/v1/subjects/{subject['id']}/visits/ZZ9/gradings")
    problem(answer, 404, "not_found")


def test_nothing_is_graded_before_consent(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.screened()
    here = f"/v1/subjects/{subject['id']}"
    ok(investigator.put(f"{here}/radiotherapy", plan(api.today())))
    problem(investigator.put(f"{here}/visits/BL", {"date": str(api.today())}), 409, "no_consent")


# --- corrections ------------------------------------------------------------------------


def graded(api: Api, **changed: object) -> str:
    """The path of an assessor's grading of today."""
    body = grading(api.today(), **changed)
    made = created(api.as_("assessor").post(f"{recorded(api)}/gradings", body))
    return f"/v1/gradings/{made['id']}"


def test_the_author_corrects_a_grading_and_every_version_stays_readable(api: Api) -> None:
    assessor = api.as_("assessor")
    where = graded(api)
    changed = {"mucosal_appearance": "confluent", "pain_score": 8, "grade": 3}
    corrected = ok(assessor.patch(where, {**changed, "reason": REASON}))
    assert corrected.items() >= changed.items()
    assert (corrected["diet"], corrected["derived"]["protocol"]) == ("soft", 3)
    history = ok(api.as_("monitor").get(f"{where}/versions"))["items"]
    assert [(one["version"], one["grade"], one["reason"]) for one in history] == [
        (1, 2, None),
        (2, 3, REASON),
    ]
    assert ok(assessor.get(where)) == corrected == history[-1]


def test_another_person_does_not_correct_a_grading(api: Api) -> None:
    where = graded(api)
    body = {"grade": 3, "reason": REASON}
    problem(api.as_("investigator").patch(where, body), 403, "not_the_author")
    assert ok(api.as_("assessor").get(where))["version"] == 1


def test_a_correction_has_a_reason_and_a_current_version(api: Api) -> None:
    assessor = api.as_("assessor")
    where = graded(api)
    assert mistakes(assessor.patch(where, {"grade": 3})) == [("/reason", "missing")]
    ok(assessor.patch(where, {"grade": 3, "reason": REASON}))
    late = assessor.patch(where, {"grade": 1, "reason": REASON}, version=1)
    problem(late, 412, "stale_version")


def test_a_corrected_time_stays_on_the_day_of_the_visit(api: Api) -> None:
    where = graded(api)
    soon = (api.state.clock.now() + timedelta(minutes=5)).isoformat()
    for assessed_at, code in (("2026-01-05T04:00:00Z", "other_day"), (soon, "future")):
        body = {"assessed_at": assessed_at, "reason": REASON}
        assert mistakes(api.as_("assessor").patch(where, body)) == [("/assessed_at", code)]


# --- the endpoint -----------------------------------------------------------------------


def endpoint(api: Api, subject: Json) -> Json:
    return ok(api.as_("statistician").get(path(subject, "endpoint")))


def test_before_radiotherapy_the_endpoint_is_pending_without_a_window(api: Api) -> None:
    derived = endpoint(api, api.as_("coordinator").consented())
    assert (derived["primary"]["status"], derived["window"]) == ("pending", None)
    assert (derived["max_grade"], derived["days_severe"]) == (None, 0)


def test_the_endpoint_is_pending_until_a_severe_grading_makes_it_an_event(api: Api) -> None:
    subject = api.as_("coordinator").in_radiotherapy()
    first = api.today()
    assert endpoint(api, subject)["window"] == {"from": str(first), "to": None}
    api.move_to(first + days(30))
    mild = api.graded(subject, "RT1A", first + days(1))
    pending = endpoint(api, subject)
    assert (pending["primary"]["status"], pending["max_grade"]) == ("pending", 2)
    assert pending["secondary"]["deciding_grading"] == mild["id"]
    severe = api.graded(subject, "RT3A", first + days(16), **SEVERE)
    api.graded(subject, "RT3B", first + days(19))
    event = endpoint(api, subject)
    assert event["primary"] == {
        "status": "event",
        "deciding_grading": severe["id"],
        "deciding_version": 1,
    }
    assert event["secondary"]["deciding_grading"] == mild["id"]
    assert (event["days_to_first_severe"], event["days_severe"]) == (16, 3)
    assert (event["max_grade"], event["grade_4"]) == (3, False)
    assert event["protocol_version"] == "1.0"


SLOTS = {"RT1A": 1, "RT1B": 4, "PW1": 11, "PW2": 18, "FU30": 34, "FU60": 64, "FU90": 90}
"""The slots of five fractions without interruption, and a day for each from the first."""
LAST_FRACTION = 4
CLOSES = LAST_FRACTION + 90


def treated(api: Api, *, without: tuple[str, ...] = (), **other_days: int) -> tuple[Json, date]:
    """A subject after five fractions, graded 2 at every slot but some, on the window's last day."""
    first = api.today()
    coordinator = api.as_("coordinator")
    subject = coordinator.in_radiotherapy(planned_fractions=5, planned_dose_gy=10)
    api.move_to(first + days(CLOSES))
    last = str(first + days(LAST_FRACTION))
    delivered = {"first_fraction_on": str(first), "last_fraction_on": last}
    body = plan(first, planned_fractions=5, planned_dose_gy=10, **delivered, reason="Ended")
    ok(coordinator.put(path(subject, "radiotherapy"), body))
    assert [code for code, one in visits(coordinator, subject).items() if one["graded"]] == [
        "BL",
        *SLOTS,
    ]
    for code, day in {**SLOTS, **other_days}.items():
        if code not in without:
            api.graded(subject, code, first + days(day))
    return subject, first


def test_no_event_is_known_the_day_after_the_window_closes(api: Api) -> None:
    subject, first = treated(api, without=("PW1",))
    open_ = endpoint(api, subject)
    assert open_["primary"]["status"] == "pending"
    assert open_["window"] == {"from": str(first), "to": str(first + days(CLOSES))}
    api.move_to(first + days(CLOSES + 1))
    closed = endpoint(api, subject)
    assert closed["primary"] == {
        "status": "no_event",
        "deciding_grading": None,
        "deciding_version": None,
    }
    assert (closed["gaps"], closed["coverage"]) == (["PW1"], pytest.approx(6 / 7))
    assert closed["secondary"]["status"] == "event"


@pytest.mark.parametrize(
    ("without", "gaps"),
    [
        (("FU90",), ["FU90"]),
        (("RT1B", "PW1"), ["RT1B", "PW1"]),
    ],
)
def test_without_the_last_grading_or_with_too_many_gaps_it_is_not_evaluable(
    api: Api, without: tuple[str, ...], gaps: list[str]
) -> None:
    subject, first = treated(api, without=without)
    api.move_to(first + days(CLOSES + 1))
    derived = endpoint(api, subject)
    assert derived["primary"]["status"] == "not_evaluable"
    assert derived["gaps"] == gaps


def test_a_severe_grading_on_day_90_counts_and_on_day_91_is_stored_and_does_not(api: Api) -> None:
    subject, first = treated(api, without=("FU90",))
    api.move_to(first + days(CLOSES + 1))
    late = api.graded(subject, "FU90", first + days(CLOSES + 1), **SEVERE)
    assert ok(api.as_("monitor").get(f"/v1/gradings/{late['id']}"))["grade"] == 3
    derived = endpoint(api, subject)
    assert (derived["primary"]["status"], derived["max_grade"]) == ("not_evaluable", 2)
    other, other_first = treated(api, without=("FU90",))
    api.graded(other, "FU90", other_first + days(CLOSES), **SEVERE)
    assert endpoint(api, other)["primary"]["status"] == "event"


def test_a_correction_decides_anew_and_the_deciding_version_is_named(api: Api) -> None:
    assessor = api.as_("assessor")
    subject = api.as_("coordinator").in_radiotherapy()
    made = api.graded(subject, "RT1A", api.today())
    where = f"/v1/gradings/{made['id']}"
    ok(assessor.patch(where, {**SEVERE, "reason": REASON}))
    assert endpoint(api, subject)["primary"] == {
        "status": "event",
        "deciding_grading": made["id"],
        "deciding_version": 2,
    }
    ok(assessor.patch(where, {"grade": 2, "reason": "It was grade 2 after all"}))
    assert endpoint(api, subject)["primary"]["status"] == "pending"

"""The endpoint over HTTP."""

from datetime import date, timedelta

import pytest

from tests.make import Api, Json, created, ok, path, plan

REASON = "Misread the source record"
SEVERE = {"grade": 3, "mucosal_appearance": "confluent", "pain_score": 8, "analgesic": "opioid"}


def days(number: int) -> timedelta:
    return timedelta(days=number)


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
        "deciding_visit": "RT3A",
        "deciding_basis": "single",
        "deciding_adjudication": None,
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
    scheduled = ok(coordinator.get(path(subject, "visits")))["items"]
    assert [one["code"] for one in scheduled if one["graded"]] == [
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
        "deciding_visit": None,
        "deciding_basis": None,
        "deciding_adjudication": None,
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
        "deciding_visit": "RT1A",
        "deciding_basis": "single",
        "deciding_adjudication": None,
    }
    ok(assessor.patch(where, {"grade": 2, "reason": "It was grade 2 after all"}))
    assert endpoint(api, subject)["primary"]["status"] == "pending"


def test_who_withdraws_is_not_evaluable_at_once_and_told_why(api: Api) -> None:
    coordinator, today = api.as_("coordinator"), api.today()
    subject = coordinator.in_radiotherapy()
    consent = ok(coordinator.get(path(subject, "consents")))["items"][0]["id"]
    body = {"withdrawn_on": str(today), "reason": "Changed their mind"}
    created(coordinator.post(path(subject, f"consents/{consent}/withdrawal"), body))
    derived = endpoint(api, subject)
    assert derived["primary"]["status"] == "not_evaluable"
    assert derived["left_on"] == str(today)
    assert f"The subject left the study on {today}." in derived["explanation"]

"""The measures derived with the endpoint."""

from datetime import timedelta

import pytest

from tests.make import Api, Json, created, grading, ok, plan

SEVERE = {"grade": 3, "mucosal_appearance": "confluent", "pain_score": 8, "analgesic": "opioid"}
WORST = {**SEVERE, "grade": 4, "mucosal_appearance": "ulcer_hemorrhage_necrosis"}


def path(subject: Json, *parts: str) -> str:
    return "/".join(("/v1/subjects", subject["id"], *parts))


def days(number: int) -> timedelta:
    return timedelta(days=number)


def endpoint(api: Api, subject: Json) -> Json:
    return ok(api.as_("statistician").get(path(subject, "endpoint")))


def test_the_worse_of_two_assessors_at_a_visit_decides(api: Api) -> None:
    subject = api.as_("coordinator").in_radiotherapy()
    api.graded(subject, "RT1A", api.today())
    where = path(subject, "visits/RT1A/gradings")
    worse = created(api.as_("investigator").post(where, grading(api.today(), **WORST)))
    derived = endpoint(api, subject)
    assert derived["primary"]["deciding_grading"] == worse["id"]
    assert (derived["max_grade"], derived["grade_4"]) == (4, True)


def test_days_severe_run_until_the_first_lower_grading(api: Api) -> None:
    subject = api.as_("coordinator").in_radiotherapy()
    first = api.today()
    api.move_to(first + days(30))
    api.graded(subject, "RT2A", first + days(8), **SEVERE)
    api.graded(subject, "RT2B", first + days(11), **WORST)
    api.graded(subject, "RT3A", first + days(15))
    derived = endpoint(api, subject)
    assert (derived["days_to_first_severe"], derived["days_severe"]) == (8, 7)


def test_the_dose_at_onset_is_the_share_of_the_fractions_given_by_then(api: Api) -> None:
    coordinator = api.as_("coordinator")
    start = api.today()
    monday = start + days((7 - start.weekday()) % 7)
    subject = coordinator.consented()
    api.move_to(monday + days(11))
    body = plan(monday, planned_dose_gy=60, planned_fractions=30, first_fraction_on=str(monday))
    ok(coordinator.put(path(subject, "radiotherapy"), body))
    api.graded(subject, "RT2A", monday + days(8), **SEVERE)
    # Monday to Friday, then Monday and Tuesday: seven fractions of 2 Gy.
    assert endpoint(api, subject)["gy_at_onset"] == pytest.approx(14)


def test_gradings_before_the_first_fraction_do_not_count(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    first = api.today() + days(2)
    ok(coordinator.put(path(subject, "radiotherapy"), plan(first)))
    api.graded(subject, "BL", api.today(), **SEVERE)
    api.move_to(first)
    body = plan(first, first_fraction_on=str(first), reason="Started")
    ok(coordinator.put(path(subject, "radiotherapy"), body))
    derived = endpoint(api, subject)
    assert (derived["primary"]["status"], derived["max_grade"]) == ("pending", None)

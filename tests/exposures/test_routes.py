"""Study drug taken, over HTTP."""

from datetime import timedelta

import pytest

from tests.make import (
    Api,
    Json,
    created,
    ended,
    exposure,
    mistakes,
    ok,
    path,
    plan,
    problem,
)

REASON = "Vials counted again"
DAY = timedelta(days=1)


def deviations(api: Api, subject: Json) -> list[str]:
    return [item["code"] for item in ok(api.get(path(subject, "deviations")))["items"]]


def test_a_day_is_recorded_with_its_volume_and_read_again(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = api.as_("investigator").treated()
    taken = created(coordinator.post(path(subject, "exposures"), exposure(api.today())))
    assert (taken["applications"], taken["volume_ml"], taken["version"]) == (3, 4.5, 1)
    assert ok(coordinator.get(f"/v1/exposures/{taken['id']}")) == taken
    assert ok(api.as_("monitor").get(path(subject, "exposures")))["items"] == [taken]


def test_fewer_applications_than_planned_need_a_reason(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = api.as_("investigator").treated()
    where = path(subject, "exposures")
    fewer = exposure(api.today(), applications=2)
    assert mistakes(coordinator.post(where, fewer)) == [("/missed_reason", "missing")]
    assert api.count("exposure") == 0
    taken = created(coordinator.post(where, {**fewer, "missed_reason": "Slept at noon"}))
    assert (taken["missed_reason"], taken["volume_ml"]) == ("Slept at noon", 3.0)


def test_more_than_planned_is_stored_and_a_deviation(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    where = path(subject, "exposures")
    taken = created(investigator.post(where, exposure(api.today(), applications=4)))
    assert taken["flags"] == ["overdose"]
    assert deviations(investigator, subject) == ["study_drug_overdose"]
    noted = api.audit(subject)[-1]
    assert (noted.record, noted.new["source"]) == ("deviation", "system")
    too_many = exposure(api.today() - DAY, applications=21)
    assert mistakes(investigator.post(where, too_many)) == [("/applications", "less_than_equal")]


def test_study_drug_outside_its_period_is_stored_and_a_deviation(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.randomized()  # radiotherapy is planned in ten days
    where = path(subject, "exposures")
    none = exposure(api.today(), applications=0, missed_reason="Not yet")
    assert created(investigator.post(where, none))["flags"] == []
    api.move_to(api.today() + DAY)
    assert created(investigator.post(where, exposure(api.today())))["flags"] == ["outside_period"]
    api.move_to(api.today() + 2 * DAY)
    assert created(investigator.post(where, exposure(api.today())))["flags"] == []
    assert deviations(investigator, subject) == ["treatment_outside_period"]


def test_the_period_follows_the_actual_radiotherapy(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    first = api.today()
    api.move_to(first + 30 * DAY)
    taken = created(investigator.post(path(subject, "exposures"), exposure(api.today())))
    assert taken["flags"] == []
    delivered = {"first_fraction_on": str(first), "last_fraction_on": str(first + 15 * DAY)}
    ok(investigator.put(path(subject, "radiotherapy"), plan(first, **delivered, reason=REASON)))
    seen = ok(investigator.get(f"/v1/exposures/{taken['id']}"))
    assert seen["flags"] == ["outside_period"]


def test_who_receives_no_study_drug_takes_none(api: Api) -> None:
    investigator = api.as_("investigator")
    waiting = investigator.eligible()
    answer = investigator.post(path(waiting, "exposures"), exposure(api.today()))
    problem(answer, 409, "no_treatment")
    control = investigator.randomized(concurrent_chemotherapy=False)
    assert ok(investigator.get(path(control, "randomization")))["arm"] == "control"
    answer = investigator.post(path(control, "exposures"), exposure(api.today()))
    problem(answer, 409, "no_study_drug")
    assert api.count("exposure") == 0


def test_study_drug_is_taken_after_randomization_and_not_tomorrow(api: Api) -> None:
    investigator = api.as_("investigator")
    where = path(investigator.treated(), "exposures")
    for offset, code in ((-1, "before_randomization"), (1, "future")):
        day = api.today() + offset * DAY
        assert mistakes(investigator.post(where, exposure(day))) == [("/day", code)]


def test_a_day_is_recorded_once(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.treated()
    investigator.took_study_drug(subject)
    answer = investigator.post(path(subject, "exposures"), exposure(api.today()))
    problem(answer, 409, "day_recorded")
    assert api.count("exposure") == 1


def test_a_corrected_day_says_why_and_keeps_its_day_and_versions(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    where = f"/v1/exposures/{investigator.took_study_drug(subject)['id']}"
    assert mistakes(investigator.patch(where, {"applications": 5})) == [("/reason", "missing")]
    fewer = {"applications": 1, "reason": REASON}
    assert mistakes(investigator.patch(where, fewer)) == [("/missed_reason", "missing")]
    corrected = ok(investigator.patch(where, {**fewer, "missed_reason": "Sore throat"}))
    assert (corrected["applications"], corrected["version"]) == (1, 2)
    problem(
        investigator.patch(where, {"applications": 3, "reason": REASON}, version=1),
        412,
        "stale_version",
    )
    whole = {"applications": 3, "missed_reason": None, "reason": REASON}
    assert ok(investigator.patch(where, whole))["missed_reason"] is None
    moved = {"day": str(api.today() - DAY), "reason": REASON}
    assert mistakes(investigator.patch(where, moved)) == [("/day", "extra_forbidden")]
    assert api.count("exposure") == 3
    assert len(ok(investigator.get(path(subject, "exposures")))["items"]) == 1


def test_a_correction_notes_only_what_is_newly_unusual(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    where = f"/v1/exposures/{investigator.took_study_drug(subject)['id']}"
    for applications in (4, 5):
        ok(investigator.patch(where, {"applications": applications, "reason": REASON}))
    assert deviations(investigator, subject) == ["study_drug_overdose"]


def test_after_the_end_of_treatment_nothing_is_taken_and_until_then_it_may_be_entered(
    api: Api,
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    end = api.today()
    api.move_to(end + 2 * DAY)
    ok(investigator.put(path(subject, "discontinuation"), {"treatment": ended(end)}))
    where = path(subject, "exposures")
    answer = investigator.post(where, exposure(end + DAY))
    problem(answer, 409, "treatment_discontinued")
    taken = created(investigator.post(where, exposure(end)))
    none = exposure(end + DAY, applications=0, missed_reason="Treatment had ended")
    kept = created(investigator.post(where, none))
    late = {"applications": 3, "missed_reason": None, "reason": REASON}
    problem(investigator.patch(f"/v1/exposures/{kept['id']}", late), 409, "treatment_discontinued")
    ok(investigator.patch(f"/v1/exposures/{taken['id']}", {"applications": 4, "reason": REASON}))


def test_after_leaving_the_study_nothing_is_taken(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    left_on = api.today()
    api.move_to(left_on + 2 * DAY)
    ok(investigator.put(path(subject, "discontinuation"), {"study": ended(left_on)}))
    where = path(subject, "exposures")
    problem(investigator.post(where, exposure(left_on + DAY)), 409, "after_leaving")
    created(investigator.post(where, exposure(left_on)))


@pytest.mark.parametrize("part", ["treatment", "study"])
def test_study_drug_recorded_before_an_earlier_end_is_flagged(api: Api, part: str) -> None:
    investigator = api.as_("investigator")
    subject = investigator.treated()
    where, end = path(subject, "exposures"), api.today()
    api.move_to(end + 10 * DAY)
    none = {"applications": 0, "missed_reason": "Forgotten"}
    for body in (
        exposure(end + 3 * DAY),
        exposure(end + 4 * DAY),
        exposure(end + 5 * DAY, **none),
    ):
        assert created(investigator.post(where, body))["flags"] == []
    ok(investigator.put(path(subject, "discontinuation"), {part: ended(end + 3 * DAY)}))
    seen = ok(investigator.get(where))["items"]
    assert [one["flags"] for one in seen] == [[], ["after_end"], []]
    late = f"/v1/exposures/{seen[1]['id']}"
    assert ok(investigator.get(late))["flags"] == ["after_end"]
    assert ok(investigator.patch(late, {**none, "reason": REASON}))["flags"] == []


def test_a_day_that_falls_outside_the_period_later_is_flagged_and_not_noted(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    first = api.today()
    api.move_to(first + 30 * DAY)
    taken = created(investigator.post(path(subject, "exposures"), exposure(api.today())))
    delivered = {"first_fraction_on": str(first), "last_fraction_on": str(first + 15 * DAY)}
    ok(investigator.put(path(subject, "radiotherapy"), plan(first, **delivered, reason=REASON)))
    fewer = {"applications": 1, "missed_reason": "Sore throat", "reason": REASON}
    corrected = ok(investigator.patch(f"/v1/exposures/{taken['id']}", fewer))
    assert corrected["flags"] == ["outside_period"]
    assert deviations(investigator, subject) == []


@pytest.mark.parametrize("role", ["assessor", "dmc", "admin"])
def test_who_grades_blind_never_sees_who_takes_study_drug(api: Api, role: str) -> None:
    subject = api.as_("investigator").treated()
    taken = api.as_("investigator").took_study_drug(subject)
    caller = api.as_(role)
    for where in (path(subject, "exposures"), f"/v1/exposures/{taken['id']}"):
        problem(caller.get(where), 403, "forbidden")

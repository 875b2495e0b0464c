"""The endpoints by arm: a trial small enough to count by hand, empty ones, and what never shows."""

import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.endpoint.rules import Decision, Outcome, OutcomeStatus, Window
from services.api.reports.arm_schemas import Comparison, Endpoints
from services.api.reports.endpoints import Grades, endpoints
from services.api.reports.participants import Participant
from tests.reports.generated import (
    PROTOCOL,
    TODAY,
    assessment,
    derived,
    head,
    participants,
    subject_id,
)

START = TODAY - timedelta(days=200)
OVER = Window(START, START + timedelta(days=136))
RUNS = Window(START, None)
UNTREATED, TREATED = "control", "experimental"


def subject(
    number: int,
    arm: str,
    status: OutcomeStatus,
    *,
    severe_after: int | None = None,
    days_severe: int = 0,
    window: Window | None = OVER,
    stratum: str = "NN-Y",
    left_after: int | None = None,
) -> Participant:
    grades = [(1, 0), (30, 1)] if severe_after is None else [(1, 0), (severe_after, 3)]
    counted = tuple(assessment(START + timedelta(days=day), grade, day) for day, grade in grades)
    return Participant(
        subject_id(number),
        "NN",
        "in_follow_up",
        randomized_on=START - timedelta(days=10),
        stratum=stratum,
        arm=arm,
        left_on=None if left_after is None else START + timedelta(days=left_after),
        outcome=Outcome(
            primary=Decision(status),
            secondary=Decision(OutcomeStatus.EVENT),
            window=window,
            max_grade=max(grade for _, grade in grades),
            days_to_first_severe=severe_after,
            days_severe=days_severe,
            gy_at_onset=None if severe_after is None else severe_after * 1.4,
            counted=counted,
        ),
    )


EVENT, NONE, UNKNOWN = OutcomeStatus.EVENT, OutcomeStatus.NO_EVENT, OutcomeStatus.NOT_EVALUABLE
SMALL = [
    subject(1, TREATED, EVENT, severe_after=30, days_severe=7),
    subject(2, TREATED, NONE),
    subject(3, TREATED, NONE),
    subject(4, TREATED, NONE, stratum="NN-N"),
    subject(5, TREATED, UNKNOWN),
    subject(6, UNTREATED, EVENT, severe_after=20, days_severe=14),
    subject(7, UNTREATED, EVENT, severe_after=25, days_severe=21),
    subject(8, UNTREATED, NONE, stratum="NN-N"),
    subject(9, UNTREATED, EVENT, severe_after=28, days_severe=10, window=RUNS),
    subject(10, UNTREATED, OutcomeStatus.PENDING, window=RUNS),
    subject(11, UNTREATED, UNKNOWN, left_after=15),
    replace(subject(12, UNTREATED, EVENT, severe_after=10), retained=False),
]


def told(subjects: list[Participant]) -> Endpoints:
    return endpoints(head([], []), subjects, {}, PROTOCOL)


def primary(report: Endpoints) -> Comparison:
    return report.comparisons[0]


def test_the_primary_outcome_is_counted_among_those_whose_observation_is_over() -> None:
    treated, untreated = primary(told(SMALL)).arms
    assert (treated.events, treated.evaluable, treated.not_evaluable) == (1, 4, 1)
    assert (treated.early_events, treated.pending) == (0, 0)
    assert (untreated.events, untreated.evaluable, untreated.not_evaluable) == (2, 3, 1)
    assert (untreated.early_events, untreated.pending) == (1, 1)


def test_the_difference_is_the_first_arm_minus_the_second() -> None:
    found = primary(told(SMALL))
    assert found.difference is not None
    assert found.difference.estimate == pytest.approx(1 / 4 - 2 / 3, abs=1e-5)
    assert found.common_difference is not None
    # NN-Y: 1/3 against 2/2, weight 6/5; NN-N: 0/1 against 0/1, weight 1/2.
    assert found.common_difference.estimate == pytest.approx((-2 / 3 * 1.2) / 1.7, abs=1e-5)


def test_who_is_not_evaluable_is_assumed_to_end_either_way() -> None:
    assumed = [one.difference for one in primary(told(SMALL)).assumed]
    assert [one and one.estimate for one in assumed] == [
        pytest.approx(2 / 5 - 3 / 4),
        pytest.approx(1 / 5 - 2 / 4),
        pytest.approx(2 / 5 - 2 / 4),
        pytest.approx(1 / 5 - 3 / 4),
    ]


def test_duplicates_are_counted_in_the_flow_and_nowhere_else() -> None:
    _, untreated = told(SMALL).flow
    assert (untreated.randomized, untreated.not_retained, untreated.analysed) == (7, 1, 6)


def test_times_end_with_the_severe_grade_with_leaving_or_with_the_last_grading() -> None:
    treated, untreated = told(SMALL).times.arms
    assert (treated.subjects, treated.events, treated.left_first, treated.censored) == (5, 1, 0, 4)
    assert (untreated.subjects, untreated.events) == (6, 3)
    assert (untreated.left_first, untreated.censored) == (1, 2)
    assert [(at.day, at.subjects) for at in untreated.at_risk] == [(0, 6), (14, 6), (28, 3)]
    assert [(point.day, point.at_risk) for point in untreated.severe] == [(20, 5), (25, 4), (28, 3)]
    # One of six left before: 5/6 are free, and each severe grade takes a fifth of them.
    assert [point.value.estimate for point in untreated.severe] == pytest.approx(
        [1 / 6, 2 / 6, 3 / 6], abs=1e-5
    )
    assert [point.value.estimate for point in untreated.left] == pytest.approx([1 / 6], abs=1e-5)
    # Leaving censors here: 4/5, 3/5, 2/5.
    assert [point.value.estimate for point in untreated.free] == pytest.approx([0.8, 0.6, 0.4])
    assert untreated.median_day == 28


def test_measures_tell_days_of_the_evaluable_and_dose_of_those_with_a_severe_grade() -> None:
    days, dose = told(SMALL).measures
    assert [(arm.subjects, arm.quartiles and arm.quartiles.median) for arm in days.arms] == [
        (4, 0),
        (3, 14),
    ]
    assert days.difference is not None
    assert days.difference.estimate == pytest.approx(-14)
    assert [(arm.subjects, arm.quartiles and arm.quartiles.median) for arm in dose.arms] == [
        (1, 42),
        (3, 35),
    ]


def test_weeks_count_from_the_first_fraction_and_after_the_last() -> None:
    days = [0, 6, 7, 46, 47, 53, 54]
    counted = tuple(assessment(START + timedelta(days=day), 1, day) for day in days)
    one = subject(1, TREATED, NONE)
    report = told([replace(one, outcome=replace(one.outcome, counted=counted))])
    assert [(week.period, week.week, week.subjects) for week in report.grades_by_week] == [
        ("during", 1, 1),
        ("during", 2, 1),
        ("during", 7, 1),
        ("after", 1, 1),
        ("after", 2, 1),
    ]


def test_the_worst_grade_of_a_week_counts_once() -> None:
    counted = tuple(assessment(START + timedelta(days=day), day, day) for day in (1, 3, 2))
    one = subject(1, TREATED, EVENT)
    report = told([replace(one, outcome=replace(one.outcome, counted=counted))])
    assert [week.grades for week in report.grades_by_week] == [[0, 0, 0, 1, 0]]


def test_derived_scales_stand_beside_the_primary_outcome() -> None:
    worst = {one.id: Grades({"who": 3, "rtog": 2}) for one in SMALL}
    report = endpoints(head([], []), SMALL, worst, PROTOCOL)
    who, rtog = report.comparisons[-2:]
    assert [(arm.events, arm.evaluable) for arm in who.arms] == [(5, 5), (4, 4)]
    assert [(arm.events, arm.evaluable) for arm in rtog.arms] == [(0, 4), (0, 3)]


def test_nothing_fails_without_subjects_and_it_says_what_cannot_be_computed() -> None:
    report = told([])
    found = primary(report)
    assert [arm.share for arm in found.arms] == [None, None]
    assert (found.difference, found.stratified_test, found.common_odds_ratio) == (None, None, None)
    assert report.times.log_rank is None
    assert [measure.difference for measure in report.measures] == [None, None]


@pytest.mark.parametrize("arm", [TREATED, UNTREATED])
def test_nothing_fails_with_one_arm_empty(arm: str) -> None:
    report = told([one for one in SMALL if one.arm == arm])
    assert primary(report).difference is None
    assert report.times.log_rank is None
    assert sum(each.evaluable for each in primary(report).arms) > 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(SMALL), max_size=30))
def test_whatever_happened_everyone_is_counted_once(drawn: list[Participant]) -> None:
    subjects = [replace(one, id=subject_id(number)) for number, one in enumerate(drawn)]
    report = told(subjects)
    for flow, arm in zip(report.flow, primary(report).arms, strict=True):
        parts = (arm.evaluable, arm.not_evaluable, arm.early_events, arm.pending)
        assert sum(parts) == flow.analysed
        assert flow.evaluable + flow.not_evaluable + flow.under_observation == flow.analysed


def test_a_report_by_arm_names_no_subject() -> None:
    made = participants()
    text = endpoints(head([], []), made, derived(made), PROTOCOL).model_dump_json()
    assert not any(str(one.id) in text for one in made)
    assert not re.search(r"[A-Z]{2}-\d{4}", text)
    assert not re.search(str(UUID(int=0))[:13], text)

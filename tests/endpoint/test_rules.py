"""The endpoint of one subject: boundaries of its window, coverage, and what never changes it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.endpoint.rules import (
    Outcome,
    OutcomeStatus,
    Window,
    days_at_or_above,
    endpoint,
    gy_at,
    window_of,
)
from services.api.gradings.rules import Assessment, GradeBasis
from services.api.protocol.schema import (
    Anchor,
    Component,
    Endpoint,
    Grading,
    Is,
    Protocol,
    Scale,
    ScaleGrade,
    VisitRule,
    Visits,
)
from services.api.visits.rules import Radiotherapy, schedule
from tests.first_trial import FIRST_TRIAL

DAY = timedelta(days=1)
MONDAY = date(2026, 3, 2)
LAST = MONDAY + 25 * DAY  # a Friday: four weeks of five fractions
CLOSE = LAST + 90 * DAY
AFTER_CLOSE = CLOSE + DAY

EVENT, NO_EVENT = OutcomeStatus.EVENT, OutcomeStatus.NO_EVENT
NOT_EVALUABLE, PENDING = OutcomeStatus.NOT_EVALUABLE, OutcomeStatus.PENDING

VISITS = Visits(
    fractions_per_week=5,
    minimum_hours_between_gradings=48,
    schedule=(
        VisitRule(
            code="BL", label="Baseline", anchor=Anchor.RT_START, day=-1, earliest=-7, latest=0
        ),
        VisitRule(
            code="RT{n}A",
            label="First of the week",
            anchor=Anchor.RT_START,
            day=0,
            earliest=0,
            latest=1,
            repeat_every_days=7,
            slot=True,
        ),
        VisitRule(
            code="RT{n}B",
            label="Second of the week",
            anchor=Anchor.RT_START,
            day=3,
            earliest=2,
            latest=5,
            repeat_every_days=7,
            slot=True,
        ),
        VisitRule(
            code="FU30",
            label="+30",
            anchor=Anchor.RT_END,
            day=30,
            earliest=23,
            latest=37,
            slot=True,
        ),
        VisitRule(
            code="FU90",
            label="+90",
            anchor=Anchor.RT_END,
            day=90,
            earliest=83,
            latest=97,
            slot=True,
        ),
    ),
)
GRADING = Grading(
    minimum=0,
    maximum=4,
    components=(Component(id="pain_score", label="Pain", minimum=0, maximum=10),),
    scales=(
        Scale(
            id="protocol",
            label="Protocol",
            source="registry",
            grades=tuple(
                ScaleGrade(
                    grade=grade,
                    text="grade",
                    when=Is.model_validate({"fact": "pain_score", "is": grade}),
                )
                for grade in (4, 0)
            ),
        ),
    ),
)
RULE = Endpoint(
    severe_grade=3,
    any_grade=1,
    window_days_after_rt_end=90,
    coverage_share=0.8,
    last_grading_from_day=83,
)
COURSE = Radiotherapy(MONDAY, 20, MONDAY, LAST, planned_dose_gy=40.0, delivered_dose_gy=40.0)
SLOTS = [visit for visit in schedule(COURSE, VISITS, today=LAST) if visit.slot]

ids = count(1)


def graded(on: date, grade: int, visit: str = "BL", hour: int = 2) -> Assessment:
    return Assessment(
        visit=visit,
        on=on,
        at=datetime.combine(on, time(hour), UTC),
        grade=grade,
        basis=GradeBasis.SINGLE,
        grading=UUID(int=next(ids)),
        version=1,
        adjudication=None,
    )


def kept(grade: int = 0, missing: Iterable[str] = ()) -> list[Assessment]:
    """Every slot visit on its planned day, but for the missing ones."""
    return [
        graded(visit.planned_on, grade, visit.code) for visit in SLOTS if visit.code not in missing
    ]


def unresolved(on: date, visit: str) -> Assessment:
    """A visit whose gradings differ and were not adjudicated."""
    single = graded(on, 0, visit)
    return replace(single, grade=None, basis=GradeBasis.UNRESOLVED, adjudication=UUID(int=0))


def derived(
    assessments: Iterable[Assessment],
    rt: Radiotherapy = COURSE,
    today: date = AFTER_CLOSE,
    rule: Endpoint = RULE,
    left_on: date | None = None,
) -> Outcome:
    return endpoint(
        assessments,
        rt,
        visits=VISITS,
        grading=GRADING,
        rule=rule,
        today=today,
        left_on=left_on,
    )


UNDER_WAY = replace(COURSE, last_fraction_on=None, delivered_dose_gy=None)

assessments = st.builds(
    graded,
    on=st.integers(-10, 130).map(lambda n: MONDAY + n * DAY),
    grade=st.integers(0, 4),
    visit=st.sampled_from([visit.code for visit in SLOTS]),
    hour=st.integers(0, 3),
)
records = st.lists(assessments, max_size=14) | st.lists(assessments, max_size=4).map(
    lambda some: kept() + some
)
todays = st.integers(-5, 140).map(lambda n: MONDAY + n * DAY)
treatments = st.sampled_from([COURSE, UNDER_WAY, replace(UNDER_WAY, first_fraction_on=None)])


# --- the window ---------------------------------------------------------------------


def test_the_window_runs_from_the_first_through_ninety_days_after_the_last_fraction() -> None:
    assert window_of(COURSE, RULE) == Window(MONDAY, date(2026, 6, 25))


def test_there_is_no_window_before_the_first_fraction() -> None:
    outcome = derived([graded(MONDAY, 4)], replace(UNDER_WAY, first_fraction_on=None))
    assert outcome.window is None
    assert outcome.primary.status is outcome.secondary.status is PENDING
    assert outcome.max_grade is None
    assert outcome.coverage is None


def test_the_window_is_open_until_the_last_fraction_is_recorded() -> None:
    outcome = derived(kept(), UNDER_WAY, today=date(2030, 1, 1))
    assert outcome.window == Window(MONDAY, None)
    assert outcome.primary.status is PENDING


@pytest.mark.parametrize(
    ("last", "to"),
    [
        (date(2027, 12, 1), date(2028, 2, 29)),
        (date(2026, 12, 1), date(2027, 3, 1)),
        (date(2026, 10, 2), date(2026, 12, 31)),
    ],
)
def test_ninety_calendar_days_cross_month_ends_and_leap_days(last: date, to: date) -> None:
    window = window_of(Radiotherapy(last, 20, last, last), RULE)
    assert window == Window(last, to)


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (MONDAY - DAY, False),
        (MONDAY, True),
        (LAST, True),
        (LAST + 89 * DAY, True),
        (LAST + 90 * DAY, True),
        (LAST + 91 * DAY, False),
    ],
)
def test_both_ends_of_the_window_count_and_the_days_around_it_do_not(
    day: date, counts: bool
) -> None:
    outcome = derived([*kept(), graded(day, 4)])
    assert outcome.primary.status is (EVENT if counts else NO_EVENT)
    assert outcome.secondary.status is outcome.primary.status
    assert outcome.max_grade == (4 if counts else 0)
    assert outcome.grade_4 is counts


def test_the_window_closes_the_day_after_its_last_day() -> None:
    assert derived(kept(), today=CLOSE).primary.status is PENDING
    assert derived(kept(), today=AFTER_CLOSE).primary.status is NO_EVENT


# --- an event -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grade", "primary", "secondary"),
    [
        (0, NO_EVENT, NO_EVENT),
        (1, NO_EVENT, EVENT),
        (2, NO_EVENT, EVENT),
        (3, EVENT, EVENT),
        (4, EVENT, EVENT),
    ],
)
def test_three_and_above_is_severe_and_one_and_above_is_any(
    grade: int, primary: OutcomeStatus, secondary: OutcomeStatus
) -> None:
    outcome = derived([*kept(), graded(MONDAY + 9 * DAY, grade)])
    assert (outcome.primary.status, outcome.secondary.status) == (primary, secondary)
    assert outcome.grade_4 is (grade == 4)


def test_an_event_stands_at_once_while_the_window_is_open() -> None:
    outcome = derived([graded(MONDAY, 3)], UNDER_WAY, today=MONDAY)
    assert outcome.primary.status is EVENT
    assert outcome.days_to_first_severe == 0


def test_an_event_needs_no_coverage() -> None:
    outcome = derived([graded(MONDAY + DAY, 1)])
    assert outcome.secondary.status is EVENT
    assert outcome.primary.status is NOT_EVALUABLE


def test_the_first_grading_that_reached_the_grade_decides() -> None:
    mild = graded(MONDAY + DAY, 1)
    severe = graded(MONDAY + 8 * DAY, 3, hour=1)
    later_that_day = graded(MONDAY + 8 * DAY, 4, hour=3)
    before_the_window = graded(MONDAY - DAY, 4)
    outcome = derived([later_that_day, severe, graded(LAST, 4), mild, before_the_window])
    assert outcome.primary.deciding == severe
    assert outcome.secondary.deciding == mild
    assert outcome.days_to_first_severe == 8


def test_of_two_gradings_at_one_moment_the_older_identifier_decides() -> None:
    one, other = graded(MONDAY, 3), graded(MONDAY, 4)
    assert derived([one, other]).primary.deciding == one
    assert derived([other, one]).primary.deciding == one


def test_without_an_event_no_grading_decides() -> None:
    outcome = derived(kept())
    assert outcome.primary.deciding is None
    assert outcome.days_to_first_severe is None
    assert outcome.gy_at_onset is None
    assert outcome.days_severe == 0


# --- open grades ----------------------------------------------------------------------


def test_an_open_grade_keeps_the_slot_and_leaves_the_outcome_pending() -> None:
    outcome = derived([*kept(missing=["RT2A"]), unresolved(MONDAY + 8 * DAY, "RT2A")])
    assert (outcome.primary.status, outcome.secondary.status) == (PENDING, PENDING)
    assert (outcome.coverage, outcome.gaps, outcome.unresolved) == (1.0, (), ("RT2A",))
    assert (outcome.max_grade, outcome.days_severe) == (0, 0)


def test_an_event_elsewhere_needs_no_adjudication() -> None:
    open_grade = unresolved(MONDAY + 8 * DAY, "RT2A")
    severe = graded(MONDAY + 14 * DAY, 3, "RT3A")
    outcome = derived([*kept(), open_grade, severe])
    assert outcome.primary.deciding == severe
    assert outcome.grade_4 is False


def test_an_open_grade_outside_the_window_holds_nothing_up() -> None:
    outcome = derived([*kept(), unresolved(CLOSE + DAY, "FU90")])
    assert (outcome.primary.status, outcome.unresolved) == (NO_EVENT, ())


# --- leaving the study ----------------------------------------------------------------


def test_who_leaves_without_an_event_is_not_evaluable_at_once() -> None:
    left_on = MONDAY + 10 * DAY
    outcome = derived([graded(MONDAY, 0, "RT1A")], UNDER_WAY, left_on, left_on=left_on)
    assert outcome.primary.status is NOT_EVALUABLE


def test_who_leaves_after_the_last_assessment_that_is_needed_has_no_event() -> None:
    for left_on, status in ((LAST + 90 * DAY, NO_EVENT), (LAST + 60 * DAY, NOT_EVALUABLE)):
        seen = [one for one in kept() if one.on <= left_on]
        assert derived(seen, today=left_on, left_on=left_on).primary.status is status


def test_an_event_before_leaving_stands() -> None:
    left_on = MONDAY + 10 * DAY
    outcome = derived([graded(MONDAY + DAY, 3)], UNDER_WAY, left_on, left_on=left_on)
    assert outcome.primary.status is EVENT


def test_what_is_dated_after_leaving_is_not_used() -> None:
    left_on = LAST + 85 * DAY
    severe = graded(left_on + DAY, 4, "FU90")
    outcome = derived([*kept(missing=["FU90"]), severe], today=CLOSE, left_on=left_on)
    assert outcome.primary.status is NOT_EVALUABLE
    assert (outcome.max_grade, outcome.gaps) == (0, ("FU90",))
    assert derived([severe], today=CLOSE, left_on=left_on + DAY).primary.status is EVENT


def test_every_slot_after_leaving_is_a_gap() -> None:
    left_on = LAST + DAY
    seen = [one for one in kept() if one.on <= left_on]
    outcome = derived(seen, today=left_on, left_on=left_on)
    assert outcome.gaps == ("FU30", "FU90")
    assert outcome.slots == len(SLOTS)


# --- coverage -----------------------------------------------------------------------


def test_the_course_plans_ten_slots() -> None:
    assert [visit.code for visit in SLOTS] == [
        *(f"RT{week}{part}" for week in range(1, 5) for part in "AB"),
        "FU30",
        "FU90",
    ]


@pytest.mark.parametrize(
    ("missing", "status"),
    [
        ((), NO_EVENT),
        (("RT1A",), NO_EVENT),
        (("RT1A", "FU30"), NO_EVENT),
        (("RT1A", "RT4B", "FU30"), NOT_EVALUABLE),
    ],
)
def test_eighty_percent_of_the_slots_is_enough_and_less_is_not(
    missing: tuple[str, ...], status: OutcomeStatus
) -> None:
    outcome = derived(kept(missing=missing))
    assert outcome.primary.status is outcome.secondary.status is status
    assert outcome.gaps == missing
    assert outcome.coverage == 1 - len(missing) / 10


@pytest.mark.parametrize(
    ("day", "status"),
    [(82, NOT_EVALUABLE), (83, NO_EVENT), (90, NO_EVENT), (91, NOT_EVALUABLE)],
)
def test_no_event_needs_a_grading_from_day_83_on_and_within_the_window(
    day: int, status: OutcomeStatus
) -> None:
    late = graded(LAST + day * DAY, 0, "FU90")
    assert derived([*kept(missing=["FU90"]), late]).primary.status is status


def test_a_late_grading_of_any_visit_keeps_the_slot_and_satisfies_the_last_day() -> None:
    outcome = derived([*kept(missing=["FU90"]), graded(LAST + 85 * DAY, 0, "FU30")])
    assert outcome.primary.status is NO_EVENT
    assert outcome.gaps == ()


def test_many_visits_entered_for_one_day_keep_the_slot_of_that_day_alone() -> None:
    outcome = derived([graded(LAST + 85 * DAY, 0, slot.code) for slot in SLOTS])
    assert (outcome.kept, outcome.slots) == (1, len(SLOTS))
    assert outcome.primary.status is NOT_EVALUABLE


@pytest.mark.parametrize(("day", "gaps"), [(1, ()), (2, ("RT1A",)), (-1, ("RT1A",))])
def test_a_slot_is_kept_within_its_own_window(day: int, gaps: tuple[str, ...]) -> None:
    record = [*kept(missing=["RT1A"]), graded(MONDAY + day * DAY, 0, "RT1A")]
    assert derived(record).gaps == gaps


def test_two_gradings_of_one_visit_keep_one_slot() -> None:
    record = [*kept(missing=["RT1A", "RT1B", "RT2A"]), *kept(missing=["RT1A", "RT1B", "RT2A"])]
    assert derived(record).coverage == 0.7


def test_a_slot_graded_after_the_window_is_a_gap() -> None:
    record = [*kept(missing=["FU90"]), graded(LAST + 95 * DAY, 0, "FU90")]
    assert derived(record).gaps == ("FU90",)


def test_any_visit_keeps_the_slot_on_whose_days_it_was_made() -> None:
    record = [*kept(missing=["RT1A", "RT1B", "RT2A"]), graded(MONDAY, 0, "BL")]
    assert derived(record).gaps == ("RT1B", "RT2A")


def test_a_visit_in_the_window_that_is_no_slot_is_not_asked_for() -> None:
    extra = VISITS.schedule[0].model_copy(update={"code": "EXTRA", "day": 9, "latest": 12})
    visits = VISITS.model_copy(update={"schedule": (*VISITS.schedule, extra)})
    outcome = endpoint(kept(), COURSE, visits=visits, grading=GRADING, rule=RULE, today=AFTER_CLOSE)
    assert outcome.coverage == 1
    assert outcome.gaps == ()


def test_slots_planned_after_the_window_are_not_asked_for() -> None:
    short = RULE.model_copy(update={"window_days_after_rt_end": 60, "last_grading_from_day": 23})
    outcome = derived(kept(missing=["FU90"]), rule=short)
    assert outcome.coverage == 1
    assert outcome.primary.status is NO_EVENT


def test_an_earlier_last_fraction_takes_away_the_slots_after_it() -> None:
    stopped = replace(COURSE, last_fraction_on=MONDAY + 4 * DAY)
    outcome = derived([], stopped)
    assert outcome.gaps == ("RT1A", "RT1B", "FU30", "FU90")


@pytest.mark.parametrize(("last_day", "gaps"), [(1, ()), (2, ("RT1A",))])
def test_a_slot_is_a_gap_from_the_day_after_its_window(
    last_day: int, gaps: tuple[str, ...]
) -> None:
    assert derived([], UNDER_WAY, today=MONDAY + last_day * DAY).gaps == gaps


def test_a_slot_still_open_when_the_endpoint_closes_is_a_gap() -> None:
    record = kept(missing=["FU90"])
    assert derived(record, today=CLOSE).gaps == ()
    assert derived(record, today=AFTER_CLOSE).gaps == ("FU90",)


def test_without_slots_coverage_is_whole() -> None:
    no_slots = VISITS.model_copy(update={"schedule": VISITS.schedule[:1]})
    outcome = endpoint(
        [graded(CLOSE, 0)], COURSE, visits=no_slots, grading=GRADING, rule=RULE, today=AFTER_CLOSE
    )
    assert outcome.coverage == 1
    assert outcome.primary.status is NO_EVENT


# --- duration and dose ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("grades", "days"),
    [
        ([], 0),
        ([(0, 2)], 0),
        ([(0, 3)], 1),
        ([(0, 3), (4, 2)], 4),
        ([(0, 3), (4, 3)], 5),
        ([(0, 3), (4, 4), (7, 1)], 7),
        ([(0, 3), (4, 2), (10, 4), (12, 0)], 6),
        ([(0, 3), (4, 2), (10, 4)], 5),
        ([(0, 2), (4, 3), (4, 2), (6, 2)], 2),
        ([(0, 2), (4, 2), (4, 3), (6, 2)], 2),
    ],
)
def test_severe_days_run_to_the_next_lower_grading_or_through_the_last(
    grades: list[tuple[int, int]], days: int
) -> None:
    record = [graded(MONDAY + offset * DAY, grade) for offset, grade in grades]
    assert days_at_or_above(record, 3) == days
    assert derived(record).days_severe == days


def test_gradings_after_the_window_neither_prolong_nor_end_severe_days() -> None:
    record = [graded(CLOSE - DAY, 3), graded(CLOSE + DAY, 3), graded(CLOSE + 5 * DAY, 0)]
    assert derived(record).days_severe == 1


@pytest.mark.parametrize(
    ("day", "gy"), [(-1, 0.0), (0, 2.0), (4, 10.0), (6, 10.0), (7, 12.0), (25, 40.0), (60, 40.0)]
)
def test_the_dose_grows_on_working_days_and_stops_with_the_last_fraction(
    day: int, gy: float
) -> None:
    for rt in (COURSE, replace(COURSE, delivered_dose_gy=None), UNDER_WAY):
        assert gy_at(MONDAY + day * DAY, rt, VISITS) == pytest.approx(gy)


def test_an_interrupted_course_spreads_its_delivered_dose_over_its_length() -> None:
    longer = replace(COURSE, last_fraction_on=LAST + 28 * DAY)
    assert gy_at(LAST, longer, VISITS) == pytest.approx(20.0)
    assert gy_at(LAST + 28 * DAY, longer, VISITS) == pytest.approx(40.0)


def test_a_stopped_course_without_delivered_dose_counts_planned_fractions() -> None:
    stopped = replace(COURSE, last_fraction_on=MONDAY + 4 * DAY, delivered_dose_gy=None)
    assert gy_at(LAST, stopped, VISITS) == pytest.approx(10.0)


def test_without_dose_or_first_fraction_there_is_no_estimate() -> None:
    assert gy_at(LAST, replace(UNDER_WAY, planned_dose_gy=None), VISITS) is None
    assert gy_at(LAST, replace(UNDER_WAY, first_fraction_on=None), VISITS) is None


def test_the_dose_at_onset_is_that_of_the_deciding_day() -> None:
    outcome = derived([graded(MONDAY + DAY, 1), graded(MONDAY + 9 * DAY, 3)])
    assert outcome.gy_at_onset == pytest.approx(16.0)


# --- what holds for every record --------------------------------------------------------


@given(record=records, rt=treatments, today=todays, order=st.randoms(use_true_random=False))
def test_the_order_of_gradings_changes_nothing(
    record: list[Assessment], rt: Radiotherapy, today: date, order: Random
) -> None:
    shuffled = list(record)
    order.shuffle(shuffled)
    assert derived(shuffled, rt, today) == derived(record, rt, today)


@given(record=records, rt=treatments, today=todays, more=assessments)
def test_a_grading_below_severe_never_makes_an_event(
    record: list[Assessment], rt: Radiotherapy, today: date, more: Assessment
) -> None:
    before = derived(record, rt, today)
    after = derived([*record, replace(more, grade=min(more.grade or 0, 2))], rt, today)
    assert (after.primary.status is EVENT) == (before.primary.status is EVENT)
    assert after.primary.deciding == before.primary.deciding


@given(record=records, rt=treatments, today=todays, more=st.lists(assessments, max_size=4))
def test_more_gradings_never_take_an_event_away_or_make_it_later(
    record: list[Assessment], rt: Radiotherapy, today: date, more: list[Assessment]
) -> None:
    before, after = derived(record, rt, today), derived([*record, *more], rt, today)
    for one, other in ((before.primary, after.primary), (before.secondary, after.secondary)):
        if one.deciding is not None:
            assert other.status is EVENT
            assert other.deciding is not None
            assert other.deciding.on <= one.deciding.on


@given(record=records, rt=treatments, today=todays, days=st.integers(0, 40))
def test_a_final_outcome_stays_as_time_passes(
    record: list[Assessment], rt: Radiotherapy, today: date, days: int
) -> None:
    now, later = derived(record, rt, today), derived(record, rt, today + days * DAY)
    if now.primary.status is not PENDING:
        assert later.primary == now.primary
    assert set(now.gaps) <= set(later.gaps)


@given(record=records, rt=treatments, today=todays)
def test_the_parts_of_an_outcome_agree(
    record: list[Assessment], rt: Radiotherapy, today: date
) -> None:
    outcome = derived(record, rt, today)
    severe = outcome.primary.status is EVENT
    assert severe == (outcome.max_grade is not None and outcome.max_grade >= 3)
    assert severe == (outcome.days_severe > 0) == (outcome.days_to_first_severe is not None)
    assert severe == (outcome.gy_at_onset is not None)
    assert not severe or outcome.secondary.status is EVENT
    assert outcome.grade_4 == (outcome.max_grade == 4)
    closed = rt is COURSE and today > CLOSE
    undecided = {NO_EVENT, NOT_EVALUABLE} if closed else {PENDING}
    assert {outcome.primary.status, outcome.secondary.status} <= undecided | {EVENT}
    if closed and outcome.coverage is not None:
        assert outcome.coverage == pytest.approx(1 - len(outcome.gaps) / len(SLOTS))


# --- the trial's own rule ---------------------------------------------------------------


@pytest.fixture(scope="module")
def trial() -> Protocol:
    return FIRST_TRIAL.protocol


def in_trial(record: Iterable[Assessment], trial: Protocol, today: date) -> Outcome:
    return endpoint(
        record,
        COURSE,
        visits=trial.visits,
        grading=trial.grading,
        rule=trial.endpoint,
        today=today,
    )


@pytest.mark.parametrize(
    ("day", "grade", "status"),
    [
        (MONDAY - DAY, 3, NO_EVENT),
        (MONDAY, 3, EVENT),
        (MONDAY, 2, NO_EVENT),
        (CLOSE, 3, EVENT),
        (CLOSE + DAY, 3, NO_EVENT),
    ],
)
def test_in_the_trial_grade_3_from_the_first_fraction_through_day_90_is_an_event(
    trial: Protocol, day: date, grade: int, status: OutcomeStatus
) -> None:
    record = [
        graded(visit.planned_on, 0, visit.code)
        for visit in schedule(COURSE, trial.visits, today=LAST)
        if visit.slot
    ]
    outcome = in_trial([*record, graded(day, grade)], trial, AFTER_CLOSE)
    assert outcome.primary.status is status
    assert outcome.window == Window(MONDAY, CLOSE)
    assert outcome.coverage == 1


def test_in_the_trial_a_subject_nobody_graded_is_not_evaluable(trial: Protocol) -> None:
    outcome = in_trial([], trial, AFTER_CLOSE)
    assert outcome.primary.status is outcome.secondary.status is NOT_EVALUABLE
    assert outcome.coverage == 0
    assert len(outcome.gaps) == 4 * 2 + 5  # twice weekly for four weeks, then five follow-ups

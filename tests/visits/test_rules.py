"""The visit schedule, checked against a small calendar and against any calendar."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.protocol.schema import Anchor, VisitRule, Visits
from services.api.radiotherapy.rules import Interruption
from services.api.visits.rules import (
    PlannedVisit,
    Radiotherapy,
    VisitFlag,
    VisitStatus,
    flags,
    fraction_days,
    rt_end,
    rt_start,
    schedule,
    status,
)
from tests.first_trial import FIRST_TRIAL

MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)
EARLY = date(2000, 1, 1)
"""A day on which no radiotherapy is late yet."""

START, END = Anchor.RT_START, Anchor.RT_END
SCREENING = VisitRule(
    code="SCR", label="Screening", anchor=START, day=-14, earliest=-28, latest=-1, graded=False
)
BASELINE = VisitRule(
    code="BL", label="Baseline", anchor=START, day=-1, earliest=-7, latest=0, highest_grade=0
)
FIRST_OF_WEEK = VisitRule(
    code="RT{n}A",
    label="First of the week",
    anchor=START,
    day=0,
    earliest=0,
    latest=1,
    repeat_every_days=7,
    slot=True,
)
SECOND_OF_WEEK = VisitRule(
    code="RT{n}B",
    label="Second of the week",
    anchor=START,
    day=3,
    earliest=2,
    latest=5,
    repeat_every_days=7,
    slot=True,
)
FOLLOW_UP = VisitRule(
    code="FU-30", label="Day 30", anchor=END, day=30, earliest=23, latest=37, slot=True
)
VISITS = Visits(
    fractions_per_week=5,
    minimum_hours_between_gradings=48,
    schedule=(FOLLOW_UP, SCREENING, BASELINE, FIRST_OF_WEEK, SECOND_OF_WEEK),
)


def at_rate(fractions_per_week: int) -> Visits:
    return VISITS.model_copy(update={"fractions_per_week": fractions_per_week})


def by_code(
    rt: Radiotherapy, visits: Visits = VISITS, today: date = EARLY, left_on: date | None = None
) -> dict[str, PlannedVisit]:
    planned = schedule(rt, visits, today=today, left_on=left_on)
    return {visit.code: visit for visit in planned}


dates = st.dates(date(2024, 1, 1), date(2032, 12, 31))


@st.composite
def courses(draw: st.DrawFn) -> Radiotherapy:
    """A radiotherapy course that is planned, running or over, with or without interruptions."""
    planned_start = draw(dates)
    first = draw(st.none() | st.integers(-5, 40).map(lambda n: planned_start + n * DAY))
    last = None
    spans: tuple[Interruption, ...] = ()
    if first is not None:
        last = draw(st.none() | st.integers(0, 80).map(lambda n: first + n * DAY))
        spans = draw(interruptions(first, goes_on=last is None))
    return Radiotherapy(planned_start, draw(st.integers(1, 45)), first, last, interruptions=spans)


@st.composite
def interruptions(draw: st.DrawFn, first: date, *, goes_on: bool) -> tuple[Interruption, ...]:
    """Up to four of them, apart from each other; perhaps the last goes on."""
    found, day = [], first
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12)), max_size=4)):
        day += gap * DAY
        found.append(Interruption(day, day + length * DAY))
        day += (length + 1) * DAY
    if found and goes_on and draw(st.booleans()):
        found[-1] = replace(found[-1], to=None)
    return tuple(found)


@st.composite
def calendars(draw: st.DrawFn) -> Visits:
    """Any calendar whose windows hold their day."""
    rules = []
    for position in range(draw(st.integers(1, 5))):
        earliest, day, latest = sorted(draw(st.tuples(*[st.integers(-30, 100)] * 3)))
        every = draw(st.none() | st.integers(1, 14))
        rules.append(
            VisitRule(
                code="VWXYZ"[position] + ("-1" if every is None else "{n}"),
                label="Visit",
                anchor=draw(st.sampled_from(Anchor)),
                day=day,
                earliest=earliest,
                latest=latest,
                repeat_every_days=every,
            )
        )
    return Visits(
        fractions_per_week=draw(st.integers(1, 7)),
        minimum_hours_between_gradings=48,
        schedule=tuple(rules),
    )


# --- radiotherapy -------------------------------------------------------------------


def test_start_and_end_are_planned_until_they_are_actual() -> None:
    planned = Radiotherapy(MONDAY, 30)
    begun = Radiotherapy(MONDAY, 30, first_fraction_on=MONDAY + 7 * DAY)
    over = Radiotherapy(MONDAY, 30, MONDAY + 7 * DAY, last_fraction_on=date(2026, 5, 1))
    assert [rt_start(rt) for rt in (planned, begun, over)] == [MONDAY, *[MONDAY + 7 * DAY] * 2]
    assert [rt_end(rt, VISITS, today=EARLY) for rt in (planned, begun, over)] == [
        date(2026, 4, 10),
        date(2026, 4, 17),
        date(2026, 5, 1),
    ]


@pytest.mark.parametrize(
    ("start", "fractions", "end"),
    [
        (MONDAY, 1, date(2026, 3, 2)),
        (MONDAY, 5, date(2026, 3, 6)),
        (MONDAY, 6, date(2026, 3, 9)),
        (MONDAY, 33, date(2026, 4, 15)),
        (date(2026, 3, 6), 2, date(2026, 3, 9)),
        (date(2026, 3, 7), 1, date(2026, 3, 7)),
        (date(2026, 3, 7), 2, date(2026, 3, 9)),
        (date(2028, 2, 28), 3, date(2028, 3, 1)),
        (date(2027, 2, 26), 2, date(2027, 3, 1)),
        (date(2026, 12, 31), 2, date(2027, 1, 1)),
    ],
)
def test_five_fractions_a_week_fall_on_monday_to_friday_after_the_start_day(
    start: date, fractions: int, end: date
) -> None:
    assert rt_end(Radiotherapy(start, fractions), VISITS, today=EARLY) == end


@pytest.mark.parametrize(
    ("per_week", "offsets"),
    [
        (7, [0, 1, 2, 3, 4, 5, 6, 7]),
        (6, [0, 1, 2, 3, 4, 5, 7, 8]),
        (3, [0, 2, 4, 7, 9, 11, 14, 16]),
    ],
)
def test_other_rates_are_spread_evenly_over_each_week(per_week: int, offsets: list[int]) -> None:
    days = islice(fraction_days(Radiotherapy(MONDAY, 30), at_rate(per_week)), len(offsets))
    assert [(day - MONDAY).days for day in days] == offsets


@given(start=dates, per_week=st.integers(1, 7))
def test_every_seven_days_from_a_working_day_hold_the_weekly_number_of_fractions(
    start: date, per_week: int
) -> None:
    if start.weekday() > 4:
        start -= 2 * DAY
    days = list(islice(fraction_days(Radiotherapy(start, 30), at_rate(per_week)), 10 * per_week))
    assert days == sorted(set(days))
    weeks = [(day - start).days // 7 for day in days]
    assert weeks == [week for week in range(10) for _ in range(per_week)]


@pytest.mark.parametrize(
    ("fractions", "first", "last"),
    [(0, None, None), (30, None, MONDAY), (30, MONDAY, MONDAY - DAY)],
)
def test_an_impossible_course_is_refused(
    fractions: int, first: date | None, last: date | None
) -> None:
    with pytest.raises(ValueError, match="fraction"):
        Radiotherapy(MONDAY, fractions, first, last)


# --- interruptions and overrun --------------------------------------------------------


def broken(*spans: tuple[int, int | None], fractions: int = 10) -> Radiotherapy:
    """A course that began on a Monday, with interruptions in days from its start."""
    return Radiotherapy(
        MONDAY,
        fractions,
        MONDAY,
        interruptions=tuple(
            Interruption(MONDAY + first * DAY, None if to is None else MONDAY + to * DAY)
            for first, to in spans
        ),
    )


@pytest.mark.parametrize(
    ("spans", "end"),
    [
        ((), 11),
        (((5, 6),), 11),  # a weekend without fractions anyway
        (((1, 1),), 14),
        (((0, 0),), 11),  # the first fraction was given before it
        (((0, 1),), 14),
        (((4, 7),), 15),
        (((1, 1), (3, 3)), 15),
        (((7, 20),), 25),
    ],
)
def test_an_interruption_moves_the_end_by_the_working_days_it_takes(
    spans: tuple[tuple[int, int | None], ...], end: int
) -> None:
    assert (rt_end(broken(*spans), VISITS, today=MONDAY) - MONDAY).days == end


def test_an_interruption_that_goes_on_lasts_through_today() -> None:
    rt = broken((2, None))
    ends = [(rt_end(rt, VISITS, today=MONDAY + n * DAY) - MONDAY).days for n in (2, 3, 4, 6, 7)]
    assert ends == [14, 15, 16, 16, 17]
    assert [(day - MONDAY).days for day in fraction_days(rt, VISITS)] == [0, 1]


@given(rt=courses(), visits=calendars())
def test_no_fraction_falls_on_an_interrupted_day_but_the_first(
    rt: Radiotherapy, visits: Visits
) -> None:
    days = list(islice(fraction_days(rt, visits), 60))
    assert days == sorted(set(days))
    assert days[0] == rt_start(rt)
    assert not any(span.holds(day) for span in rt.interruptions for day in days[1:])


@given(rt=courses(), visits=calendars(), offset=st.integers(0, 200))
def test_each_interruption_moves_the_end_later_or_not_at_all(
    rt: Radiotherapy, visits: Visits, offset: int
) -> None:
    today = rt_start(rt) + offset * DAY
    without = replace(rt, interruptions=())
    assert rt_end(rt, visits, today=today) >= rt_end(without, visits, today=today)


def test_radiotherapy_goes_on_until_its_last_fraction_is_recorded() -> None:
    begun = Radiotherapy(MONDAY, 5, MONDAY)
    planned = Radiotherapy(MONDAY, 5)
    late = MONDAY + 20 * DAY
    assert rt_end(begun, VISITS, today=MONDAY + 4 * DAY) == MONDAY + 4 * DAY
    assert rt_end(begun, VISITS, today=late) == late
    assert rt_end(planned, VISITS, today=late) == MONDAY + 4 * DAY
    codes = by_code(begun, today=late)
    assert "RT3B" in codes
    assert codes["FU-30"].planned_on == late + 30 * DAY
    ended_ = replace(begun, last_fraction_on=MONDAY + 7 * DAY)
    assert rt_end(ended_, VISITS, today=late) == MONDAY + 7 * DAY


@given(rt=courses(), visits=calendars(), left=st.integers(-40, 200), ahead=st.integers(0, 100))
def test_nothing_is_planned_after_the_subject_left(
    rt: Radiotherapy, visits: Visits, left: int, ahead: int
) -> None:
    left_on = rt_start(rt) + left * DAY
    today = left_on + ahead * DAY
    asked = schedule(rt, visits, today=today, left_on=left_on)
    assert all(visit.planned_on <= left_on for visit in asked)
    codes = {visit.code for visit in asked}
    for kept in schedule(rt, visits, today=today, left_on=left_on, kept={"V1", "V-1", "W-1"}):
        assert kept.code in codes or (kept.code in {"V1", "V-1", "W-1"})


def test_who_left_during_radiotherapy_took_no_fraction_later() -> None:
    rt = Radiotherapy(MONDAY, 30, MONDAY)
    left_on = MONDAY + 8 * DAY
    assert rt_end(rt, VISITS, today=MONDAY + 99 * DAY, left_on=left_on) == left_on
    asked = by_code(rt, today=MONDAY + 99 * DAY, left_on=left_on)
    assert list(asked) == ["SCR", "BL", "RT1A", "RT1B", "RT2A"]


# --- the schedule -------------------------------------------------------------------


def test_visits_are_counted_from_their_anchor() -> None:
    visits = by_code(Radiotherapy(MONDAY, 10))
    assert list(visits) == ["SCR", "BL", "RT1A", "RT1B", "RT2A", "RT2B", "FU-30"]
    assert visits["SCR"] == PlannedVisit(
        code="SCR",
        label="Screening",
        planned_on=date(2026, 2, 16),
        window_from=date(2026, 2, 2),
        window_to=date(2026, 3, 1),
        graded=False,
        slot=False,
        highest_grade=None,
    )
    assert visits["BL"].highest_grade == 0
    assert visits["RT2A"].planned_on == MONDAY + 7 * DAY
    assert visits["FU-30"] == PlannedVisit(
        code="FU-30",
        label="Day 30",
        planned_on=date(2026, 4, 12),
        window_from=date(2026, 4, 5),
        window_to=date(2026, 4, 19),
        graded=True,
        slot=True,
        highest_grade=None,
    )


@pytest.mark.parametrize(
    ("last_day", "second_of_week"),
    [
        (0, None),
        (1, None),
        (2, (2, 2, 2)),
        (3, (3, 2, 3)),
        (4, (3, 2, 4)),
        (5, (3, 2, 5)),
        (6, (3, 2, 5)),
    ],
)
def test_a_repeated_visit_is_clipped_to_the_end_of_radiotherapy(
    last_day: int, second_of_week: tuple[int, int, int] | None
) -> None:
    rt = Radiotherapy(MONDAY, 30, MONDAY, MONDAY + last_day * DAY)
    visit = by_code(rt).get("RT1B")
    seen = visit and tuple(
        (day - MONDAY).days for day in (visit.planned_on, visit.window_from, visit.window_to)
    )
    assert seen == second_of_week


def test_a_repeated_visit_recurs_on_the_day_its_window_opens_and_not_before() -> None:
    def of_length(days: int) -> dict[str, PlannedVisit]:
        return by_code(Radiotherapy(MONDAY, 30, MONDAY, MONDAY + days * DAY))

    assert "RT2A" not in of_length(6)
    assert "RT2A" in of_length(7)


def test_a_recorded_first_fraction_moves_what_follows_it() -> None:
    late = by_code(Radiotherapy(MONDAY, 10, first_fraction_on=MONDAY + 3 * DAY))
    assert late["RT1A"].planned_on == MONDAY + 3 * DAY
    assert late["SCR"].window_to == MONDAY + 2 * DAY


@pytest.mark.parametrize(
    ("last", "thirty_days_on"),
    [
        (date(2028, 1, 31), date(2028, 3, 1)),
        (date(2027, 1, 31), date(2027, 3, 2)),
        (date(2028, 2, 29), date(2028, 3, 30)),
        (date(2026, 12, 2), date(2027, 1, 1)),
    ],
)
def test_days_are_calendar_days_across_month_ends_and_leap_days(
    last: date, thirty_days_on: date
) -> None:
    rt = Radiotherapy(last - 20 * DAY, 15, last - 20 * DAY, last)
    assert by_code(rt)["FU-30"].planned_on == thirty_days_on


@given(rt=courses(), visits=calendars())
def test_every_schedule_is_ordered_with_unique_codes_and_windows_around_their_day(
    rt: Radiotherapy, visits: Visits
) -> None:
    planned = schedule(rt, visits, today=EARLY)
    codes = [visit.code for visit in planned]
    assert len(set(codes)) == len(codes)
    assert all(one.planned_on <= next_.planned_on for one, next_ in pairwise(planned))
    assert all(visit.window_from <= visit.planned_on <= visit.window_to for visit in planned)


@given(rt=courses(), visits=calendars())
def test_repeated_visits_never_pass_the_end_of_radiotherapy_and_leave_no_gap(
    rt: Radiotherapy, visits: Visits
) -> None:
    planned, end = by_code(rt, visits), rt_end(rt, visits, today=EARLY)
    anchors = {START: rt_start(rt), END: end}
    for rule in visits.schedule:
        if rule.repeat_every_days is None:
            assert planned[rule.code].planned_on == anchors[rule.anchor] + rule.day * DAY
            continue
        every, opens = rule.repeat_every_days * DAY, anchors[rule.anchor] + rule.earliest * DAY
        seen = [visit for code, visit in planned.items() if code[0] == rule.code[0]]
        assert {visit.code: visit.window_from for visit in seen} == {
            rule.code.replace("{n}", str(n + 1)): opens + n * every for n in range(len(seen))
        }
        assert end < opens + len(seen) * every
        assert all(visit.window_from <= end for visit in seen)
        assert all(visit.window_to <= end for visit in seen)


# --- how a visit stands ---------------------------------------------------------------

CALENDAR = schedule(Radiotherapy(MONDAY, 10), VISITS, today=EARLY)
VISIT = CALENDAR[-1]


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (VISIT.window_from - DAY, VisitStatus.PLANNED),
        (VISIT.window_from, VisitStatus.DUE),
        (VISIT.planned_on, VisitStatus.DUE),
        (VISIT.window_to, VisitStatus.DUE),
        (VISIT.window_to + DAY, VisitStatus.OVERDUE),
    ],
)
def test_an_unrecorded_visit_is_due_on_both_ends_of_its_window(
    today: date, expected: VisitStatus
) -> None:
    assert status(VISIT, None, missed=False, today=today) is expected


@given(
    recorded=st.booleans(),
    missed=st.booleans(),
    offset=st.integers(-60, 60),
)
def test_recorded_is_done_and_missed_is_missed_on_every_day(
    recorded: bool, missed: bool, offset: int
) -> None:
    stands = status(
        VISIT, VISIT.planned_on if recorded else None, missed, VISIT.planned_on + offset * DAY
    )
    by_day = {
        VisitStatus.PLANNED: offset < -7,
        VisitStatus.DUE: -7 <= offset <= 7,
        VisitStatus.OVERDUE: offset > 7,
    }
    assert (stands is VisitStatus.DONE) == recorded
    assert (stands is VisitStatus.MISSED) == (missed and not recorded)
    assert not recorded or stands is not VisitStatus.MISSED
    for open_status, its_day in by_day.items():
        assert (stands is open_status) == (its_day and not recorded and not missed)


@pytest.mark.parametrize(
    ("recorded_on", "expected"),
    [
        (VISIT.window_from - DAY, (VisitFlag.OUT_OF_WINDOW, VisitFlag.OUTSIDE_EVERY_WINDOW)),
        (VISIT.window_from, ()),
        (VISIT.window_to, ()),
        (VISIT.window_to + DAY, (VisitFlag.OUT_OF_WINDOW, VisitFlag.OUTSIDE_EVERY_WINDOW)),
        (MONDAY, (VisitFlag.OUT_OF_WINDOW,)),
    ],
)
def test_a_day_outside_its_window_is_flagged_and_twice_when_it_is_in_no_other(
    recorded_on: date, expected: tuple[VisitFlag]
) -> None:
    assert flags(VISIT, recorded_on, CALENDAR, (), VISITS) == expected


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        (-2, ()),
        (-1, (VisitFlag.TOO_CLOSE,)),
        (0, (VisitFlag.TOO_CLOSE,)),
        (1, (VisitFlag.TOO_CLOSE,)),
        (2, ()),
    ],
)
def test_gradings_less_than_48_hours_apart_are_flagged_before_and_after(
    distance: int, expected: tuple[VisitFlag]
) -> None:
    others = (VISIT.planned_on + distance * DAY, VISIT.planned_on + 20 * DAY)
    assert flags(VISIT, VISIT.planned_on, CALENDAR, others, VISITS) == expected


def test_hours_that_are_no_whole_days_need_the_next_whole_day() -> None:
    visits = VISITS.model_copy(update={"minimum_hours_between_gradings": 36})
    on = VISIT.planned_on
    assert flags(VISIT, on, CALENDAR, (on + DAY,), visits) == (VisitFlag.TOO_CLOSE,)
    assert flags(VISIT, on, CALENDAR, (on + 2 * DAY,), visits) == ()


def test_a_visit_that_is_no_slot_may_be_close_to_one() -> None:
    baseline = by_code(Radiotherapy(MONDAY, 10))["BL"]
    assert flags(baseline, baseline.planned_on, CALENDAR, (MONDAY,), VISITS) == ()


def test_all_flags_may_be_raised() -> None:
    late = VISIT.window_to + DAY
    assert flags(VISIT, late, CALENDAR, (late,), VISITS) == tuple(VisitFlag)


# --- the trial's own calendar -----------------------------------------------------------


@pytest.fixture(scope="module")
def trial() -> Visits:
    return FIRST_TRIAL.protocol.visits


def test_the_trial_grades_twice_weekly_then_weekly_then_on_days_30_60_and_90(trial: Visits) -> None:
    rt = Radiotherapy(MONDAY, 33)
    slots = [visit for visit in schedule(rt, trial, today=EARLY) if visit.slot]
    during = [visit for visit in slots if visit.planned_on <= rt_end(rt, trial, today=EARLY)]
    per_week = Counter((visit.planned_on - MONDAY).days // 7 for visit in during)
    assert {per_week[week] for week in range(6)} == {2}
    after = [
        (visit.planned_on - rt_end(rt, trial, today=EARLY)).days
        for visit in slots
        if visit not in during
    ]
    assert after == [7, 14, 30, 60, 90]
    for visit in slots[-3:]:
        assert visit.window_to - visit.planned_on == visit.planned_on - visit.window_from == 7 * DAY


def test_the_trial_screens_from_day_28_before_to_the_day_before_the_first_fraction(
    trial: Visits,
) -> None:
    screening = schedule(Radiotherapy(MONDAY, 33), trial, today=EARLY)[0]
    assert screening.window_from == MONDAY - 28 * DAY
    assert screening.window_to == MONDAY - DAY


def test_the_trials_baseline_allows_no_mucositis(trial: Visits) -> None:
    capped = [
        visit
        for visit in schedule(Radiotherapy(MONDAY, 33), trial, today=EARLY)
        if visit.highest_grade == 0
    ]
    assert len(capped) == 1
    assert capped[0].graded
    assert capped[0].planned_on < MONDAY


@given(rt=courses())
def test_the_trials_planned_gradings_keep_their_distance_while_radiotherapy_runs(
    trial: Visits, rt: Radiotherapy
) -> None:
    slots = [visit for visit in schedule(rt, trial, today=EARLY) if visit.slot]
    for visit in slots:
        others = [other.planned_on for other in slots if other is not visit]
        assert flags(visit, visit.planned_on, slots, others, trial) == ()

"""The visit schedule: which visits a subject has, when, and how each one stands.

All days are local calendar dates at the site. Source: protocol, visits; told
for people in docs/visits.md.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from itertools import count, islice

from services.api.protocol.schema import Anchor, VisitRule, Visits
from services.api.radiotherapy.rules import Interruption

DAYS_IN_WEEK = 7
WORKING_DAYS_IN_WEEK = 5
HOURS_IN_DAY = 24


@dataclass(frozen=True, slots=True)
class Radiotherapy:
    """One subject's radiotherapy, as planned and as delivered; doses in Gy.

    Of the interruptions, which come in their order, only the last may go on.

    Raises:
        ValueError: no fraction is planned, or the last fraction is recorded
            without a first one or before it.
    """

    planned_start: date
    planned_fractions: int
    first_fraction_on: date | None = None
    last_fraction_on: date | None = None
    planned_dose_gy: float | None = None
    delivered_dose_gy: float | None = None
    interruptions: tuple[Interruption, ...] = ()

    def __post_init__(self) -> None:
        if self.planned_fractions < 1:
            raise ValueError("at least one fraction is planned")
        if self.last_fraction_on is None:
            return
        if self.first_fraction_on is None or self.last_fraction_on < self.first_fraction_on:
            raise ValueError("the last fraction follows the first")


@dataclass(frozen=True, slots=True)
class PlannedVisit:
    """A visit in one subject's calendar; both ends of the window belong to it."""

    code: str
    label: str
    planned_on: date
    window_from: date
    window_to: date
    graded: bool
    slot: bool
    highest_grade: int | None


class VisitStatus(StrEnum):
    """How a visit stands today."""

    PLANNED = "planned"
    DUE = "due"
    OVERDUE = "overdue"
    DONE = "done"
    MISSED = "missed"


class VisitFlag(StrEnum):
    """What is unusual about the day of a recorded visit; a flag never refuses it."""

    OUT_OF_WINDOW = "out_of_window"
    OUTSIDE_EVERY_WINDOW = "outside_every_window"
    TOO_CLOSE = "too_close"


def fraction_days(rt: Radiotherapy, visits: Visits) -> Iterator[date]:
    """The days on which fractions fall, the start day first, without end unless one is interrupted.

    The start day carries a fraction whatever its weekday, and though the
    interruption may begin on it. Five a week go on from Monday to Friday; any
    other number is spread evenly over each seven days counted from the start.
    None falls on an interrupted day; an interruption that goes on ends the
    days. Public holidays are not known here.
    """
    start = rt_start(rt)
    yield start
    for day in _treatment_days(start, visits.fractions_per_week):
        holding = next((one for one in rt.interruptions if one.holds(day)), None)
        if holding is None:
            yield day
        elif holding.to is None:
            return


def _treatment_days(start: date, per_week: int) -> Iterator[date]:
    """The days after the start day on which fractions fall where nothing interrupts."""
    if per_week == WORKING_DAYS_IN_WEEK:
        days = (start + timedelta(days=n) for n in count(1))
        yield from (day for day in days if day.weekday() < WORKING_DAYS_IN_WEEK)
    else:
        for n in count(1):
            yield start + timedelta(days=n * DAYS_IN_WEEK // per_week)


def rt_start(rt: Radiotherapy) -> date:
    """The day of the first delivered fraction; until there is one, the planned start."""
    return rt.first_fraction_on or rt.planned_start


def rt_end(rt: Radiotherapy, visits: Visits, *, today: date, left_on: date | None = None) -> date:
    """The day of the last delivered fraction; until it is recorded, the expected one.

    The expected day is that of the last planned fraction when all follow one
    another as `fraction_days` says, an interruption that goes on lasting
    through `today`. Radiotherapy that began and whose expected day has passed
    is still going on: then it is today. No fraction is taken after `left_on`,
    the day on which the subject left the study.
    """
    if rt.last_fraction_on is not None:
        return rt.last_fraction_on
    days = fraction_days(_resumed(rt, today), visits)
    end = next(islice(days, rt.planned_fractions - 1, None))
    if rt.first_fraction_on is not None:
        end = max(end, today)
    if left_on is not None:
        end = min(end, left_on)
    return max(end, rt_start(rt))


def _resumed(rt: Radiotherapy, today: date) -> Radiotherapy:
    """The course as if fractions went on tomorrow."""
    closed = tuple(
        one if one.to is not None else replace(one, to=max(one.from_, today))
        for one in rt.interruptions
    )
    return replace(rt, interruptions=closed)


def schedule(
    rt: Radiotherapy,
    visits: Visits,
    *,
    today: date,
    left_on: date | None = None,
    kept: Collection[str] = (),
) -> tuple[PlannedVisit, ...]:
    """The subject's visits in chronological order, then in the protocol's order.

    A repeated rule goes on as long as its window opens by the end of
    radiotherapy, which then bounds its planned day and its window. A visit
    planned for a day after the subject left the study is not asked for; those
    whose codes are `kept`, as they took place before, stay.
    """
    end = rt_end(rt, visits, today=today, left_on=left_on)
    anchors = {Anchor.RT_START: rt_start(rt), Anchor.RT_END: end}
    planned = [
        visit for rule in visits.schedule for visit in _visits(rule, anchors[rule.anchor], end)
    ]
    asked = (
        visit
        for visit in planned
        if left_on is None or visit.planned_on <= left_on or visit.code in kept
    )
    return tuple(sorted(asked, key=lambda visit: (visit.planned_on, visit.window_from)))


def status(
    planned: PlannedVisit, recorded_on: date | None, missed: bool, today: date
) -> VisitStatus:
    """How the visit stands on `today`; a recorded date outweighs a reason for missing it."""
    if recorded_on is not None:
        return VisitStatus.DONE
    if missed:
        return VisitStatus.MISSED
    if today < planned.window_from:
        return VisitStatus.PLANNED
    return VisitStatus.DUE if today <= planned.window_to else VisitStatus.OVERDUE


def flags(
    planned: PlannedVisit | None,
    recorded_on: date,
    calendar: Collection[PlannedVisit],
    other_slots_on: Iterable[date],
    visits: Visits,
) -> tuple[VisitFlag, ...]:
    """What is unusual about the day of a visit; `planned` is None when it left the schedule.

    A day outside the visit's own window may lie in the window of another visit
    of the `calendar`, for which it was perhaps meant; outside every window it
    was meant for none. `other_slots_on` are the days of the subject's other
    recorded slot visits, before and after. Visits carry dates without hours, so
    the least distance is compared in days: 48 hours are kept by two days'
    difference.
    """
    raised = []
    if planned is None or not _in_window(planned, recorded_on):
        raised.append(VisitFlag.OUT_OF_WINDOW)
        if not any(_in_window(visit, recorded_on) for visit in calendar):
            raised.append(VisitFlag.OUTSIDE_EVERY_WINDOW)
    least_hours = visits.minimum_hours_between_gradings
    distances = (abs((recorded_on - other).days) for other in other_slots_on)
    slot = planned is not None and planned.slot
    if slot and any(days * HOURS_IN_DAY < least_hours for days in distances):
        raised.append(VisitFlag.TOO_CLOSE)
    return tuple(raised)


def _in_window(visit: PlannedVisit, day: date) -> bool:
    return visit.window_from <= day <= visit.window_to


def asks_for_grading(planned: PlannedVisit | None) -> bool:
    """Whether the protocol asks for a grading; of a visit that left the schedule it did."""
    return planned is None or planned.graded


def highest_grade(code: str, visits: Visits) -> int | None:
    """The highest grade allowed at the visit of that code; None where any is possible."""
    rule = rule_of(code, visits)
    return None if rule is None else rule.highest_grade


def rule_of(code: str, visits: Visits) -> VisitRule | None:
    """The rule that the visit of that code follows; None of a code that the protocol lacks."""
    return next((rule for rule in visits.schedule if _pattern(rule.code).fullmatch(code)), None)


@cache
def _pattern(code: str) -> re.Pattern[str]:
    """The codes of the visits that a rule of that code plans."""
    return re.compile(re.escape(code).replace(re.escape("{n}"), r"\d+"))


def _visits(rule: VisitRule, anchor: date, end: date) -> Iterator[PlannedVisit]:
    if rule.repeat_every_days is None:
        yield _visit(rule, rule.code, anchor)
        return
    for n in count(1):
        shifted = anchor + timedelta(days=(n - 1) * rule.repeat_every_days)
        visit = _visit(rule, rule.code.replace("{n}", str(n)), shifted)
        if visit.window_from > end:
            return
        yield replace(
            visit, planned_on=min(visit.planned_on, end), window_to=min(visit.window_to, end)
        )


def _visit(rule: VisitRule, code: str, anchor: date) -> PlannedVisit:
    return PlannedVisit(
        code=code,
        label=rule.label,
        planned_on=anchor + timedelta(days=rule.day),
        window_from=anchor + timedelta(days=rule.earliest),
        window_to=anchor + timedelta(days=rule.latest),
        graded=rule.graded,
        slot=rule.slot,
        highest_grade=rule.highest_grade,
    )

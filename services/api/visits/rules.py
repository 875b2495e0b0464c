"""The visit schedule: which visits a subject has, when, and how each one stands.

All days are local calendar dates at the site. Source: protocol, visits.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import count, islice

from services.api.protocol.schema import Anchor, VisitRule, Visits

DAYS_IN_WEEK = 7
WORKING_DAYS_IN_WEEK = 5
HOURS_IN_DAY = 24


@dataclass(frozen=True, slots=True)
class Radiotherapy:
    """One subject's radiotherapy, as planned and as delivered; doses in Gy.

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


class Status(StrEnum):
    """How a visit stands today."""

    PLANNED = "planned"
    DUE = "due"
    OVERDUE = "overdue"
    DONE = "done"
    MISSED = "missed"


class Flag(StrEnum):
    """What is unusual about the day of a recorded visit; a flag never refuses it."""

    OUT_OF_WINDOW = "out_of_window"
    TOO_CLOSE = "too_close"


def fraction_days(start: date, fractions_per_week: int) -> Iterator[date]:
    """The days on which fractions fall, without end, the start day first.

    The start day carries a fraction whatever its weekday. Five a week go on
    from Monday to Friday; any other number is spread evenly over each seven
    days counted from the start. Public holidays are not known here.
    """
    if fractions_per_week == WORKING_DAYS_IN_WEEK:
        yield start
        for n in count(1):
            day = start + timedelta(days=n)
            if day.weekday() < WORKING_DAYS_IN_WEEK:
                yield day
    else:
        for n in count():
            yield start + timedelta(days=n * DAYS_IN_WEEK // fractions_per_week)


def rt_start(rt: Radiotherapy) -> date:
    """The day of the first delivered fraction; until there is one, the planned start."""
    return rt.first_fraction_on or rt.planned_start


def rt_end(rt: Radiotherapy, visits: Visits) -> date:
    """The day of the last delivered fraction; until it is recorded, the planned end.

    The planned end is the day of the last planned fraction when all follow one
    another from `rt_start` as `fraction_days` says, without interruption.
    """
    if rt.last_fraction_on is not None:
        return rt.last_fraction_on
    days = fraction_days(rt_start(rt), visits.fractions_per_week)
    return next(islice(days, rt.planned_fractions - 1, None))


def schedule(rt: Radiotherapy, visits: Visits) -> tuple[PlannedVisit, ...]:
    """The subject's visits in chronological order, then in the protocol's order.

    A repeated rule goes on as long as its window opens by the end of
    radiotherapy, which then bounds its planned day and its window.
    """
    end = rt_end(rt, visits)
    anchors = {Anchor.RT_START: rt_start(rt), Anchor.RT_END: end}
    planned = [
        visit for rule in visits.schedule for visit in _visits(rule, anchors[rule.anchor], end)
    ]
    return tuple(sorted(planned, key=lambda visit: (visit.planned_on, visit.window_from)))


def status(planned: PlannedVisit, recorded_on: date | None, missed: bool, today: date) -> Status:
    """How the visit stands on `today`; a recorded date outweighs a reason for missing it."""
    if recorded_on is not None:
        return Status.DONE
    if missed:
        return Status.MISSED
    if today < planned.window_from:
        return Status.PLANNED
    return Status.DUE if today <= planned.window_to else Status.OVERDUE


def flags(
    planned: PlannedVisit, recorded_on: date, other_slots_on: Iterable[date], visits: Visits
) -> tuple[Flag, ...]:
    """What is unusual about the day a visit took place.

    `other_slots_on` are the days of the subject's other recorded slot visits,
    before and after. Visits carry dates without hours, so the least distance
    is compared in days: 48 hours are kept by two days' difference.
    """
    raised = []
    if not planned.window_from <= recorded_on <= planned.window_to:
        raised.append(Flag.OUT_OF_WINDOW)
    least_hours = visits.minimum_hours_between_gradings
    distances = (abs((recorded_on - other).days) for other in other_slots_on)
    if planned.slot and any(days * HOURS_IN_DAY < least_hours for days in distances):
        raised.append(Flag.TOO_CLOSE)
    return tuple(raised)


def highest_grade(code: str, visits: Visits) -> int | None:
    """The highest grade allowed at the visit of that code; None where any is possible."""
    for rule in visits.schedule:
        pattern = re.escape(rule.code).replace(re.escape("{n}"), r"\d+")
        if re.fullmatch(pattern, code):
            return rule.highest_grade
    return None


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

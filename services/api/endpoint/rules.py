"""One subject's primary and secondary outcome, derived from their mucositis assessments.

Days are local calendar dates, both ends of every span included. Nothing is
imputed. `docs/endpoint.md` defines every word. Source: protocol, endpoint.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import takewhile

from services.api.gradings.rules import Assessment
from services.api.protocol.schema import Endpoint, Grading, Visits
from services.api.visits.rules import PlannedVisit, Radiotherapy, fraction_days, rt_end, schedule


@dataclass(frozen=True, slots=True)
class Window:
    """The days that count, both ends included; `to` is None until the last fraction is recorded."""

    from_: date
    to: date | None

    def holds(self, day: date) -> bool:
        """Whether the day counts."""
        return self.from_ <= day and (self.to is None or day <= self.to)

    def over(self, today: date, left_on: date | None) -> bool:
        """Whether nothing more can be observed: its last day is past, or the subject has left."""
        return left_on is not None or (self.to is not None and today > self.to)


class OutcomeStatus(StrEnum):
    """What is known of an outcome: `pending` until its window is over or an event comes first."""

    EVENT = "event"
    NO_EVENT = "no_event"
    NOT_EVALUABLE = "not_evaluable"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Decision:
    """An outcome and, for an event, the first assessment that reached its grade."""

    status: OutcomeStatus
    deciding: Assessment | None = None


PENDING = Decision(OutcomeStatus.PENDING)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything derived for one subject; as it stands here before the first fraction.

    `days_to_first_severe` counts from the first fraction, day 0; doses in Gy.
    `kept` of the `slots` have an assessment in their own window; `gaps` are the
    codes of those that can no longer have one. `counted` are the assessments
    that count, in order.
    """

    primary: Decision = PENDING
    secondary: Decision = PENDING
    window: Window | None = None
    max_grade: int | None = None
    days_to_first_severe: int | None = None
    days_severe: int = 0
    grade_4: bool = False
    gy_at_onset: float | None = None
    gaps: tuple[str, ...] = ()
    kept: int = 0
    slots: int = 0
    counted: tuple[Assessment, ...] = field(default=(), repr=False)

    @property
    def coverage(self) -> float | None:
        """The share of slots kept; 1 when there is none, None before the first fraction."""
        if self.window is None:
            return None
        return self.kept / self.slots if self.slots else 1.0

    @property
    def unresolved(self) -> tuple[str, ...]:
        """The visits whose grade is open until their adjudication is decided."""
        return tuple(one.visit for one in self.counted if one.grade is None)

    @property
    def last_assessed_on(self) -> date | None:
        """The day of the last assessment that counts and has a grade."""
        return max((one.on for one in self.counted if one.grade is not None), default=None)


def endpoint(
    assessments: Iterable[Assessment],
    rt: Radiotherapy,
    *,
    visits: Visits,
    grading: Grading,
    rule: Endpoint,
    today: date,
    left_on: date | None = None,
) -> Outcome:
    """Derive one subject's primary and secondary outcome.

    An event wins over everything, also while the window is open; `no_event`
    needs the window over, its coverage kept and no grade open. Assessments
    outside the window are left out; their order does not matter.
    """
    window = window_of(rt, rule)
    if window is None:
        return Outcome()
    inside = sorted(
        (one for one in assessments if window.holds(one.on) and _observed(one, left_on)),
        key=lambda one: (one.on, one.at, one.grading),
    )
    slots = _slots(rt, visits, window, today, left_on)
    # By days and not by names: many visits entered for one day must not cover many weeks.
    days = {one.on for one in inside}
    missing = [
        slot for slot in slots if not any(slot.window_from <= on <= slot.window_to for on in days)
    ]
    kept = len(slots) - len(missing)
    over = window.over(today, left_on)
    # A quotient, for 28 of 35 is 0.8 to the last bit and 0.8 times 35 is not 28.
    covered = not slots or kept / len(slots) >= rule.coverage_share
    without_event = _without_event(inside, rt, rule, over=over, covered=covered)
    primary = _decide(inside, rule.severe_grade, without_event)
    onset = primary.deciding.on if primary.deciding else None
    grades = [one.grade for one in inside if one.grade is not None]
    return Outcome(
        primary=primary,
        secondary=_decide(inside, rule.any_grade, without_event),
        window=window,
        max_grade=max(grades, default=None),
        days_to_first_severe=(onset - window.from_).days if onset else None,
        days_severe=days_at_or_above(inside, rule.severe_grade),
        grade_4=grading.maximum in grades,
        gy_at_onset=gy_at(onset, rt, visits) if onset else None,
        gaps=tuple(slot.code for slot in missing if over or today > slot.window_to),
        kept=kept,
        slots=len(slots),
        counted=tuple(inside),
    )


def window_of(rt: Radiotherapy, rule: Endpoint) -> Window | None:
    """First through last delivered fraction plus the rule's days; None before the first."""
    if rt.first_fraction_on is None:
        return None
    last = rt.last_fraction_on
    after = timedelta(days=rule.window_days_after_rt_end)
    return Window(rt.first_fraction_on, None if last is None else last + after)


def _observed(one: Assessment, left_on: date | None) -> bool:
    """Whether the subject was still in the study; what is dated later is not used."""
    return left_on is None or one.on <= left_on


def _slots(
    rt: Radiotherapy, visits: Visits, window: Window, today: date, left_on: date | None
) -> list[PlannedVisit]:
    """The slot visits of the window, those after the subject left included."""
    ended = replace(rt, last_fraction_on=rt_end(rt, visits, today=today, left_on=left_on))
    planned = schedule(ended, visits, today=today)
    return [visit for visit in planned if visit.slot and window.holds(visit.planned_on)]


def days_at_or_above(assessments: Iterable[Assessment], grade: int) -> int:
    """Days spent at or above a grade, each grade lasting until the next assessment.

    A spell counts its first day and not the day of the assessment that ends
    it, which is already below. A spell that none ends counts through the day
    of the last assessment. The worst of several grades on one day stands for it.
    """
    worst: dict[date, int] = {}
    for one in assessments:
        if one.grade is not None:
            worst[one.on] = max(one.grade, worst.get(one.on, one.grade))
    days = sorted(worst)
    if not days:
        return 0
    ends = [*days[1:], days[-1] + timedelta(days=1)]
    return sum((end - day).days for day, end in zip(days, ends, strict=True) if worst[day] >= grade)


def gy_at(on: date, rt: Radiotherapy, visits: Visits) -> float | None:
    """Estimated cumulative dose in Gy through a day, that day's fraction included.

    Linear in the days on which fractions fall: a share of the delivered dose
    once the last fraction is recorded with it, otherwise planned doses per
    fraction. None when no fraction was delivered or the dose is not known.
    """
    last = rt.last_fraction_on
    if rt.first_fraction_on is None:
        return None
    given = _fractions(rt, on if last is None else min(on, last), visits)
    if last is not None and rt.delivered_dose_gy is not None:
        return rt.delivered_dose_gy * given / _fractions(rt, last, visits)
    if rt.planned_dose_gy is None:
        return None
    return rt.planned_dose_gy * min(given, rt.planned_fractions) / rt.planned_fractions


def _fractions(rt: Radiotherapy, until: date, visits: Visits) -> int:
    return sum(1 for _ in takewhile(lambda day: day <= until, fraction_days(rt, visits)))


def _without_event(
    inside: Sequence[Assessment],
    rt: Radiotherapy,
    rule: Endpoint,
    *,
    over: bool,
    covered: bool,
) -> OutcomeStatus:
    """What the outcome is when no assessment made it an event."""
    if not over or any(one.grade is None for one in inside):
        return OutcomeStatus.PENDING
    if rt.last_fraction_on is None:
        return OutcomeStatus.NOT_EVALUABLE
    late = rt.last_fraction_on + timedelta(days=rule.last_grading_from_day)
    if covered and any(one.on >= late for one in inside):
        return OutcomeStatus.NO_EVENT
    return OutcomeStatus.NOT_EVALUABLE


def _decide(inside: Sequence[Assessment], grade: int, without_event: OutcomeStatus) -> Decision:
    for one in inside:
        if one.grade is not None and one.grade >= grade:
            return Decision(OutcomeStatus.EVENT, one)
    return Decision(without_event)

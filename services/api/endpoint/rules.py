"""One subject's primary and secondary outcome, derived from their mucositis gradings.

Days are local calendar dates, both ends of every span included. Nothing is
imputed. Source: protocol, endpoint.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from uuid import UUID

from services.api.protocol.schema import Endpoint, Grading, Visits
from services.api.visits.rules import PlannedVisit, Radiotherapy, fraction_days, schedule


@dataclass(frozen=True, slots=True)
class Assessed:
    """One grading as the endpoint reads it: local day, moment in UTC, entered grade, visit code."""

    id: UUID
    on: date
    at: datetime
    grade: int
    visit: str


@dataclass(frozen=True, slots=True)
class Window:
    """The days that count, both ends included; `to` is None until the last fraction is recorded."""

    from_: date
    to: date | None

    def holds(self, day: date) -> bool:
        """Whether the day counts."""
        return self.from_ <= day and (self.to is None or day <= self.to)

    def closed(self, today: date) -> bool:
        """Whether the last day that counts is over."""
        return self.to is not None and today > self.to


class OutcomeStatus(StrEnum):
    """What is known of an outcome: `pending` until its window closes or an event comes first."""

    EVENT = "event"
    NO_EVENT = "no_event"
    NOT_EVALUABLE = "not_evaluable"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Decision:
    """An outcome and, for an event, the first grading that reached its grade."""

    status: OutcomeStatus
    deciding: Assessed | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything derived for one subject.

    `days_to_first_severe` counts from the first fraction, day 0. `gaps` are the
    codes of slot visits in the window that can no longer be kept; `coverage` is
    the share of all its slot visits that were kept, None before radiotherapy.
    """

    primary: Decision
    secondary: Decision
    window: Window | None
    max_grade: int | None
    days_to_first_severe: int | None
    days_severe: int
    grade_4: bool
    gy_at_onset: float | None
    gaps: tuple[str, ...]
    coverage: float | None


PENDING = Decision(OutcomeStatus.PENDING, None)
NOTHING_YET = Outcome(
    primary=PENDING,
    secondary=PENDING,
    window=None,
    max_grade=None,
    days_to_first_severe=None,
    days_severe=0,
    grade_4=False,
    gy_at_onset=None,
    gaps=(),
    coverage=None,
)


def endpoint(
    assessments: Iterable[Assessed],
    rt: Radiotherapy,
    *,
    visits: Visits,
    grading: Grading,
    rule: Endpoint,
    today: date,
) -> Outcome:
    """Derive one subject's primary and secondary outcome.

    An event wins over everything, also while the window is open; `no_event`
    needs the window closed and its coverage kept. Gradings outside the window
    are left out; their order does not matter.
    """
    window = window_of(rt, rule)
    if window is None:
        return NOTHING_YET
    inside = sorted(
        (assessed for assessed in assessments if window.holds(assessed.on)),
        key=lambda assessed: (assessed.on, assessed.at, assessed.id),
    )
    slots = [
        visit for visit in schedule(rt, visits) if visit.slot and window.holds(visit.planned_on)
    ]
    kept = {assessed.visit for assessed in inside}
    coverage = _coverage(slots, kept)
    without_event = _without_event(inside, rt, window, coverage, rule, today)
    primary = _decide(inside, rule.severe_grade, without_event)
    onset = None if primary.deciding is None else primary.deciding.on
    highest = max((assessed.grade for assessed in inside), default=None)
    return Outcome(
        primary=primary,
        secondary=_decide(inside, rule.any_grade, without_event),
        window=window,
        max_grade=highest,
        days_to_first_severe=None if onset is None else (onset - window.from_).days,
        days_severe=days_at_or_above(inside, rule.severe_grade),
        grade_4=highest == grading.maximum,
        gy_at_onset=None if onset is None else gy_at(onset, rt, visits),
        gaps=tuple(visit.code for visit in slots if _missed(visit, kept, window, today)),
        coverage=coverage,
    )


def window_of(rt: Radiotherapy, rule: Endpoint) -> Window | None:
    """First through last delivered fraction plus the rule's days; None before the first."""
    if rt.first_fraction_on is None:
        return None
    last = rt.last_fraction_on
    after = timedelta(days=rule.window_days_after_rt_end)
    return Window(rt.first_fraction_on, None if last is None else last + after)


def days_at_or_above(assessments: Iterable[Assessed], grade: int) -> int:
    """Days spent at or above a grade, each grade lasting until the next grading.

    A spell counts its first day and not the day of the grading that ends it,
    which is already below. A spell no grading ends counts through the day of
    the last assessment. The worst of several grades on one day stands for it.
    """
    worst: dict[date, int] = {}
    for assessed in assessments:
        worst[assessed.on] = max(assessed.grade, worst.get(assessed.on, assessed.grade))
    days = sorted(worst)
    if not days:
        return 0
    ends = [*days[1:], days[-1] + timedelta(days=1)]
    return sum((end - day).days for day, end in zip(days, ends, strict=True) if worst[day] >= grade)


def gy_at(on: date, rt: Radiotherapy, visits: Visits) -> float | None:
    """Estimated cumulative dose in Gy through a day, that day's fraction included.

    Linear in the days on which fractions fall (`fraction_days` from the first
    delivered fraction): a share of the delivered dose once the last fraction is
    recorded with it, otherwise planned doses per fraction. None when no
    fraction was delivered or the dose is not known.
    """
    first, last = rt.first_fraction_on, rt.last_fraction_on
    if first is None:
        return None
    until = on if last is None else min(on, last)
    given = _fractions(first, until, visits)
    if last is not None and rt.delivered_dose_gy is not None:
        return rt.delivered_dose_gy * given / _fractions(first, last, visits)
    if rt.planned_dose_gy is None:
        return None
    return rt.planned_dose_gy * min(given, rt.planned_fractions) / rt.planned_fractions


def _fractions(first: date, until: date, visits: Visits) -> int:
    days = fraction_days(first, visits.fractions_per_week)
    return sum(1 for _ in takewhile(lambda day: day <= until, days))


def _coverage(slots: Sequence[PlannedVisit], kept: set[str]) -> float:
    """The share of slot visits kept; whole when the protocol plans none."""
    return sum(visit.code in kept for visit in slots) / len(slots) if slots else 1.0


def _missed(visit: PlannedVisit, kept: set[str], window: Window, today: date) -> bool:
    """A slot is lost once its own window or the endpoint's is over, whichever is first."""
    over = today > visit.window_to or window.closed(today)
    return over and visit.code not in kept


def _without_event(
    inside: Sequence[Assessed],
    rt: Radiotherapy,
    window: Window,
    coverage: float,
    rule: Endpoint,
    today: date,
) -> OutcomeStatus:
    """What the outcome is when no grading made it an event."""
    if rt.last_fraction_on is None or not window.closed(today):
        return OutcomeStatus.PENDING
    late = rt.last_fraction_on + timedelta(days=rule.last_grading_from_day)
    covered = coverage >= rule.coverage_share and any(assessed.on >= late for assessed in inside)
    return OutcomeStatus.NO_EVENT if covered else OutcomeStatus.NOT_EVALUABLE


def _decide(inside: Sequence[Assessed], grade: int, without_event: OutcomeStatus) -> Decision:
    deciding = next((assessed for assessed in inside if assessed.grade >= grade), None)
    return Decision(without_event if deciding is None else OutcomeStatus.EVENT, deciding)

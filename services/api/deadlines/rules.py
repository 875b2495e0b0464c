"""When a case of an adverse event has to be reported, to whom, and whether it was.

Nothing here asks what time it is, so a deadline is the same whenever it is
worked out; where it stands is read from the clock by `state`.
Source: protocol, adverse_events.clocks; ICH E2A III; ICH E6(R3).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from services.api.deadlines.cases import Case, LapseCause, Run
from services.api.deadlines.cases import Statement as Statement
from services.api.protocol.safety import AdverseEvents, SafetyClock

MOMENT = timedelta(microseconds=1)
"""The smallest step of a stored time: a day's last moment is so long before the next day."""


class SubmissionKind(StrEnum):
    """What is sent: the first report of a case, more about it, or that it is void."""

    INITIAL = "initial"
    FOLLOW_UP = "follow_up"
    NULLIFICATION = "nullification"


class DeadlineState(StrEnum):
    """Where a deadline stands: to be met, missed so far, met, or void."""

    DUE = "due"
    OVERDUE = "overdue"
    MET = "met"
    LAPSED = "lapsed"


@dataclass(frozen=True)
class Sent:
    """A submission that stands, and the version of the occurrence it told of."""

    id: UUID
    event_id: UUID
    event_version: int
    recipient: str
    kind: SubmissionKind
    submitted_at: datetime


@dataclass(frozen=True)
class Deadline:
    """One report owed to one recipient; `opening` counts how often its clock was started.

    `event_id` and `event_version` name the statement that started it. `due_on`
    is the last local day of a clock of days. It is met or has lapsed, or neither.
    """

    clock: str
    recipient: str
    follow_up: bool
    opening: int
    event_id: UUID
    event_version: int
    day_zero: datetime
    due_at: datetime
    due_on: date | None
    provisional: bool
    met_by: UUID | None = None
    met_at: datetime | None = None
    lapsed_at: datetime | None = None
    lapsed_because: LapseCause | None = None


def state(
    due_at: datetime, met_at: datetime | None, lapsed_at: datetime | None, now: datetime
) -> DeadlineState:
    """Where a deadline stands at that moment; one that is met late is met."""
    if met_at is not None:
        return DeadlineState.MET
    if lapsed_at is not None:
        return DeadlineState.LAPSED
    return DeadlineState.DUE if now <= due_at else DeadlineState.OVERDUE


def late(
    due_at: datetime, met_at: datetime | None, lapsed_at: datetime | None, now: datetime
) -> bool:
    """Whether the last moment of a deadline passed before it was met or lapsed, or has passed."""
    return (met_at or lapsed_at or now) > due_at


# --- the deadlines --------------------------------------------------------------------


def deadlines(
    statements: Sequence[Statement],
    sent: Sequence[Sent],
    section: AdverseEvents,
    zone: ZoneInfo,
) -> list[Deadline]:
    """Every deadline that the case ever had, by clock, recipient and opening.

    A submission meets the deadlines that the version it told of called for, if
    it was sent before they lapsed; sent late, it meets them late. A follow-up may
    tell any version since, a milder one too. `zone` is where days begin and end.
    """
    case = Case(statements, section)
    found = []
    for clock in section.clocks:
        runs = list(case.runs(clock))
        for recipient in clock.recipients:
            to_them = [one for one in sent if one.recipient == recipient]
            for opening, run in enumerate(runs, start=1):
                one = _initial(case, clock, recipient, opening, run, to_them, zone)
                found.append(one)
                if clock.follow_up_days is not None:
                    found.append(_follow_up(case, clock, run, one, to_them, zone))
    return found


def _initial(
    case: Case,
    clock: SafetyClock,
    recipient: str,
    opening: int,
    run: Run,
    sent: Sequence[Sent],
    zone: ZoneInfo,
) -> Deadline:
    day_zero = case.day_zero(run)
    due_at, due_on = _due(day_zero, clock.hours, clock.days, zone)
    if clock.applies_to == "susar_fatal_or_life_threatening":
        earlier = _replaced(case, recipient, run, sent, zone)
        due_at, due_on = min([(due_at, due_on), *earlier], key=lambda due: due[0])
    began = case.statements[run.known]
    telling = [one for one in sent if case.called_for(clock, one.event_id, one.event_version)]
    return _settled(
        case,
        clock,
        run,
        telling,
        Deadline(
            clock=clock.id,
            recipient=recipient,
            follow_up=False,
            opening=opening,
            event_id=began.event_id,
            event_version=began.version,
            day_zero=day_zero,
            due_at=due_at,
            due_on=due_on,
            provisional=case.provisional(clock, run),
        ),
    )


def _replaced(
    case: Case, recipient: str, run: Run, sent: Sequence[Sent], zone: ZoneInfo
) -> Iterator[tuple[datetime, date | None]]:
    """When the reports were due that the upgrade to this run found still to be sent."""
    for clock in case.section.clocks:
        if clock.applies_to == "susar_other" and recipient in clock.recipients:
            for opening, before in enumerate(case.runs(clock), start=1):
                if before.ends == run.begins:
                    one = _initial(case, clock, recipient, opening, before, sent, zone)
                    if one.met_at is None:
                        yield one.due_at, one.due_on


def _follow_up(
    case: Case,
    clock: SafetyClock,
    run: Run,
    first: Deadline,
    sent: Sequence[Sent],
    zone: ZoneInfo,
) -> Deadline:
    """The deadline of the second report, which only a report after the first one meets."""
    days = (clock.days or 0) + (clock.follow_up_days or 0)
    due_at, due_on = _due(first.day_zero, None, days, zone)
    owed = replace(
        first,
        follow_up=True,
        due_at=due_at,
        due_on=due_on,
        met_by=None,
        met_at=None,
        lapsed_at=None,
        lapsed_because=None,
    )
    met_at = first.met_at
    later = [
        one
        for one in sent
        if one.kind is SubmissionKind.FOLLOW_UP and met_at is not None and one.submitted_at > met_at
    ]
    return _settled(case, clock, run, later, owed)


def _settled(
    case: Case, clock: SafetyClock, run: Run, sent: Sequence[Sent], owed: Deadline
) -> Deadline:
    """The deadline as met by the first report of it, or lapsed, or still open."""
    ends = len(case.statements) if run.ends is None else run.ends
    lapsed_at = None if run.ends is None else case.statements[run.ends].received_at
    reports = [
        (one.submitted_at, one.id)
        for one in sent
        if one.kind is not SubmissionKind.NULLIFICATION
        and run.known <= case.index[one.event_id, one.event_version] < ends
        and (lapsed_at is None or one.submitted_at <= lapsed_at)
    ]
    if reports:
        met_at, met_by = min(reports)
        return replace(owed, met_at=met_at, met_by=met_by)
    if run.ends is None:
        return owed
    return replace(owed, lapsed_at=lapsed_at, lapsed_because=case.because(clock, run.ends))


def _due(
    day_zero: datetime, hours: int | None, days: int | None, zone: ZoneInfo
) -> tuple[datetime, date | None]:
    """The last moment of a clock, and its last local day if it counts days."""
    if hours is not None:
        return day_zero + timedelta(hours=hours), None
    last = day_zero.astimezone(zone).date() + timedelta(days=days or 0)
    next_day = datetime.combine(last + timedelta(days=1), time(), zone)
    return next_day.astimezone(day_zero.tzinfo) - MOMENT, last


# --- reminders ------------------------------------------------------------------------


class Reminder(StrEnum):
    """What a reminder says: a deadline comes near, or has passed."""

    NEAR = "near"
    MISSED = "missed"


@dataclass(frozen=True)
class Stage:
    """Which deadlines of a clock are reminded of now: due after the one moment, until the other."""

    clock: str
    kind: Reminder
    lead_hours: int
    due_after: datetime
    due_until: datetime


def stages(clocks: Iterable[SafetyClock], now: datetime) -> Iterator[Stage]:
    """What a deadline of each clock is reminded of at that moment, by when it is due.

    Of several leads that have come, only the nearest counts: whoever looks late
    is told once how little is left. A deadline is missed after its last moment.
    """
    for clock in clocks:
        nearest_first = sorted(clock.remind_hours_before)
        after = now - MOMENT
        for hours in nearest_first:
            until = now + timedelta(hours=hours)
            yield Stage(clock.id, Reminder.NEAR, hours, after, until)
            after = until
        yield Stage(clock.id, Reminder.MISSED, 0, datetime.min.replace(tzinfo=UTC), now - MOMENT)

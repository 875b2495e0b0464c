"""A second way to the deadlines of a case: told step by step, as an officer with a diary would.

It shares nothing with `services.api.deadlines` but the shapes of what goes in:
a case is followed as it happens, and the end of a day is found by looking for
the last moment that still has its date.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.api.deadlines.rules import Sent, Statement

OTHER, FATAL, SERIOUS = "susar_other", "susar_fatal_or_life_threatening", "serious_to_sponsor"


@dataclass
class Knowledge:
    """Since when something is known of a case; a correction of the first report moves it."""

    event: UUID
    version: int
    at: datetime
    step: int


@dataclass
class Entry:
    """A page of the diary: one start of one clock."""

    clock: str
    opening: int
    knowledge: Knowledge
    provisional: bool = False
    ended_at: datetime | None = None
    ended_step: int | None = None
    because: str | None = None
    replaced_by: "Entry | None" = None


@dataclass(frozen=True)
class Owed:
    """What the officer concludes for one recipient."""

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
    met_by: UUID | None
    met_at: datetime | None
    lapsed_at: datetime | None
    lapsed_because: str | None


def last_moment_of(day: date, zone: ZoneInfo, near: datetime) -> datetime:
    """The last microsecond whose local date is not after that day, found by halving."""
    step = timedelta(microseconds=1)
    low, high = near - timedelta(days=3), near + timedelta(days=60)
    while high - low > step:
        middle = low + (high - low) // 2
        if middle.astimezone(zone).date() <= day:
            low = middle
        else:
            high = middle
    return low


def diary(statements: Sequence[Statement]) -> list[Entry]:
    """Every start of every clock, as the statements came in."""
    said: dict[UUID, Statement] = {}
    known: dict[str, Knowledge] = {}
    running: dict[str, Entry] = {}
    entries: list[Entry] = []
    for step, one in enumerate(statements):
        said[one.event_id] = one
        valid = [x for x in said.values() if x.serious and not x.nullified]
        reactions = [x for x in valid if x.suspected and x.expected is not True]
        fatal = [x for x in reactions if x.fatal_or_life_threatening]
        _learn(known, step, one, {"serious": valid, "susar": reactions, "fatal": fatal})
        _stop(running, step, one, {SERIOUS: valid, FATAL: fatal, OTHER: [] if fatal else reactions})
        wanted = {
            SERIOUS: ("serious", valid),
            FATAL: ("fatal", fatal),
            OTHER: ("susar", [] if fatal else reactions),
        }
        for clock, (what, there) in wanted.items():
            if there and clock not in running:
                opening = 1 + sum(entry.clock == clock for entry in entries)
                running[clock] = Entry(clock, opening, known[what])
                entries.append(running[clock])
            if there and clock != SERIOUS:
                running[clock].provisional = {x.expected for x in there} == {None}
        for entry in entries:
            if entry.ended_step == step and entry.because == "upgraded":
                entry.replaced_by = running[FATAL]
    return entries


def _learn(
    known: dict[str, Knowledge], step: int, one: Statement, now: dict[str, list[Statement]]
) -> None:
    """Note what is known from this step on, and forget what is not so any more."""
    for what, there in now.items():
        if not there:
            known.pop(what, None)
        elif what not in known:
            known[what] = Knowledge(one.event_id, one.version, one.informed_at, step)
        elif known[what].event == one.event_id:
            told = one.aware_at if known[what].version == 1 else one.informed_at
            known[what].at = min(known[what].at, told)


def _stop(
    running: dict[str, Entry], step: int, one: Statement, wanted: dict[str, list[Statement]]
) -> None:
    """End the clocks that nothing calls for any more."""
    for clock, there in wanted.items():
        if not there and clock in running:
            entry = running.pop(clock)
            entry.ended_at, entry.ended_step = one.received_at, step
            entry.because = _why(one, clock)


def _why(one: Statement, clock: str) -> str:
    if one.nullified:
        return "nullified"
    if not one.serious:
        return "not_serious"
    if not one.suspected:
        return "not_suspected"
    if one.expected:
        return "expected"
    return "upgraded" if clock == OTHER else "not_fatal_or_life_threatening"


LENGTH = {
    SERIOUS: (timedelta(hours=24), None, ("sponsor",)),
    FATAL: (None, 7, ("regulator", "ethics_committee")),
    OTHER: (None, 15, ("regulator", "ethics_committee")),
}
FOLLOW_UP_DAYS = 7 + 8


def told_of(clock: str, statements: Sequence[Statement], sent: Sequence[Sent]) -> set[UUID]:
    """The submissions whose reader learns of what that clock is about."""
    grave: set[tuple[UUID, int]] = set()
    for one in statements:
        reaction = one.suspected and one.expected is not True
        enough = {SERIOUS: True, OTHER: reaction, FATAL: reaction and one.fatal_or_life_threatening}
        if one.serious and not one.nullified and enough[clock]:
            grave.add((one.event_id, one.version))
    return {x.id for x in sent if (x.event_id, x.event_version) in grave}


def conclude(statements: Sequence[Statement], sent: Sequence[Sent], zone: ZoneInfo) -> list[Owed]:
    """What is owed to everyone, and what of it was met."""
    steps = {(x.event_id, x.version): step for step, x in enumerate(statements)}
    about = {clock: told_of(clock, statements, sent) for clock in LENGTH}
    entries = diary(statements)
    owed: list[Owed] = []
    for entry in sorted(entries, key=lambda entry: entry.clock == FATAL):  # the replaced ones first
        hours, days, recipients = LENGTH[entry.clock]
        zero = entry.knowledge.at
        day = zero.astimezone(zone).date()
        for recipient in recipients:
            reports = sorted(
                (x.submitted_at, x.id, x.kind)
                for x in sent
                if x.recipient == recipient
                and x.kind != "nullification"
                and entry.knowledge.step <= steps[x.event_id, x.event_version]
                and (entry.ended_step or len(statements)) > steps[x.event_id, x.event_version]
                and (entry.ended_at or x.submitted_at) >= x.submitted_at
            )
            due_on = None if days is None else day + timedelta(days=days)
            due_at = zero + hours if hours else last_moment_of(due_on or day, zone, zero)
            if entry.clock == FATAL:
                for before in owed:
                    replaced = next(
                        e for e in entries if (e.clock, e.opening) == (before.clock, before.opening)
                    )
                    same = replaced.replaced_by is entry and before.recipient == recipient
                    if same and before.met_by is None and before.due_at < due_at:
                        due_at, due_on = before.due_at, before.due_on
            telling = [x for x in reports if x[1] in about[entry.clock]]
            first = telling[0] if telling else None
            owed.append(_owed(entry, recipient, False, due_at, due_on, first))
            if entry.clock == FATAL:
                more = [x for x in reports if first and x[2] == "follow_up" and x[0] > first[0]]
                until = day + timedelta(days=FOLLOW_UP_DAYS)
                end = last_moment_of(until, zone, zero)
                second = more[0] if more else None
                owed.append(_owed(entry, recipient, True, end, until, second))
    return owed


def _owed(
    entry: Entry,
    recipient: str,
    follow_up: bool,
    due_at: datetime,
    due_on: date | None,
    report: tuple[datetime, UUID, str] | None,
) -> Owed:
    return Owed(
        entry.clock,
        recipient,
        follow_up,
        entry.opening,
        entry.knowledge.event,
        entry.knowledge.version,
        entry.knowledge.at,
        due_at,
        due_on,
        entry.provisional,
        report[1] if report else None,
        report[0] if report else None,
        None if report else entry.ended_at,
        None if report else entry.because,
    )

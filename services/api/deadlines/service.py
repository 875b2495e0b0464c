"""Deadlines of safety reporting: the only user of their tables.

What is owed follows from the case and from what was sent, so nobody enters a
deadline: it is derived anew after every change and kept as a further version
where it came out differently.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Select,
    String,
    and_,
    column,
    func,
    or_,
    values,
)
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from services.api.core.audit import remember_read
from services.api.core.auth import Caller, Principal, Worker
from services.api.core.clock import Clock
from services.api.core.errors import NotFound
from services.api.core.events import EventType, announce
from services.api.core.making import new_id
from services.api.core.pagination import page
from services.api.core.records import current, latest
from services.api.deadlines import rules
from services.api.deadlines.models import SafetyDeadline, SafetyReminder, SafetySubmission
from services.api.deadlines.rules import DeadlineState, Reminder, Sent, Statement, SubmissionKind
from services.api.deadlines.schemas import DeadlineQuery
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.protocol.schema import Protocol

Key = tuple[object, ...]
_KEY = ("clock", "recipient", "follow_up", "opening")

SWEEP = 100
"""Reminders given by one call: so many subjects are locked for as long as it takes."""

TOLD = {Reminder.NEAR: EventType.DEADLINE_NEAR, Reminder.MISSED: EventType.DEADLINE_MISSED}


# --- following the case ------------------------------------------------------------------


def follow(
    session: Session,
    caller: Caller,
    clock: Clock,
    protocol: Protocol,
    subject: Subject,
    case_id: UUID,
    statements: Sequence[Statement],
) -> None:
    """Bring the deadlines of a case up to date with what was said of it and what was sent.

    `statements` are those of every occurrence, in the order of recording. The
    caller holds the subject's lock. A deadline that is there once stays.
    """
    kept = {_key(row.model_dump()): row for row in _of_case(session, case_id)}
    sent = standing(submissions(session, case_id))
    for owed in rules.deadlines(statements, sent, protocol.adverse_events, clock.zone):
        content = asdict(owed)
        before = kept.get(_key(content))
        if before is not None and content.items() <= before.model_dump().items():
            continue
        row = SafetyDeadline(
            **content,
            id=new_id() if before is None else before.id,
            version=1 if before is None else before.version + 1,
            site=subject.site,
            subject_id=subject.id,
            recorded_by=caller.id,
            protocol_version=protocol.version,
            case_id=case_id,
        )
        session.add(row)
        session.flush()
        for kind in _news(before, row):
            announce(session, kind, row.id, site=row.site, subject_id=row.subject_id)


def _key(content: Mapping[str, object]) -> Key:
    return tuple(content[name] for name in _KEY)


def _of_case(session: Session, case_id: UUID) -> Sequence[SafetyDeadline]:
    rows: Sequence[SafetyDeadline] = session.exec(
        current(SafetyDeadline).where(SafetyDeadline.case_id == case_id)
    ).all()
    return rows


def _news(before: SafetyDeadline | None, row: SafetyDeadline) -> Iterator[EventType]:
    """What others are told of a deadline's new version."""
    if before is None:
        yield EventType.DEADLINE_OPENED
    elif (
        row.due_at != before.due_at
        or (row.met_by is None and before.met_by is not None)
        or (row.lapsed_at is not None and before.lapsed_at is None)
    ):
        yield EventType.DEADLINE_CHANGED
    if row.met_by is not None and (before is None or before.met_by is None):
        yield EventType.DEADLINE_MET


def submissions(session: Session, case_id: UUID) -> Sequence[SafetySubmission]:
    """What was sent about a case, in current versions and in the order of recording."""
    query = current(SafetySubmission).where(SafetySubmission.case_id == case_id)
    rows: Sequence[SafetySubmission] = session.exec(query.order_by(SafetySubmission.id)).all()
    return rows


def standing(rows: Sequence[SafetySubmission]) -> list[Sent]:
    """Those submissions that were not recorded in error."""
    return [
        Sent(
            id=row.id,
            event_id=row.event_id,
            event_version=row.event_version,
            recipient=row.recipient,
            kind=SubmissionKind(row.kind),
            submitted_at=row.submitted_at,
        )
        for row in rows
        if not row.withdrawn
    ]


# --- reminding -------------------------------------------------------------------------


def remind(session: Session, worker: Worker, clock: Clock, protocol: Protocol) -> int:
    """Give the reminders that are to be given now, at most `SWEEP` of them; answers how many.

    Of the leads that have come only the nearest is told. A deadline that moved
    is reminded of again. Subjects that somebody is changing come with a later
    sweep, and hold up nobody else.

    Several workers may sweep at the same time and die at any moment: a reminder
    and the event that tells it are one transaction, and the subject's lock and
    the reminder's own key keep two workers from giving the same.
    """
    wanted = _wanted(worker, clock.now(), protocol)
    subjects = wanted.with_only_columns(col(SafetyDeadline.subject_id)).order_by(None)
    held = enrolment.lock_unclaimed(session, worker, subjects, SWEEP)
    if not held:
        return 0
    # Asked again under the locks: what others did before they let go is seen now.
    due: Any = wanted.where(col(SafetyDeadline.subject_id).in_(held)).limit(SWEEP)
    given = session.execute(due).all()
    for row, kind, lead_hours in given:
        _give(session, worker, clock, row, Reminder(kind), lead_hours)
    session.flush()
    return len(given)


def _wanted(worker: Worker, now: datetime, protocol: Protocol) -> Select[Any]:
    """Open deadlines, each with the reminder that it is due for and was not given."""
    stages = [
        (stage.clock, stage.kind.value, stage.lead_hours, stage.due_after, stage.due_until)
        for stage in rules.stages(protocol.adverse_events.clocks, now)
    ]
    stage = values(
        column("clock", String),
        column("kind", String),
        column("lead_hours", Integer),
        column("due_after", DateTime(timezone=True)),
        column("due_until", DateTime(timezone=True)),
        name="stage",
    ).data(stages)
    row: Any = SafetyDeadline
    newer = aliased(SafetyDeadline)
    superseded = select(newer.id).where(newer.id == row.id, newer.version == row.version + 1)
    given = select(SafetyReminder.id).where(
        SafetyReminder.deadline_id == row.id,
        SafetyReminder.due_at == row.due_at,
        SafetyReminder.kind == stage.c.kind,
        SafetyReminder.lead_hours == stage.c.lead_hours,
    )
    now_due = and_(
        row.clock == stage.c.clock,
        row.due_at > stage.c.due_after,
        row.due_at <= stage.c.due_until,
    )
    wanted: Any = select(SafetyDeadline, stage.c.kind, stage.c.lead_hours)
    wanted = wanted.join(stage, now_due).where(
        row.met_by.is_(None),
        row.lapsed_at.is_(None),
        row.site.in_(worker.sites),
        ~superseded.exists(),
        ~given.exists(),
    )
    ordered: Select[Any] = wanted.order_by(row.due_at, row.id)
    return ordered


def _give(
    session: Session,
    worker: Worker,
    clock: Clock,
    row: SafetyDeadline,
    kind: Reminder,
    lead_hours: int,
) -> None:
    session.add(
        SafetyReminder(
            site=row.site,
            subject_id=row.subject_id,
            recorded_by=worker.id,
            deadline_id=row.id,
            deadline_version=row.version,
            kind=kind.value,
            lead_hours=lead_hours,
            due_at=row.due_at,
            reminded_at=clock.now(),
        )
    )
    announce(
        session,
        TOLD[kind],
        row.id,
        site=row.site,
        subject_id=row.subject_id,
        once=f"{TOLD[kind]} {row.id} {lead_hours} {row.due_at.isoformat()}",
    )


# --- reading ---------------------------------------------------------------------------


def get_deadline(session: Session, caller: Principal, deadline_id: UUID) -> SafetyDeadline:
    """The current version of one deadline at the caller's sites.

    Raises:
        NotFound: there is none.
    """
    row: SafetyDeadline | None = latest(session, SafetyDeadline, id=deadline_id)
    if row is None or row.site not in caller.sites:
        raise NotFound
    remember_read(session, row.site, row.subject_id)
    return row


def deadline_versions(
    session: Session, caller: Principal, deadline_id: UUID
) -> Sequence[SafetyDeadline]:
    """Every version of one deadline, oldest first.

    Raises:
        NotFound: no such deadline at the caller's sites.
    """
    get_deadline(session, caller, deadline_id)
    query = select(SafetyDeadline).where(SafetyDeadline.id == deadline_id)
    return session.exec(query.order_by(col(SafetyDeadline.version))).all()


def list_deadlines(
    session: Session, caller: Principal, clock: Clock, asked: DeadlineQuery
) -> tuple[Sequence[SafetyDeadline], str | None]:
    """Deadlines at the caller's sites in their current versions, in the order of their opening."""
    query = current(SafetyDeadline).where(col(SafetyDeadline.site).in_(caller.sites))
    given = asked.model_dump(exclude={"state", "late", "limit", "cursor"}, exclude_none=True)
    for name, value in given.items():
        query = query.where(getattr(SafetyDeadline, name) == value)
    if asked.state:
        query = query.where(or_(*(_stands(state, clock.now()) for state in set(asked.state))))
    if asked.late is not None:  # `rules.late` in SQL
        ended = func.coalesce(SafetyDeadline.met_at, SafetyDeadline.lapsed_at, clock.now())
        query = query.where((ended > SafetyDeadline.due_at) == asked.late)
    remember_read(session)
    return page(session, query, SafetyDeadline.id, asked)


def _stands(state: DeadlineState, now: datetime) -> ColumnElement[bool]:
    """Whether a deadline stands so: `rules.state` in SQL."""
    row: Any = SafetyDeadline
    is_open = and_(row.met_by.is_(None), row.lapsed_at.is_(None))
    stands: dict[DeadlineState, ColumnElement[bool]] = {
        DeadlineState.MET: row.met_by.is_not(None),
        DeadlineState.LAPSED: row.lapsed_at.is_not(None),
        DeadlineState.DUE: and_(is_open, row.due_at >= now),
        DeadlineState.OVERDUE: and_(is_open, row.due_at < now),
    }
    return stands[state]

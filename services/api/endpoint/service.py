"""The endpoint, derived from what other resources recorded; only its changes are told."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy import select as columns_of
from sqlmodel import Session, SQLModel, col, select

from services.api.core import events
from services.api.core.auth import Caller, Worker
from services.api.core.clock import Clock
from services.api.core.events import EventType, FeedEvent
from services.api.endpoint import rules
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.gradings import service as gradings
from services.api.gradings.rules import Adjudicated, Assessment, Graded, assessments
from services.api.protocol.schema import Protocol
from services.api.visits import service as visits
from services.api.visits.rules import Radiotherapy

_SUBJECT = SQLModel.metadata.tables["subject"]


@dataclass(frozen=True, slots=True)
class Derived:
    """A subject and their outcome as of today."""

    subject_id: UUID
    site: str
    left_on: date | None
    outcome: rules.Outcome


def endpoint(
    session: Session, caller: Caller, clock: Clock, protocol: Protocol, subject_id: UUID
) -> Derived:
    """One subject's outcome.

    Raises:
        NotFound: no such subject at the caller's sites.
    """
    subject = enrolment.get_subject(session, caller, subject_id)
    course = visits.course(session, subject)
    found = gradings.assessments(session, subject)
    outcome = _outcome(protocol, clock.today(), course, found, subject.left_on)
    return Derived(subject.id, subject.site, subject.left_on, outcome)


def announce(
    session: Session, worker: Worker, clock: Clock, protocol: Protocol, subject_id: UUID
) -> None:
    """Tell that a subject reached the primary endpoint, or that a correction took it back.

    Each change is told once: what was told last is compared with what is
    derived now, under the subject's lock. A window that closes without an
    event tells nothing.

    Raises:
        NotFound: no such subject at the worker's sites.
    """
    subject = enrolment.get_subject(session, worker, subject_id, lock=True)
    derived = endpoint(session, worker, clock, protocol, subject_id)
    reached = derived.outcome.primary.status is rules.OutcomeStatus.EVENT
    if reached is (_told_last(session, subject) == EventType.ENDPOINT_REACHED):
        return
    kind = EventType.ENDPOINT_REACHED if reached else EventType.ENDPOINT_REVISED
    events.announce(session, kind, subject.id, site=subject.site, subject_id=subject.id)


def _told_last(session: Session, subject: Subject) -> str | None:
    kinds = (EventType.ENDPOINT_REACHED, EventType.ENDPOINT_REVISED)
    query = select(FeedEvent.type).where(
        FeedEvent.site == subject.site,
        FeedEvent.subject_id == subject.id,
        col(FeedEvent.type).in_(kinds),
    )
    return session.exec(query.order_by(col(FeedEvent.seq).desc()).limit(1)).first()


def outcomes(
    session: Session, clock: Clock, protocol: Protocol, sites: Collection[str]
) -> Iterator[Derived]:
    """The outcome of every subject of the sites in the order of their enrolment.

    A few statements read everything at once. Deriving comes with the iteration
    and needs no session: of a large trial it takes longer than a transaction
    may be idle.
    """
    today = clock.today()
    courses = visits.all_courses(session, sites)
    found = gradings.all_assessments(session, sites)
    subjects = session.connection().execute(_subjects(sites)).all()
    return (
        Derived(
            row.id,
            row.site,
            row.left_on,
            _outcome(protocol, today, courses.get(row.id), found.get(row.id, ()), row.left_on),
        )
        for row in subjects
    )


def _subjects(sites: Collection[str]) -> Select[Any]:
    return (
        columns_of(_SUBJECT.c.id, _SUBJECT.c.site, _SUBJECT.c.left_on)
        .where(_SUBJECT.c.site.in_(sites))
        .order_by(_SUBJECT.c.id)
    )


def derive(
    protocol: Protocol,
    today: date,
    radiotherapy: Any,
    graded: Iterable[Graded],
    adjudicated: Iterable[Adjudicated],
    left_on: date | None,
) -> rules.Outcome:
    """The outcome that follows from rows as they are stored, each in its current version.

    `radiotherapy` is None as long as none is recorded.
    """
    course = None if radiotherapy is None else visits.course_of(radiotherapy)
    return _outcome(protocol, today, course, assessments(graded, adjudicated), left_on)


def _outcome(
    protocol: Protocol,
    today: date,
    course: Radiotherapy | None,
    found: Iterable[Assessment],
    left_on: date | None,
) -> rules.Outcome:
    if course is None:
        return rules.Outcome()
    return rules.endpoint(
        found,
        course,
        visits=protocol.visits,
        grading=protocol.grading,
        rule=protocol.endpoint,
        today=today,
        left_on=left_on,
    )

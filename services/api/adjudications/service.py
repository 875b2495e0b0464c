"""Adjudications: the only user of their table."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy import select as columns_of
from sqlmodel import Session, SQLModel, col

from services.api.adjudications.models import Adjudication
from services.api.adjudications.schemas import (
    AdjudicationPatch,
    AdjudicationQuery,
    AdjudicationStatus,
)
from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.core.errors import NotFound
from services.api.core.etag import check_version
from services.api.core.events import EventType, announce
from services.api.core.making import new_id
from services.api.core.pagination import page
from services.api.core.records import change, current, last_of_each, latest
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.protocol.schema import Protocol


def open_for(
    session: Session, caller: Principal, protocol: Protocol, subject: Subject, visit: str
) -> None:
    """Open the adjudication of a visit of a locked subject, unless it was opened before."""
    if latest(session, Adjudication, subject_id=subject.id, visit=visit) is not None:
        return
    row = Adjudication(
        id=new_id(),
        version=1,
        site=subject.site,
        subject_id=subject.id,
        visit=visit,
        protocol_version=protocol.version,
        recorded_by=caller.id,
    )
    change(session, caller, row)
    _tell(session, EventType.ADJUDICATION_OPENED, row)


def _tell(session: Session, kind: EventType, row: Adjudication) -> None:
    announce(session, kind, row.id, site=row.site, subject_id=row.subject_id)


def of_subject(session: Session, subject: Subject) -> Sequence[Adjudication]:
    """The current version of every adjudication of a subject."""
    query = current(Adjudication).where(Adjudication.subject_id == subject.id)
    rows: Sequence[Adjudication] = session.exec(query).all()
    return rows


_TABLE = SQLModel.metadata.tables["adjudication"]


def of_sites(session: Session, sites: Collection[str]) -> Sequence[Any]:
    """Subject, visit and grade of every adjudication at the sites, in its current version."""
    shown = columns_of(_TABLE.c.subject_id, _TABLE.c.id, _TABLE.c.visit, _TABLE.c.grade)
    query = last_of_each(shown.where(_TABLE.c.site.in_(sites)), _TABLE.c, "id")
    return session.connection().execute(query).all()


def open_count(session: Session, sites: Collection[str], subject_id: UUID | None = None) -> int:
    """How many adjudications at those sites, or of one subject there, are not decided."""
    query = current(Adjudication).where(
        col(Adjudication.site).in_(sites), col(Adjudication.grade).is_(None)
    )
    if subject_id is not None:
        query = query.where(Adjudication.subject_id == subject_id)
    counted = columns_of(func.count()).select_from(query.subquery())
    return int(session.connection().execute(counted).scalar_one())


def list_adjudications(
    session: Session, caller: Principal, asked: AdjudicationQuery
) -> tuple[Sequence[Adjudication], str | None]:
    """Adjudications at the caller's sites in the order in which they were opened."""
    query = current(Adjudication).where(col(Adjudication.site).in_(caller.sites))
    if asked.site is not None:
        query = query.where(Adjudication.site == asked.site)
    if asked.subject_id is not None:
        query = query.where(Adjudication.subject_id == asked.subject_id)
    if asked.status is not None:
        open_ = asked.status is AdjudicationStatus.OPEN
        grade = col(Adjudication.grade)
        query = query.where(grade.is_(None) if open_ else grade.is_not(None))
    rows, cursor = page(session, query, Adjudication.id, asked)
    remember_read(session)
    return rows, cursor


def get_adjudication(session: Session, caller: Principal, adjudication_id: UUID) -> Adjudication:
    """The current version of one adjudication at the caller's sites.

    Raises:
        NotFound: there is none.
    """
    row: Adjudication | None = latest(session, Adjudication, id=adjudication_id)
    if row is None or row.site not in caller.sites:
        raise NotFound
    remember_read(session, row.site, row.subject_id)
    return row


def decide(
    session: Session,
    caller: Principal,
    protocol: Protocol,
    adjudication_id: UUID,
    expected: int,
    given: AdjudicationPatch,
) -> Adjudication:
    """Record the grade that counts for the visit, or correct the one decided before.

    Every grading stays as it is. What was observed before the subject left can
    be decided after it.

    Raises:
        NotFound, StaleVersion.
        AdjudicatorGraded: the caller made one of the visit's gradings; PostgreSQL refuses it.
    """
    found = get_adjudication(session, caller, adjudication_id)
    enrolment.get_subject(session, caller, found.subject_id, lock=True)
    before = get_adjudication(session, caller, adjudication_id)
    check_version(expected, before.version)
    row = Adjudication(
        id=before.id,
        version=before.version + 1,
        site=before.site,
        subject_id=before.subject_id,
        visit=before.visit,
        grade=given.grade,
        reason=given.reason,
        protocol_version=protocol.version,
        recorded_by=caller.id,
    )
    change(session, caller, row)
    _tell(session, EventType.ADJUDICATION_DECIDED, row)
    return row

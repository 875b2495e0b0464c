"""Data queries: the only user of their tables.

What a query is about is looked up by the name of its table, so that resources
above this one can be asked about, and can raise queries of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, and_, false, func
from sqlalchemy import cast as cast_to
from sqlalchemy import select as columns_of
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col, select

from services.api.core.audit import remember_read
from services.api.core.auth import Caller, Principal
from services.api.core.clock import Clock
from services.api.core.errors import Invalid, NotFound
from services.api.core.etag import check_version
from services.api.core.events import EventType, announce
from services.api.core.pagination import page
from services.api.core.permissions import Role
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.language.wording import Wording
from services.api.protocol.schema import Protocol
from services.api.queries import rules
from services.api.queries.errors import NotTheOpener, QueryMoveNotAllowed, SiteAnswers
from services.api.queries.models import DataQuery, QueryStep
from services.api.queries.rules import (
    RECORDS,
    SETTLED,
    STATUS,
    QueryAction,
    QueryOrigin,
    RecordKind,
)
from services.api.queries.schemas import QueryCreate, QueryFilter, QueryPatch

_LATER = aliased(QueryStep)
_IS_LAST = and_(
    col(QueryStep.id) == col(DataQuery.id),
    ~select(_LATER.id)
    .where(_LATER.id == QueryStep.id, _LATER.version == QueryStep.version + 1)
    .exists(),
)
"""Joins a query with its last step."""


@dataclass(frozen=True)
class Conversation:
    """A query and every step of it, oldest first."""

    query: DataQuery
    steps: Sequence[QueryStep]

    @property
    def last(self) -> QueryStep:
        """The step that tells where the query stands."""
        return self.steps[-1]


# --- raising ---------------------------------------------------------------------------


def raise_query(
    session: Session, caller: Principal, clock: Clock, protocol: Protocol, given: QueryCreate
) -> Conversation:
    """Ask a question about something recorded.

    Raises:
        Invalid: no such subject at the caller's sites, no such record of that
            subject, or no such field of that record.
    """
    try:
        subject = enrolment.get_subject(session, caller, given.subject_id, lock=True)
    except NotFound:
        raise Invalid.at("/subject_id", "unknown", "There is no such subject") from None
    record_id = _require_record(session, subject, given.record, given.record_id)
    if given.field is not None and given.field not in _fields(given.record, protocol):
        raise Invalid.at("/field", "unknown", "The record has no such field")
    query = DataQuery(
        site=subject.site,
        subject_id=subject.id,
        recorded_by=caller.id,
        record=given.record.value,
        record_id=record_id,
        field=given.field,
        origin=QueryOrigin.PERSON.value,
        raised_at=clock.now(),
    )
    return Conversation(query, [_raise(session, caller, query, given.text)])


def _require_record(
    session: Session, subject: Subject, kind: RecordKind, record_id: str | None
) -> str | None:
    """Refuse a query about what is not recorded of the subject; answers what the record is called.

    A UUID has many forms, and whoever looks for the query knows one of them.
    """
    kept = RECORDS[kind]
    if kept.key is not None and record_id is None:
        raise Invalid.at("/record_id", "missing", "Name the record")
    if kept.key is None and record_id is not None:
        raise Invalid.at("/record_id", "not_of_kind", "Leave it out: there is one only")
    table = SQLModel.metadata.tables[kept.table]
    own = table.c.id if kind is RecordKind.SUBJECT else table.c.subject_id
    key = table.c[kept.key] if kept.key is not None else own
    query = columns_of(key).where(own == subject.id, table.c.site == subject.site).limit(1)
    if kept.key is not None:
        query = query.where(_is(key, record_id))
    found = session.connection().execute(query).scalar()
    if found is None:
        pointer = "/record" if kept.key is None else "/record_id"
        raise Invalid.at(pointer, "unknown", "Nothing of the kind is recorded of this subject")
    return None if kept.key is None else str(found)


def _is(key: ColumnElement[Any], record_id: str | None) -> ColumnElement[bool]:
    """Whether the key is the one that a caller named; what is no UUID is never one."""
    if not isinstance(key.type, Uuid):
        return key == record_id
    try:
        return key == UUID(record_id)
    except ValueError:
        return false()


def _fields(kind: RecordKind, protocol: Protocol) -> set[str]:
    columns = SQLModel.metadata.tables[RECORDS[kind].table].columns.keys()
    return rules.fields_of(kind, columns, [fact.id for fact in protocol.eligibility.facts])


def _raise(
    session: Session, caller: Caller, query: DataQuery, text: str, *, system: bool = False
) -> QueryStep:
    session.add(query)
    session.flush()
    site, subject_id = query.site, query.subject_id
    announce(session, EventType.QUERY_OPENED, query.id, site=site, subject_id=subject_id)
    return _step(session, caller, query, 1, QueryAction.RAISE, text, system=system)


def _step(
    session: Session,
    caller: Caller,
    query: DataQuery,
    version: int,
    step: QueryAction,
    text: str,
    *,
    system: bool = False,
) -> QueryStep:
    """Store the next step: the caller's, or the service's own in the caller's request."""
    row = QueryStep(
        id=query.id,
        site=query.site,
        subject_id=query.subject_id,
        recorded_by=caller.id,
        version=version,
        step=step.value,
        text=text,
        role=None if system else caller.role.value,
        name=None if system else caller.name,
    )
    session.add(row)
    session.flush()
    return row


# --- what the service asks by itself -----------------------------------------------------


def raise_by_system(
    session: Session,
    caller: Caller,
    clock: Clock,
    subject: Subject,
    *,
    record: str,
    record_id: str,
    field: str,
    code: str,
    text: str,
) -> None:
    """Ask about what the service noticed in the caller's request; once while it is not settled.

    The caller holds the subject's lock, so that two requests do not ask the
    same. The text names no grade and no arm: more people read it than may know.
    """
    if _unsettled(session, subject, record, record_id, code) is not None:
        return
    query = DataQuery(
        site=subject.site,
        subject_id=subject.id,
        recorded_by=caller.id,
        record=RecordKind(record).value,
        record_id=record_id,
        field=field,
        origin=QueryOrigin.SYSTEM.value,
        code=code,
        raised_at=clock.now(),
    )
    _raise(session, caller, query, text, system=True)


def settle_by_system(
    session: Session,
    caller: Caller,
    subject: Subject,
    *,
    record: str,
    record_id: str,
    code: str,
    text: str,
) -> None:
    """Close what the service asked, if it is not settled: the data was corrected.

    The caller holds the subject's lock.
    """
    found = _unsettled(session, subject, record, record_id, code)
    if found is not None:
        query, last = found
        _step(session, caller, query, last.version + 1, QueryAction.CLOSE, text, system=True)


def _unsettled(
    session: Session, subject: Subject, record: str, record_id: str, code: str
) -> tuple[DataQuery, QueryStep] | None:
    query = (
        select(DataQuery, QueryStep)
        .join(QueryStep, _IS_LAST)
        .where(
            DataQuery.site == subject.site,
            DataQuery.subject_id == subject.id,
            DataQuery.record == record,
            DataQuery.record_id == record_id,
            DataQuery.code == code,
            QueryStep.step != SETTLED.value,
        )
        .limit(1)
    )
    return session.exec(query).first()


def open_count(session: Session, sites: Sequence[str], subject_id: UUID | None = None) -> int:
    """How many queries at those sites, or of one subject there, are not closed."""
    query = (
        select(func.count())
        .select_from(DataQuery)
        .join(QueryStep, _IS_LAST)
        .where(col(DataQuery.site).in_(sites), QueryStep.step != SETTLED.value)
    )
    if subject_id is not None:
        query = query.where(DataQuery.subject_id == subject_id)
    return session.exec(query).one()


# --- answering, reopening, closing -------------------------------------------------------


def take_step(
    session: Session, caller: Principal, query_id: UUID, expected: int, given: QueryPatch
) -> Conversation:
    """Answer a query, reopen it or close it.

    Raises:
        NotFound: no such query that the caller may see.
        SiteAnswers, NotTheOpener: the step is another's to take.
        StaleVersion: the query has had a step since.
        QueryMoveNotAllowed: the step does not follow from the query's status.
    """
    found = _visible(session, caller, query_id)
    enrolment.get_subject(session, caller, found.subject_id, lock=True)
    talk = _conversation(session, found)
    step, origin = QueryAction(given.action), QueryOrigin(found.origin)
    if step is QueryAction.ANSWER:
        if not rules.may_answer(caller.role):
            raise SiteAnswers
    elif not rules.may_decide(origin, caller.role, opener=found.recorded_by == caller.id):
        raise NotTheOpener
    check_version(expected, talk.last.version)
    status = STATUS[QueryAction(talk.last.step)]
    if not rules.may_step(origin, status, step, caller.role):
        raise QueryMoveNotAllowed(
            Wording("A query that is {status} has no such step.", status=status.value)
        )
    row = _step(session, caller, found, talk.last.version + 1, step, given.text)
    return Conversation(found, [*talk.steps, row])


# --- reading ---------------------------------------------------------------------------


def get_query(session: Session, caller: Principal, query_id: UUID) -> Conversation:
    """One query that the caller may see, with its conversation.

    Raises:
        NotFound: there is none.
    """
    query = _visible(session, caller, query_id)
    remember_read(session, query.site, query.subject_id)
    return _conversation(session, query)


def _visible(session: Session, caller: Principal, query_id: UUID) -> DataQuery:
    query = select(DataQuery).where(DataQuery.id == query_id, _seen_by(caller))
    found = session.exec(query).one_or_none()
    if found is None:
        raise NotFound
    return found


def _seen_by(caller: Principal) -> ColumnElement[bool]:
    """Queries at the caller's sites; an assessor's are those about their own gradings.

    A query about anything else may tell what an assessor must not know.
    """
    of_sites = col(DataQuery.site).in_(caller.sites)
    if caller.role is not Role.ASSESSOR:
        return of_sites
    grading = SQLModel.metadata.tables["grading"]
    own = columns_of(cast_to(grading.c.id, Text)).where(grading.c.assessor == caller.id)
    about_own = col(DataQuery.record_id).in_(own)
    return and_(of_sites, col(DataQuery.record) == RecordKind.GRADING.value, about_own)


def _conversation(session: Session, query: DataQuery) -> Conversation:
    return _conversations(session, [query])[0]


def _conversations(session: Session, queries: Sequence[DataQuery]) -> list[Conversation]:
    asked = select(QueryStep).where(col(QueryStep.id).in_([query.id for query in queries]))
    steps: dict[UUID, list[QueryStep]] = {query.id: [] for query in queries}
    for step in session.exec(asked.order_by(col(QueryStep.version))):
        steps[step.id].append(step)
    return [Conversation(query, steps[query.id]) for query in queries]


def list_queries(
    session: Session, caller: Principal, asked: QueryFilter
) -> tuple[Sequence[Conversation], str | None]:
    """Queries that the caller may see, in the order in which they were raised."""
    query = select(DataQuery).where(_seen_by(caller))
    if asked.status is not None:
        steps = [step.value for step, status in STATUS.items() if status is asked.status]
        query = query.join(QueryStep, _IS_LAST).where(col(QueryStep.step).in_(steps))
    same = {"site": asked.site, "subject_id": asked.subject_id}
    same |= {"record": asked.record, "origin": asked.origin}
    for name, value in same.items():
        if value is not None:
            query = query.where(getattr(DataQuery, name) == value)
    rows, cursor = page(session, query, DataQuery.id, asked)
    remember_read(session)
    return _conversations(session, rows), cursor

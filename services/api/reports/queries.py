"""What the reports read of other tables: plain rows, a few statements for each report."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, union_all
from sqlalchemy import select as columns_of
from sqlmodel import Session, SQLModel, select

from services.api.adjudications.models import Adjudication
from services.api.adverse_events.models import AdverseEvent, AdverseEventSignature
from services.api.certificates import service as certificates
from services.api.certificates.rules import certified
from services.api.core.clock import Clock
from services.api.core.records import last_of_each
from services.api.corrections.models import Correction
from services.api.discontinuations.models import Discontinuation
from services.api.discontinuations.rules import why_left
from services.api.eligibility.models import EligibilityEvaluation
from services.api.endpoint import service as endpoint
from services.api.enrolment.models import ConsentWithdrawal, Subject
from services.api.gradings.models import Grading, GradingSignature
from services.api.identity.models import Account
from services.api.locks.models import SubjectLock
from services.api.locks.rules import LockState
from services.api.protocol.schema import Protocol
from services.api.queries.models import DataQuery, QueryStep
from services.api.queries.rules import SETTLED
from services.api.randomization.models import Allocation
from services.api.reports.endpoints import Grades
from services.api.reports.participants import Participant
from services.api.reports.safety import Event
from services.api.verifications.models import Verification
from services.api.visits import service as schedule
from services.api.visits.rules import VisitStatus


def _table(model: type[SQLModel]) -> Any:
    return SQLModel.metadata.tables[str(model.__tablename__)]


_SUBJECT, _ALLOCATION, _CORRECTION = _table(Subject), _table(Allocation), _table(Correction)
_EVALUATION, _DISCONTINUATION = _table(EligibilityEvaluation), _table(Discontinuation)
_WITHDRAWAL = _table(ConsentWithdrawal)
_GRADING, _GRADED = _table(Grading), _table(GradingSignature)
_EVENT, _REVIEWED = _table(AdverseEvent), _table(AdverseEventSignature)
_STEP, _ACCOUNT = _table(QueryStep), _table(Account)
_VERIFICATION, _LOCK = _table(Verification), _table(SubjectLock)
_ADJUDICATION = _table(Adjudication)

_DISQUALIFYING = {("inclusion", "not_met"), ("exclusion", "met")}


def current(table: Any, *key: str) -> Select[Any]:
    """The last version of each record of a table; `key` are the columns that name a record."""
    return last_of_each(columns_of(table), table.c, *key)


def participants(
    session: Session,
    clock: Clock,
    protocol: Protocol,
    sites: Collection[str],
    *,
    by_arm: bool = False,
) -> Iterator[Participant]:
    """The sites' subjects in the order of their enrolment; their arms only if asked for.

    Everything is read at once. Outcomes are derived with the iteration, which belongs after the
    transaction: of a large trial it takes longer than one may be idle.
    """
    outcomes = endpoint.outcomes(session, clock, protocol, sites)
    allocations = _by_subject(session, columns_of(_ALLOCATION), sites, _ALLOCATION)
    evaluations = _by_subject(session, current(_EVALUATION, "subject_id"), sites, _EVALUATION)
    ended = _by_subject(session, current(_DISCONTINUATION, "subject_id"), sites, _DISCONTINUATION)
    withdrawn = _withdrawn(session, sites)
    later = columns_of(_CORRECTION.c.subject_id).where(_CORRECTION.c.retained.is_(False))
    not_retained = set(session.connection().execute(later).scalars())
    subjects = columns_of(_SUBJECT).where(_SUBJECT.c.site.in_(sites))
    rows = {row.id: row for row in session.connection().execute(subjects)}

    def each() -> Iterator[Participant]:
        for one in outcomes:
            row = rows[one.subject_id]
            allocation, stopped = allocations.get(row.id), ended.get(row.id)
            yield Participant(
                id=row.id,
                site=row.site,
                status=row.status,
                failed=_failed(evaluations.get(row.id)),
                randomized_on=allocation and clock.local_date(allocation.randomized_at),
                stratum=allocation and allocation.stratum,
                arm=allocation.arm if allocation and by_arm else None,
                retained=row.id not in not_retained,
                treatment_cause=stopped and stopped.treatment_cause,
                study_cause=why_left(
                    row.status,
                    row.left_on,
                    row.died_on,
                    recorded=stopped and stopped.study_cause,
                    withdrawn_on=withdrawn.get(row.id),
                ),
                left_on=row.left_on,
                outcome=one.outcome,
            )

    return each()


def newest_record(session: Session, sites: Collection[str]) -> datetime | None:
    """When the newest of the records that the reports count was made."""
    tables = (
        _SUBJECT,
        _WITHDRAWAL,
        _ALLOCATION,
        _GRADING,
        _EVENT,
        _DISCONTINUATION,
        _CORRECTION,
    )
    each = union_all(
        *(
            columns_of(func.max(table.c.recorded_at).label("at")).where(table.c.site.in_(sites))
            for table in tables
        )
    ).subquery()
    at: datetime | None = session.connection().execute(columns_of(func.max(each.c.at))).scalar()
    return at


def _by_subject(
    session: Session, query: Select[Any], sites: Collection[str], table: Any
) -> dict[UUID, Any]:
    rows = session.connection().execute(query.where(table.c.site.in_(sites)))
    return {row.subject_id: row for row in rows}


def _withdrawn(session: Session, sites: Collection[str]) -> dict[UUID, date]:
    """The first day on which each subject who did so withdrew consent."""
    first = func.min(_WITHDRAWAL.c.withdrawn_on).label("on")
    query = columns_of(_WITHDRAWAL.c.subject_id, first).where(_WITHDRAWAL.c.site.in_(sites))
    rows = session.connection().execute(query.group_by(_WITHDRAWAL.c.subject_id))
    return {row.subject_id: row.on for row in rows}


def _failed(evaluation: Any) -> tuple[str, ...]:
    """The criteria that a subject does not pass; none before there is an evaluation."""
    if evaluation is None:
        return ()
    return tuple(
        one["id"] for one in evaluation.criteria if (one["kind"], one["verdict"]) in _DISQUALIFYING
    )


# --- by arm -------------------------------------------------------------------------------


def derived_grades(session: Session, sites: Collection[str]) -> Sequence[Row[Any]]:
    """Subject, day and derived grades of every grading in its current version."""
    columns = ("subject_id", "assessed_on", "derived_who", "derived_rtog")
    made = columns_of(*(_GRADING.c[name] for name in columns)).where(_GRADING.c.site.in_(sites))
    return session.connection().execute(last_of_each(made, _GRADING.c, "id")).all()


def worst_grades(
    derived: Iterable[Row[Any]], participants: Iterable[Participant]
) -> dict[UUID, Grades]:
    """The worst derived grade on each scale in every subject's time of observation."""
    windows = {one.id: one.outcome.window for one in participants}
    worst: dict[UUID, dict[str, int]] = {}
    for row in derived:
        window = windows.get(row.subject_id)
        if window is None or not window.holds(row.assessed_on):
            continue
        own = worst.setdefault(row.subject_id, {})
        for scale, grade in (("who", row.derived_who), ("rtog", row.derived_rtog)):
            if grade is not None:
                own[scale] = max(grade, own.get(scale, grade))
    return {subject: Grades(by_scale) for subject, by_scale in worst.items()}


def events(session: Session, sites: Collection[str], related: Collection[str]) -> list[Event]:
    """Every adverse event that stands, in its current version; `related` causalities count."""
    rows = session.connection().execute(current(_EVENT, "id").where(_EVENT.c.site.in_(sites)))
    return [
        Event(
            subject_id=row.subject_id,
            term=row.term,
            grade=row.grade,
            onset_on=row.onset_on,
            serious=row.serious,
            # If sponsor and investigator disagree, the more cautious judgment counts.
            drug_related=row.causality_study_drug in related or row.sponsor_causality in related,
            radiotherapy_related=row.causality_radiotherapy in related,
        )
        for row in rows
        if not row.nullified
    ]


def names(session: Session, assessors: Collection[UUID]) -> dict[UUID, str]:
    """What the assessors are called."""
    query = columns_of(_ACCOUNT.c.id, _ACCOUNT.c.name).where(_ACCOUNT.c.id.in_(assessors))
    return {row.id: row.name for row in session.connection().execute(query)}


# --- completeness ---------------------------------------------------------------------------


def subjects(session: Session, sites: Collection[str]) -> Iterator[tuple[str, str]]:
    """Of every subject the site."""
    rows = session.connection().execute(
        columns_of(_SUBJECT.c.site).where(_SUBJECT.c.site.in_(sites))
    )
    for row in rows:
        yield row.site, "subjects"


def visits(
    session: Session, clock: Clock, protocol: Protocol, sites: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Of every visit its site and how it stands, but for those that are still to come."""
    for one in schedule.all_visits(session, clock, protocol, sites):
        if one.visit.status is not VisitStatus.PLANNED:
            yield one.site, f"visits_{one.visit.status.value}"


def adjudications(session: Session, sites: Collection[str]) -> Iterator[tuple[str, str]]:
    """Of every adjudication that is not decided its site."""
    rows = session.connection().execute(
        current(_ADJUDICATION, "id").where(_ADJUDICATION.c.site.in_(sites))
    )
    for row in rows:
        if row.grade is None:
            yield row.site, "adjudications_open"


def gradings(session: Session, sites: Collection[str]) -> Iterator[tuple[str, str]]:
    """Of every grading its site, and each figure that it counts for."""
    table = current(_GRADING, "id").where(_GRADING.c.site.in_(sites)).subquery()
    query = (
        columns_of(table, _GRADED.c.id.label("signature"), _VERIFICATION.c.id.label("verified"))
        .outerjoin(_GRADED, _same(_GRADED, "grading_id", table))
        .outerjoin(_VERIFICATION, _same(_VERIFICATION, "grading_id", table))
    )
    rows = session.connection().execute(query).all()
    valid = certificates.validities(session, {row.assessor for row in rows})
    twice: dict[tuple[UUID, str], int] = {}
    for row in rows:
        yield row.site, "gradings"
        if row.signature is not None:
            yield row.site, "gradings_signed"
        if row.verified is not None:
            yield row.site, "gradings_verified"
        if not certified(valid, row.assessor, row.assessed_on):
            yield row.site, "gradings_uncertified"
        visit = row.subject_id, row.visit
        twice[visit] = twice.get(visit, 0) + 1
        if twice[visit] == 2:
            yield row.site, "visits_graded_twice"


def adverse_events(session: Session, sites: Collection[str]) -> Iterator[tuple[str, str]]:
    """Of every adverse event that stands its site, and each figure that it counts for."""
    table = current(_EVENT, "id").where(_EVENT.c.site.in_(sites)).subquery()
    query = (
        columns_of(table.c.site, _REVIEWED.c.id.label("signature"))
        .outerjoin(_REVIEWED, _same(_REVIEWED, "adverse_event_id", table))
        .where(table.c.nullified.is_(None))
    )
    for row in session.connection().execute(query):
        yield row.site, "adverse_events"
        if row.signature is None:
            yield row.site, "adverse_events_unsigned"


def locked(session: Session, sites: Collection[str]) -> Iterator[tuple[str, str]]:
    """Of every frozen or locked subject the site, and which of both."""
    figures = {LockState.FROZEN: "subjects_frozen", LockState.LOCKED: "subjects_locked"}
    rows = session.connection().execute(current(_LOCK, "subject_id").where(_LOCK.c.site.in_(sites)))
    for row in rows:
        if row.state in figures:
            yield row.site, figures[LockState(row.state)]


def query_ages(session: Session, clock: Clock, sites: Collection[str]) -> dict[str, list[int]]:
    """By site, how many days ago each query that is not closed was raised."""
    last = current(_STEP, "id").where(_STEP.c.site.in_(sites)).subquery()
    query = select(DataQuery).join(last, last.c.id == DataQuery.id)
    ages: dict[str, list[int]] = {}
    for row in session.exec(query.where(last.c.step != SETTLED.value)):
        ages.setdefault(row.site, []).append((clock.today() - clock.local_date(row.raised)).days)
    return ages


def _same(signature: Any, key: str, record: Any) -> ColumnElement[bool]:
    """Whether a signature or verification is of the record's current version."""
    return and_(signature.c[key] == record.c.id, signature.c.version == record.c.version)

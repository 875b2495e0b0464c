"""Reading adverse events: which there are, and what follows from them and their neighbours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, func, not_, or_
from sqlmodel import Session, col, select

from services.api.adverse_events import cases
from services.api.adverse_events.cases import Occurrence
from services.api.adverse_events.models import AdverseEvent
from services.api.adverse_events.rules import EXPECTED
from services.api.adverse_events.schemas import AdverseEventQuery
from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.core.errors import NotFound
from services.api.core.pagination import PageQuery, page
from services.api.core.records import current, latest
from services.api.deadlines.cases import Statement
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.protocol.safety import AdverseEvents
from services.api.radiotherapy import service as radiotherapy


def get_event(session: Session, caller: Principal, event_id: UUID) -> AdverseEvent:
    """The current version of one adverse event at the caller's sites.

    Raises:
        NotFound: there is none.
    """
    row: AdverseEvent | None = latest(session, AdverseEvent, id=event_id)
    if row is None or row.site not in caller.sites:
        raise NotFound
    remember_read(session, row.site, row.subject_id)
    return row


def event_versions(session: Session, caller: Principal, event_id: UUID) -> Sequence[AdverseEvent]:
    """Every version of one adverse event, oldest first.

    Raises:
        NotFound: no such event at the caller's sites.
    """
    get_event(session, caller, event_id)
    query = select(AdverseEvent).where(AdverseEvent.id == event_id)
    return session.exec(query.order_by(col(AdverseEvent.version))).all()


def case_versions(session: Session, case_id: UUID) -> Sequence[AdverseEvent]:
    """Every version of every occurrence of a case, in the order of their recording.

    The times of old rows may contradict the order of an occurrence's versions, which counts.
    """
    record = AdverseEvent
    recorded = func.max(record.recorded_at).over(
        partition_by=col(record.id), order_by=col(record.version)
    )
    query = select(record).where(_of_case(case_id))
    return session.exec(query.order_by(recorded, col(record.id), col(record.version))).all()


def last_recorded(session: Session, case_id: UUID) -> datetime | None:
    """When a version of the case was recorded last; None of a new case."""
    return session.exec(select(func.max(AdverseEvent.recorded_at)).where(_of_case(case_id))).one()


def case_now(session: Session, case_id: UUID) -> Sequence[AdverseEvent]:
    """Every occurrence of a case in its current version, in the order of their reporting."""
    found: Sequence[AdverseEvent] = session.exec(
        current(AdverseEvent).where(_of_case(case_id)).order_by(col(AdverseEvent.id))
    ).all()
    return found


def standing_of(session: Session, subject: Subject) -> Sequence[AdverseEvent]:
    """The subject's adverse events that are not nullified, in their current versions."""
    found: Sequence[AdverseEvent] = session.exec(
        current(AdverseEvent)
        .where(AdverseEvent.subject_id == subject.id, col(AdverseEvent.nullified).is_(None))
        .order_by(col(AdverseEvent.id))
    ).all()
    return found


def _of_case(case_id: UUID) -> ColumnElement[bool]:
    first = and_(col(AdverseEvent.id) == case_id, col(AdverseEvent.first_id).is_(None))
    return or_(first, col(AdverseEvent.first_id) == case_id)


def list_of_subject(
    session: Session, caller: Principal, subject_id: UUID, asked: PageQuery
) -> tuple[Sequence[AdverseEvent], str | None]:
    """The subject's adverse events in their current versions.

    Raises:
        NotFound: no such subject at the caller's sites.
    """
    subject = enrolment.get_subject(session, caller, subject_id)
    query = current(AdverseEvent).where(AdverseEvent.subject_id == subject.id)
    return page(session, query, AdverseEvent.id, asked)


def list_events(
    session: Session, caller: Principal, section: AdverseEvents, asked: AdverseEventQuery
) -> tuple[Sequence[AdverseEvent], str | None]:
    """Adverse events at the caller's sites in their current versions."""
    query = current(AdverseEvent).where(col(AdverseEvent.site).in_(caller.sites))
    query = query.where(*_filters(section, asked))
    remember_read(session)
    return page(session, query, AdverseEvent.id, asked)


def _filters(section: AdverseEvents, asked: AdverseEventQuery) -> Iterator[ColumnElement[bool]]:
    for name in ("site", "serious", "grade", "term"):
        if (value := getattr(asked, name)) is not None:
            yield col(getattr(AdverseEvent, name)) == value
    if asked.case_id is not None:
        yield _of_case(asked.case_id)
    if asked.nullified is not None:
        stands = col(AdverseEvent.nullified).is_(None)
        yield not_(stands) if asked.nullified else stands
    if asked.suspected is not None:
        by_sponsor = col(AdverseEvent.sponsor_causality).in_(section.related)
        related = or_(
            col(AdverseEvent.causality_study_drug).in_(section.related),
            func.coalesce(by_sponsor, false()),
        )
        yield related if asked.suspected else not_(related)


# --- what follows -------------------------------------------------------------------------


@dataclass(frozen=True)
class Derived:
    """What is shown of a version and not stored with it."""

    continued_by: UUID | None
    grade_until: date | None
    suspected: bool
    susar: bool
    after_collection: bool


def derived(
    session: Session, section: AdverseEvents, rows: Sequence[AdverseEvent]
) -> list[Derived]:
    """What follows from each of the versions, in so many statements however many they are."""
    subjects = {row.subject_id for row in rows}
    following = {
        one.continues: one
        for one in session.exec(
            current(AdverseEvent).where(
                col(AdverseEvent.continues).in_({row.id for row in rows}),
                col(AdverseEvent.nullified).is_(None),
            )
        )
    }
    deaths = enrolment.deaths(session, subjects)
    period = timedelta(days=section.collected_until_days_after_rt_end)
    collected_until = {
        rt.subject_id: rt.last_fraction_on + period
        for rt in radiotherapy.current_of(session, subjects)
        if rt.last_fraction_on is not None
    }

    def each() -> Iterator[Derived]:
        for row in rows:
            one, after = occurrence(row, section), following.get(row.id)
            yield Derived(
                continued_by=after.id if after else None,
                grade_until=cases.lasts_until(
                    row.resolved_on,
                    after.onset_on if after else None,
                    deaths.get(row.subject_id),
                ),
                suspected=one.suspected,
                susar=one.susar,
                after_collection=row.onset_on > collected_until.get(row.subject_id, date.max),
            )

    return list(each())


def occurrence(row: AdverseEvent, section: AdverseEvents) -> Occurrence:
    """A version as the rules of cases see it."""
    return Occurrence(
        id=row.id,
        continues=row.continues,
        term=row.term,
        grade=row.grade,
        onset_on=row.onset_on,
        resolved_on=row.resolved_on,
        serious=row.serious,
        seriousness=tuple(row.seriousness),
        suspected=cases.suspected(row.causality_study_drug, row.sponsor_causality, section.related),
        expected=section.expects(_expected(row)),
        nullified=bool(row.nullified),
    )


def _expected(row: AdverseEvent) -> bool | None:
    """The sponsor's judgment; None while there is none."""
    return None if row.expectedness is None else row.expectedness == EXPECTED


def statement(row: AdverseEvent, section: AdverseEvents) -> Statement:
    """A version as deadlines see it."""
    one = occurrence(row, section)
    return Statement(
        event_id=row.id,
        version=row.version,
        informed_at=row.informed,
        aware_at=row.aware_at,
        received_at=row.received,
        serious=one.serious,
        fatal_or_life_threatening=one.fatal_or_life_threatening,
        suspected=one.suspected,
        expected=_expected(row),
        nullified=one.nullified,
    )

"""Protocol deviations: the only user of their table."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel import Session, col, select

from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.pagination import PageQuery, page
from services.api.deviations.models import Deviation
from services.api.deviations.schemas import (
    DeviationCode,
    DeviationCreate,
    DeviationQuery,
    DeviationSource,
)
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject


def list_deviations(
    session: Session, caller: Principal, subject_id: UUID, asked: PageQuery
) -> tuple[Sequence[Deviation], str | None]:
    """The subject's protocol deviations, oldest first.

    Raises:
        NotFound: no such subject at the caller's sites.
    """
    subject = enrolment.get_subject(session, caller, subject_id)
    query = select(Deviation).where(Deviation.subject_id == subject.id)
    return page(session, query, Deviation.id, asked)


def list_all(
    session: Session, caller: Principal, asked: DeviationQuery
) -> tuple[Sequence[Deviation], str | None]:
    """The protocol deviations at the caller's sites, oldest first."""
    query = select(Deviation).where(col(Deviation.site).in_(caller.sites))
    filters = {"site": asked.site, "code": asked.code, "source": asked.source}
    query = query.filter_by(**{name: value for name, value in filters.items() if value is not None})
    rows, cursor = page(session, query, Deviation.id, asked)
    remember_read(session)
    return rows, cursor


def report(
    session: Session, caller: Principal, clock: Clock, subject_id: UUID, given: DeviationCreate
) -> Deviation:
    """Record a deviation that a person noticed.

    Raises:
        NotFound: no such subject at the caller's sites.
        Invalid: it occurred in the future.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    enrolment.not_after(clock.today(), given.occurred_on, "/occurred_on")
    deviation = Deviation(
        site=subject.site,
        subject_id=subject.id,
        recorded_by=caller.id,
        source=DeviationSource.PERSON.value,
        **given.model_dump(),
    )
    session.add(deviation)
    session.flush()
    return deviation


def note(
    session: Session,
    caller: Principal,
    subject: Subject,
    code: DeviationCode,
    description: str,
    on: date,
) -> None:
    """Record a deviation that the service noticed in the caller's request."""
    session.add(
        Deviation(
            site=subject.site,
            subject_id=subject.id,
            recorded_by=caller.id,
            code=code.value,
            description=description,
            occurred_on=on,
            source=DeviationSource.SYSTEM.value,
        )
    )

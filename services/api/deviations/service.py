"""Protocol deviations: the only user of their table."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel import Session, select

from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.pagination import PageQuery, page
from services.api.deviations.models import Deviation
from services.api.deviations.schemas import DeviationCode, DeviationCreate
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


def report(
    session: Session, caller: Principal, clock: Clock, subject_id: UUID, given: DeviationCreate
) -> Deviation:
    """Record a deviation that a person noticed.

    Raises:
        NotFound: no such subject at the caller's sites.
        Invalid: it occurred in the future.
    """
    subject = enrolment.get_subject(session, caller, subject_id)
    enrolment.not_after(clock.today(), given.occurred_on, "/occurred_on")
    deviation = Deviation(
        site=subject.site,
        subject_id=subject.id,
        recorded_by=caller.id,
        source="person",
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
            source="system",
        )
    )

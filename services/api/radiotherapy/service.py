"""Radiotherapy as planned and delivered: the only user of its table."""

from datetime import date
from uuid import UUID

from sqlmodel import Session

from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import Invalid
from services.api.core.etag import check_version
from services.api.core.records import change, latest
from services.api.deviations import service as deviations
from services.api.deviations.schemas import DeviationCode
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.enrolment.rules import ALLOCATED, SubjectStatus
from services.api.protocol.schema import Protocol
from services.api.radiotherapy.models import Radiotherapy
from services.api.radiotherapy.schemas import RadiotherapyPut


def current(session: Session, subject: Subject) -> Radiotherapy | None:
    """The current version of the subject's radiotherapy."""
    row: Radiotherapy | None = latest(session, Radiotherapy, subject_id=subject.id)
    return row


def record(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject_id: UUID,
    expected: int,
    given: RadiotherapyPut,
) -> Radiotherapy:
    """Record plan and delivery as known now; the first and last fraction move the status.

    Raises:
        NotFound, SubjectClosed, StaleVersion.
        Invalid: fractions in the future or out of order, or a change without reason.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    enrolment.require_open(subject)
    before = current(session, subject)
    check_version(expected, before.version if before else 0)
    _check_delivery(given, clock.today())
    row = Radiotherapy(
        site=subject.site,
        subject_id=subject.id,
        version=expected + 1,
        protocol_version=protocol.version,
        recorded_by=caller.id,
        **given.model_dump(),
    )
    change(session, caller, row)
    _follow_delivery(session, caller, clock, subject, before, row)
    return row


def _check_delivery(given: RadiotherapyPut, today: date) -> None:
    enrolment.not_after(today, given.first_fraction_on, "/first_fraction_on")
    enrolment.not_after(today, given.last_fraction_on, "/last_fraction_on")
    if given.last_fraction_on is None:
        return
    if given.first_fraction_on is None or given.last_fraction_on < given.first_fraction_on:
        raise Invalid.at("/last_fraction_on", "order", "Not before first_fraction_on")


def _follow_delivery(
    session: Session,
    caller: Principal,
    clock: Clock,
    subject: Subject,
    before: Radiotherapy | None,
    now: Radiotherapy,
) -> None:
    """What a change of radiotherapy means for the subject."""
    if now.first_fraction_on and subject.status == SubjectStatus.RANDOMIZED:
        enrolment.move(session, subject, SubjectStatus.ON_TREATMENT)
    if now.last_fraction_on and subject.status == SubjectStatus.ON_TREATMENT:
        enrolment.move(session, subject, SubjectStatus.IN_FOLLOW_UP)
    corrected = before and before.concurrent_chemotherapy != now.concurrent_chemotherapy
    if corrected and subject.status in ALLOCATED:
        deviations.note(
            session,
            caller,
            subject,
            DeviationCode.STRATUM_CHANGED,
            "A stratification factor was corrected after randomization; the allocation stands.",
            clock.today(),
        )

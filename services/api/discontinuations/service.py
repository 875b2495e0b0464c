"""The end of treatment and of taking part, kept apart: the only user of its table."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import Session

from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import Invalid
from services.api.core.etag import check_version
from services.api.core.records import change, latest
from services.api.discontinuations import rules
from services.api.discontinuations.errors import (
    CauseContradictsStatus,
    LeftForGood,
    NoStudyDrug,
    NothingDiscontinued,
    NoTreatment,
)
from services.api.discontinuations.models import Discontinuation
from services.api.discontinuations.rules import StudyCause
from services.api.discontinuations.schemas import (
    DiscontinuationPut,
    StudyEndWrite,
    TreatmentEndWrite,
)
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.enrolment.rules import SubjectStatus
from services.api.protocol.schema import Protocol
from services.api.randomization import service as randomization
from services.api.randomization.errors import NotRandomized


def current(session: Session, subject: Subject) -> Discontinuation | None:
    """The current version of the subject's discontinuation."""
    row: Discontinuation | None = latest(session, Discontinuation, subject_id=subject.id)
    return row


def treated_from(
    session: Session, caller: Principal, clock: Clock, protocol: Protocol, subject: Subject
) -> date:
    """The local day on which a subject who receives the study drug was randomized.

    Raises:
        NoTreatment: they were not randomized.
        NoStudyDrug: their arm receives none.
    """
    try:
        allocation = randomization.read_allocation(session, caller, subject.id)
    except NotRandomized:
        raise NoTreatment from None
    receiving = {arm.code for arm in protocol.arms if arm.receives_study_drug}
    if allocation["arm"] not in receiving:
        raise NoStudyDrug
    return clock.local_date(allocation["randomized_at"])


def treatment_ended_on(session: Session, subject: Subject) -> date | None:
    """The last day on which the subject may have taken study drug, if treatment has ended."""
    row = current(session, subject)
    return rules.treatment_ended_on(row.treatment_on if row else None, subject.left_on)


def record(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject_id: UUID,
    expected: int,
    given: DiscontinuationPut,
) -> tuple[Discontinuation, Subject]:
    """Record what was discontinued; leaving the study moves the subject, who is answered with it.

    Treatment that was ended by mistake may be taken back with a reason; the
    study may not. The day on which the subject left is that of `study`, also
    where a status set by hand had another; a correction keeps the status.

    Raises:
        NotFound, StaleVersion, MoveNotAllowed.
        SubjectClosed: the subject failed screening.
        NoConsent: the subject never signed one, so there is nothing to leave.
        NoTreatment, NoStudyDrug: the subject has no treatment to end.
        NothingDiscontinued: there is nothing to record.
        LeftForGood: the subject left the study, and the request takes it back.
        CauseContradictsStatus: a corrected cause that leads to another status.
        Invalid: a day in the future, before randomization or consent, the end of treatment after
            that of the study, leaving the study after consent was withdrawn or after having left
            it otherwise, or a change without reason.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    enrolment.require_not_failed(subject)
    before = current(session, subject)
    check_version(expected, before.version if before else 0)
    treatment, study = given.treatment, given.study
    if before is None and treatment is None and study is None:
        raise NothingDiscontinued
    if before is not None and before.study_on is not None and study is None:
        raise LeftForGood
    corrected = StudyCause(before.study_cause) if before and before.study_cause else None
    if study is not None:
        _check_study(session, clock, subject, corrected, study)
    if treatment is not None:
        randomized_on = treated_from(session, caller, clock, protocol, subject)
        _check_treatment(clock, randomized_on, study.on if study else subject.left_on, treatment)
    row = Discontinuation(
        site=subject.site,
        subject_id=subject.id,
        version=expected + 1,
        reason=given.reason,
        protocol_version=protocol.version,
        recorded_by=caller.id,
        **_columns("treatment", treatment),
        **_columns("study", study),
    )
    change(session, caller, row)
    if study is not None and corrected is None:
        enrolment.leave(session, subject, rules.LEADS_TO[study.cause], on=study.on)
    elif study is not None:
        died = rules.LEADS_TO[study.cause] is SubjectStatus.DIED
        enrolment.set_left_on(session, subject, study.on, died=died)
    return row, subject


def _check_study(
    session: Session,
    clock: Clock,
    subject: Subject,
    corrected: StudyCause | None,
    study: StudyEndWrite,
) -> None:
    """`corrected` is the cause recorded before, None at first."""
    enrolment.not_after(clock.today(), study.on, "/study/on")
    signed = enrolment.require_consented(session, subject)
    if study.on < min(consent.signed_on for consent in signed):
        raise Invalid.at("/study/on", "before_consent", "Not before the first consent")
    ended = [row.withdrawn_on for row in enrolment.withdrawals(session, subject).values()]
    if ended and study.on > min(ended):
        raise Invalid.at("/study/on", "after_withdrawal", "Not after the consent was withdrawn")
    status = SubjectStatus(subject.status)
    if corrected is not None:
        if rules.contradicts(corrected, study.cause, status):
            raise CauseContradictsStatus
    elif rules.LEADS_TO[study.cause] is not status and _left_before(subject, study.on):
        raise Invalid.at("/study/on", "after_leaving", "The subject left before: see their left_on")


def _left_before(subject: Subject, day: date) -> bool:
    return subject.left_on is not None and subject.left_on < day


def _check_treatment(
    clock: Clock, randomized_on: date, left_on: date | None, treatment: TreatmentEndWrite
) -> None:
    enrolment.not_after(clock.today(), treatment.on, "/treatment/on")
    if treatment.on < randomized_on:
        raise Invalid.at("/treatment/on", "before_randomization", "Not before randomization")
    if left_on is not None and treatment.on > left_on:
        raise Invalid.at("/treatment/on", "after_study", "Not after the subject left the study")


def _columns(part: str, given: TreatmentEndWrite | StudyEndWrite | None) -> dict[str, Any]:
    if given is None:
        return {}
    return {f"{part}_{name}": value for name, value in given.model_dump().items()}

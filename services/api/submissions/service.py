"""Submissions of safety reports: checked here, kept beside the deadlines that they meet."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session

from services.api.adverse_events import reading
from services.api.adverse_events import service as adverse_events
from services.api.adverse_events.models import AdverseEvent
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import ApiError, Invalid, NotFound
from services.api.core.etag import check_version
from services.api.core.events import EventType, announce
from services.api.core.making import new_id
from services.api.core.pagination import PageQuery, part
from services.api.core.records import change
from services.api.deadlines import service as deadlines
from services.api.deadlines.models import SafetySubmission
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.protocol.schema import Protocol
from services.api.submissions import rules
from services.api.submissions.errors import (
    AlreadyReported,
    EventNullified,
    NoInitialReport,
    NotNullified,
    NotSerious,
    Withdrawn,
)
from services.api.submissions.rules import Disorder, Told, Unfit
from services.api.submissions.schemas import SubmissionCreate, SubmissionPatch

UNFIT: dict[Unfit, type[ApiError]] = {
    Unfit.NOT_SERIOUS: NotSerious,
    Unfit.NULLIFIED: EventNullified,
    Unfit.NOT_NULLIFIED: NotNullified,
}
DISORDER: dict[Disorder, type[ApiError]] = {
    Disorder.NO_INITIAL: NoInitialReport,
    Disorder.SECOND_INITIAL: AlreadyReported,
}


def record(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    event_id: UUID,
    given: SubmissionCreate,
) -> SafetySubmission:
    """Record that a case was reported, and bring its deadlines up to date.

    Raises:
        NotFound: no such event at the caller's sites.
        Invalid: sent in the future or before the site learnt of it; no such version.
        NotSerious, EventNullified, NotNullified: that version is not reported that way.
        NoInitialReport, AlreadyReported: the recipient was told nothing, or has the first report.
    """
    event, subject = _locked(session, caller, event_id)
    versions = reading.event_versions(session, caller, event_id)
    told = [_told(row) for row in versions]
    version = given.event_version or rules.version_sent(told, given.submitted_at)
    if version > len(versions):
        raise Invalid.at("/event_version", "unknown", "The event has no such version")
    row = SafetySubmission(
        id=new_id(),
        version=1,
        site=event.site,
        subject_id=event.subject_id,
        recorded_by=caller.id,
        case_id=event.case_id,
        event_id=event.id,
        event_version=version,
        recipient=given.recipient,
        kind=given.kind.value,
        submitted_at=given.submitted_at,
        receipt=given.receipt,
        withdrawn=False,
        protocol_version=protocol.version,
    )
    _require_possible(clock, row, versions[version - 1])
    if (found := rules.unfit(given.kind, told[version - 1])) is not None:
        raise UNFIT[found]
    _store(session, caller, clock, protocol, subject, row, EventType.SUBMISSION_RECORDED)
    return row


def correct(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    event_id: UUID,
    submission_id: UUID,
    expected: int,
    patch: SubmissionPatch,
) -> SafetySubmission:
    """Correct a submission, or withdraw it, and bring the deadlines of its case up to date.

    Raises:
        NotFound, StaleVersion.
        Withdrawn: it was withdrawn before.
        Invalid: sent in the future or before the site learnt of it.
        NoInitialReport: the recipient would hold a later report without the first.
    """
    _, subject = _locked(session, caller, event_id)
    before = get_submission(session, caller, event_id, submission_id)
    check_version(expected, before.version)
    if before.withdrawn:
        raise Withdrawn
    row = SafetySubmission(
        **{
            **before.model_dump(exclude={"recorded_at"}),
            **patch.changes(),
            "version": before.version + 1,
            "reason": patch.reason,
            "protocol_version": protocol.version,
        }
    )
    versions = reading.event_versions(session, caller, row.event_id)
    if row.submitted_at != before.submitted_at:
        _require_possible(clock, row, versions[row.event_version - 1])
    _store(session, caller, clock, protocol, subject, row, EventType.SUBMISSION_CORRECTED)
    return row


def _locked(session: Session, caller: Principal, event_id: UUID) -> tuple[AdverseEvent, Subject]:
    """The event and its subject, whom nobody else changes until commit."""
    found = reading.get_event(session, caller, event_id)
    subject = enrolment.get_subject(session, caller, found.subject_id, lock=True)
    return reading.get_event(session, caller, event_id), subject


def _told(row: AdverseEvent) -> Told:
    return Told(row.version, row.received, row.serious, bool(row.nullified))


def _require_possible(clock: Clock, row: SafetySubmission, told: AdverseEvent) -> None:
    if row.submitted_at > clock.now():
        raise Invalid.at("/submitted_at", "future", "This cannot lie in the future")
    if row.submitted_at < told.informed:
        raise Invalid.at(
            "/submitted_at", "before_awareness", "Nobody had learnt of what that version says"
        )


def _store(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject: Subject,
    row: SafetySubmission,
    kind: EventType,
) -> None:
    """Store and tell a version whose order among the recipient's other submissions is right."""
    others = [one for one in deadlines.submissions(session, row.case_id) if one.id != row.id]
    sent = deadlines.standing([*others, row])
    found = rules.disorder([one for one in sent if one.recipient == row.recipient])
    if found is not None:
        raise DISORDER[found]
    change(session, caller, row)
    adverse_events.follow_case(session, caller, clock, protocol, subject, row.case_id)
    announce(session, kind, row.id, site=row.site, subject_id=row.subject_id)


# --- reading ---------------------------------------------------------------------------


def get_submission(
    session: Session, caller: Principal, event_id: UUID, submission_id: UUID
) -> SafetySubmission:
    """The current version of one submission about the event's case.

    Raises:
        NotFound: no such event at the caller's sites, or no such submission about it.
    """
    event = reading.get_event(session, caller, event_id)
    for row in deadlines.submissions(session, event.case_id):
        if row.id == submission_id:
            return row
    raise NotFound


def list_submissions(
    session: Session, caller: Principal, event_id: UUID, asked: PageQuery
) -> tuple[Sequence[SafetySubmission], str | None]:
    """What was sent about the event's case, in current versions.

    Raises:
        NotFound: no such event at the caller's sites.
    """
    event = reading.get_event(session, caller, event_id)
    return part(deadlines.submissions(session, event.case_id), lambda row: row.id, asked)

"""Adverse events: reporting, following up, assessing, nullifying; `reading` looks them up."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session

from services.api.adverse_events import cases, content, reading
from services.api.adverse_events.content import Columns
from services.api.adverse_events.deaths import ask_after_death as ask_after_death
from services.api.adverse_events.deaths import refuse_recovering_after_death, settle_after_death
from services.api.adverse_events.errors import (
    AlreadyContinued,
    NotYoursToAssess,
    Nullified,
    StillContinued,
)
from services.api.adverse_events.models import AdverseEvent, AdverseEventSignature
from services.api.adverse_events.reading import get_event
from services.api.adverse_events.schemas import AdverseEventCreate, AdverseEventPatch
from services.api.core.auth import Caller, Principal
from services.api.core.clock import Clock
from services.api.core.errors import Invalid
from services.api.core.etag import check_version
from services.api.core.events import EventType, announce
from services.api.core.making import new_id
from services.api.core.permissions import Role
from services.api.core.records import change, latest
from services.api.deadlines import service as deadlines
from services.api.deadlines.rules import MOMENT
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.protocol.safety import AdverseEvents
from services.api.protocol.schema import Protocol
from services.api.signatures import service as signatures
from services.api.signatures.schemas import SignatureCreate

ASSESSED = frozenset({"sponsor_causality", "expectedness", "meddra_code", "meddra_version"})
"""What the safety officer judges; everything else is the site's."""

OF_BOTH = frozenset({"informed_at", "nullified"})
"""What both say of their own changes."""


def report(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject_id: UUID,
    given: AdverseEventCreate,
) -> AdverseEvent:
    """Record a site's report of an adverse event, or of the next grade of one.

    Raises:
        NotFound, NoConsent, DeathNotRecorded, AlreadyContinued.
        Invalid: an unknown term, a grade the term does not have, dates or judgments that
            contradict each other, or an occurrence that it cannot continue; names each.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    told = content.flat(given.model_dump())
    case, link = _linked(session, subject, told.pop("continues"))
    told = content.reported(
        session, clock, protocol, subject, told | {"informed_at": given.aware_at}
    )
    refuse_recovering_after_death(subject, told)
    row = AdverseEvent(
        id=new_id(),
        site=subject.site,
        subject_id=subject.id,
        version=1,
        received_at=clock.now(),
        protocol_version=protocol.version,
        **content.coded(told, protocol.adverse_events),
        **link,
    )
    content.check_links(protocol.adverse_events, case, [row])
    _store(session, caller, clock, protocol, subject, case, [row])
    return row


def _linked(
    session: Session, subject: Subject, continued: UUID | None
) -> tuple[Sequence[AdverseEvent], Columns]:
    """The case that a new occurrence belongs to, and the columns that link it.

    Raises:
        AlreadyContinued: by another occurrence that stands.
        Invalid: there is no such occurrence of the subject that stands.
    """
    if continued is None:
        return (), {}
    before: AdverseEvent | None = latest(session, AdverseEvent, id=continued)
    if before is None or before.subject_id != subject.id:
        raise Invalid.at("/continues", "unknown", "The subject has no such adverse event")
    if before.nullified:
        raise Invalid.at("/continues", "nullified", "A nullified adverse event does not go on")
    case = reading.case_now(session, before.case_id)
    earlier = [row for row in case if row.continues == continued]
    if any(not row.nullified for row in earlier):
        raise AlreadyContinued
    link = {
        "first_id": before.case_id,
        "continues": continued,
        "continuation": len(earlier) + 1,
    }
    return case, link


def correct(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    event_id: UUID,
    expected: int,
    patch: AdverseEventPatch,
) -> AdverseEvent:
    """Record a follow-up, a correction, an assessment or a nullification as the next version.

    A term is that of the whole case: its other occurrences follow a change of it.

    Raises:
        NotFound, NotYoursToAssess, StaleVersion, Nullified, StillContinued.
        DeathNotRecorded, NoReferenceDocument.
        Invalid: as when reporting, an event that is not listed assessed as expected, or
            a nullification with other changes.
    """
    found = get_event(session, caller, event_id)
    subject = enrolment.get_subject(session, caller, found.subject_id, lock=True)
    before = get_event(session, caller, event_id)
    changes = patch.changes()
    if patch.causality is not None:
        changes["causality"] = patch.causality.changes()
    officer = caller.role is Role.SAFETY_OFFICER
    theirs = ASSESSED | OF_BOTH if officer else changes.keys() - ASSESSED
    if not changes.keys() <= theirs:
        raise NotYoursToAssess
    check_version(expected, before.version)
    if before.nullified:
        raise Nullified
    case = reading.case_now(session, before.case_id)
    changes = {"informed_at": clock.now(), **content.flat(changes)}
    told = {**content.kept(before), **changes, "reason": patch.reason}
    if patch.nullified:
        _require_nullifiable(before, case, patch)
        told = content.learnt(clock, told)
    elif officer:
        told = content.assessed(session, content.learnt(clock, told), changes)
    else:
        told = content.reported(session, clock, protocol, subject, told)
        told = content.judged_again(session, told, before)
        refuse_recovering_after_death(subject, changes)
    rows = [_next(before, clock, protocol, told)]
    if (rows[0].term, rows[0].term_detail) != (before.term, before.term_detail):
        rows += _renamed(session, clock, protocol, subject, case, rows[0])
    content.check_links(protocol.adverse_events, case, rows)
    _store(session, caller, clock, protocol, subject, case, rows)
    if changes.keys() & {"outcome", "resolved_on", "nullified"}:
        settle_after_death(session, caller, subject, rows[0])
    return rows[0]


def _require_nullifiable(
    before: AdverseEvent, case: Sequence[AdverseEvent], patch: AdverseEventPatch
) -> None:
    if patch.changes().keys() != {"nullified"}:
        raise Invalid.at("/nullified", "alone", "Nullify with a reason and no other change")
    if any(row.continues == before.id and not row.nullified for row in case):
        raise StillContinued


def _next(before: AdverseEvent, clock: Clock, protocol: Protocol, told: Columns) -> AdverseEvent:
    """The version that follows."""
    told = content.coded(told, protocol.adverse_events, before) | {
        "version": before.version + 1,
        "received_at": clock.now(),
        "protocol_version": protocol.version,
    }
    return AdverseEvent(**told)


def _renamed(
    session: Session,
    clock: Clock,
    protocol: Protocol,
    subject: Subject,
    case: Sequence[AdverseEvent],
    renamed: AdverseEvent,
) -> list[AdverseEvent]:
    """The next versions of the case's other occurrences, which have the same term.

    Raises:
        Invalid: the term does not fit one of them.
    """
    given = {name: getattr(renamed, name) for name in ("term", "term_detail", "reason")}
    rows = []
    for before in case:
        if before.id == renamed.id or before.nullified:
            continue
        told = {**content.kept(before), **given, "informed_at": renamed.informed_at}
        told = content.reported(session, clock, protocol, subject, told)
        told = content.judged_again(session, told, before)
        rows.append(_next(before, clock, protocol, told))
    return rows


def _store(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject: Subject,
    case: Sequence[AdverseEvent],
    rows: Sequence[AdverseEvent],
) -> None:
    """Store the versions, tell of them, and let the case's deadlines follow.

    `case` are the occurrences as they were stored before.
    """
    section = protocol.adverse_events
    last = reading.last_recorded(session, rows[0].case_id)
    for row in rows:
        # The clocks of two servers differ; what is recorded later comes later in the case.
        last = row.recorded_at = max(row.recorded_at, last + MOMENT) if last else row.recorded_at
        change(session, caller, row)
        _tell(session, row, _KINDS.get((row.version == 1, bool(row.nullified)), _UPDATED))
    if case and cases.upgraded(_standing(case, section), _standing((*case, *rows), section)):
        _tell(session, rows[0], EventType.ADVERSE_EVENT_UPGRADED)
    follow_case(session, caller, clock, protocol, subject, rows[0].case_id)


_UPDATED = EventType.ADVERSE_EVENT_UPDATED
_KINDS = {
    (True, False): EventType.ADVERSE_EVENT_REPORTED,
    (False, True): EventType.ADVERSE_EVENT_NULLIFIED,
}


def _tell(session: Session, row: AdverseEvent, kind: EventType) -> None:
    announce(session, kind, row.id, site=row.site, subject_id=row.subject_id)


def _standing(rows: Sequence[AdverseEvent], section: AdverseEvents) -> cases.Standing:
    """How grave the case is; of two versions of an occurrence the later in `rows` counts."""
    return cases.standing({row.id: reading.occurrence(row, section) for row in rows}.values())


def follow_case(
    session: Session,
    caller: Caller,
    clock: Clock,
    protocol: Protocol,
    subject: Subject,
    case_id: UUID,
) -> None:
    """Let the deadlines follow what is known of a case; the caller holds the subject's lock."""
    section = protocol.adverse_events
    statements = [
        reading.statement(row, section) for row in reading.case_versions(session, case_id)
    ]
    deadlines.follow(session, caller, clock, protocol, subject, case_id, statements)


# --- signing --------------------------------------------------------------------------------


def sign(
    session: Session, caller: Principal, clock: Clock, event_id: UUID, given: SignatureCreate
) -> tuple[AdverseEventSignature, AdverseEvent]:
    """Sign that the caller has reviewed the event in its current version; answers both.

    Raises:
        NotFound: no such event at the caller's sites.
        PeopleOnly, Invalid, ReauthenticationFailed, TooManyRequests: as in `signatures.prove`.
        AlreadySigned, ContentChanged: as in `signatures.sign`.
    """
    found = get_event(session, caller, event_id)
    signer = signatures.prove(session, caller, AdverseEventSignature, given)
    enrolment.get_subject(session, caller, found.subject_id, lock=True)
    event = get_event(session, caller, event_id)
    signature = signatures.sign(
        session,
        clock,
        signer,
        AdverseEventSignature,
        event,
        given.content_hash,
        adverse_event_id=event_id,
    )
    return signature, event

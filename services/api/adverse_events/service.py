"""Adverse events: the only user of their table."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from services.api.adverse_events import rules
from services.api.adverse_events.errors import NotYoursToAssess
from services.api.adverse_events.models import AdverseEvent, AdverseEventSignature
from services.api.adverse_events.schemas import (
    AdverseEventCreate,
    AdverseEventPatch,
    AdverseEventQuery,
)
from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.db import new_id
from services.api.core.errors import FieldError, Invalid, NotFound
from services.api.core.etag import check_version
from services.api.core.pagination import PageQuery, page
from services.api.core.permissions import Role
from services.api.core.records import change, current, latest
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.protocol.schema import Protocol
from services.api.protocol.terms import Term, load_terms
from services.api.signatures import service as signatures
from services.api.signatures.schemas import SignatureCreate

ASSESSED = frozenset({"sponsor_causality", "expectedness"})
"""What the safety officer judges; everything else is the site's."""


def report(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject_id: UUID,
    given: AdverseEventCreate,
) -> AdverseEvent:
    """Record a site's report of an adverse event.

    Raises:
        NotFound, NoConsent.
        Invalid: an unknown term, a grade the term does not have, dates or
            judgments that contradict each other; names each.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    row = AdverseEvent(
        id=new_id(),
        site=subject.site,
        subject_id=subject.id,
        version=1,
        **_content(session, clock, protocol, subject, _flat(given.model_dump())),
    )
    change(session, caller, row)
    return row


def _flat(given: dict[str, Any]) -> dict[str, Any]:
    """The body's members as columns."""
    causality = given.pop("causality", None)
    if causality is not None:
        given |= {f"causality_{treatment}": verdict for treatment, verdict in causality.items()}
    return given


def _content(
    session: Session, clock: Clock, protocol: Protocol, subject: Subject, given: dict[str, Any]
) -> dict[str, Any]:
    """The checked columns of one version."""
    consents = enrolment.require_consented(session, subject)
    term = _term(given["term"], protocol)
    found = rules.mistakes(
        rules.Report(
            grade=given["grade"],
            term_detail=given["term_detail"],
            onset_on=given["onset_on"],
            resolved_on=given["resolved_on"],
            aware_at=given["aware_at"],
            aware_on=clock.local_date(given["aware_at"]),
            serious=given["serious"],
            seriousness=tuple(given["seriousness"]),
            outcome=given["outcome"],
        ),
        term,
        protocol.adverse_events,
        consented_on=min(consent.signed_on for consent in consents),
        now=clock.now(),
        today=clock.today(),
    )
    if found:
        raise Invalid(
            errors=[
                FieldError(pointer=one.pointer, code=one.code, detail=one.detail) for one in found
            ]
        )
    return {
        **given,
        "term": term.term,
        "meddra_code": term.meddra_code,
        "ctcae_version": protocol.adverse_events.dictionary_version,
        "protocol_version": protocol.version,
    }


def _term(name: str, protocol: Protocol) -> Term:
    """The dictionary's term of that name.

    Raises:
        Invalid: there is none.
    """
    version = protocol.adverse_events.dictionary_version
    term = load_terms(version).named(name)
    if term is None:
        raise Invalid.at("/term", "unknown", f"Not a term of CTCAE v{version}")
    return term


def correct(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    event_id: UUID,
    expected: int,
    patch: AdverseEventPatch,
) -> AdverseEvent:
    """Record a follow-up or a correction as the next version.

    Raises:
        NotFound, NotYoursToAssess, StaleVersion.
        Invalid: as when reporting.
    """
    found = get_event(session, caller, event_id)
    subject = enrolment.get_subject(session, caller, found.subject_id, lock=True)
    before = get_event(session, caller, event_id)
    changes = patch.changes()
    if patch.causality is not None:
        changes["causality"] = patch.causality.changes()
    theirs = ASSESSED if caller.role is Role.SAFETY_OFFICER else changes.keys() - ASSESSED
    if not changes.keys() <= theirs:
        raise NotYoursToAssess
    check_version(expected, before.version)
    content = {
        name: value
        for name, value in before.model_dump().items()
        if name not in {"id", "site", "subject_id", "version", "recorded_by", "recorded_at"}
    }
    row = AdverseEvent(
        id=before.id,
        site=before.site,
        subject_id=before.subject_id,
        version=before.version + 1,
        **_content(
            session,
            clock,
            protocol,
            subject,
            {**content, **_flat(changes), "reason": patch.reason},
        ),
    )
    change(session, caller, row)
    return row


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
    session: Session, caller: Principal, asked: AdverseEventQuery
) -> tuple[Sequence[AdverseEvent], str | None]:
    """Adverse events at the caller's sites in their current versions."""
    query = current(AdverseEvent).where(col(AdverseEvent.site).in_(caller.sites))
    filters = {"site": asked.site, "serious": asked.serious, "grade": asked.grade}
    query = query.filter_by(**{name: value for name, value in filters.items() if value is not None})
    remember_read(session)
    return page(session, query, AdverseEvent.id, asked)

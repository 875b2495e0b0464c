"""Adverse events over HTTP."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from fastapi import Body as JsonBody
from fastapi import Depends, Query

from services.api.adverse_events import reading, service
from services.api.adverse_events.errors import (
    AlreadyContinued,
    DeathNotRecorded,
    NoReferenceDocument,
    NotYoursToAssess,
    Nullified,
    StillContinued,
)
from services.api.adverse_events.models import AdverseEvent, AdverseEventSignature
from services.api.adverse_events.schemas import (
    AdverseEventCreate,
    AdverseEventPage,
    AdverseEventPatch,
    AdverseEventQuery,
    AdverseEventRead,
    CausalityRead,
    CausalityVerdict,
    EventId,
)
from services.api.core.auth import Principal, require
from services.api.core.context import ClockDep, ProtocolDep
from services.api.core.db import SessionDep
from services.api.core.errors import (
    BadCursor,
    Forbidden,
    IfMatchMissing,
    Invalid,
    NotFound,
    StaleVersion,
    TooManyRequests,
    Unauthorized,
    responses,
)
from services.api.core.etag import IfMatch
from services.api.core.idempotency import REFUSALS as KEY_REFUSALS
from services.api.core.idempotency import Once
from services.api.core.pagination import PageDep, part
from services.api.core.permissions import Action
from services.api.core.routing import MERGE_PATCH, Router
from services.api.enrolment.errors import NoConsent
from services.api.enrolment.schemas import SubjectId
from services.api.identity.errors import ReauthenticationFailed
from services.api.signatures.errors import AlreadySigned, ContentChanged, PeopleOnly
from services.api.signatures.schemas import SignatureCreate, SignatureRead
from services.api.signatures.service import last_signatures, shown, signatures_by_version

router = Router(prefix="/v1", tags=["adverse events"])
ONE = (Unauthorized, Forbidden, NotFound)

Reader = Annotated[Principal, Depends(require(Action.READ_ADVERSE_EVENTS))]


def _read(session: SessionDep, protocol: ProtocolDep, row: AdverseEvent) -> AdverseEventRead:
    return _read_all(session, protocol, [row])[0]


def _read_all(
    session: SessionDep, protocol: ProtocolDep, rows: Sequence[AdverseEvent]
) -> list[AdverseEventRead]:
    """Events in their current versions, each with the last signature on it."""
    column, ids = AdverseEventSignature.adverse_event_id, [row.id for row in rows]
    signatures = last_signatures(session, AdverseEventSignature, column, ids)
    last = [signatures.get(row.id) for row in rows]
    return _versions(session, protocol, rows, last, rows)


def _versions(
    session: SessionDep,
    protocol: ProtocolDep,
    rows: Sequence[AdverseEvent],
    signatures: Sequence[AdverseEventSignature | None],
    current: Sequence[AdverseEvent],
) -> list[AdverseEventRead]:
    """Versions, each with its signature, which counts if the version is the current one."""
    section = protocol.adverse_events
    derived = reading.derived(session, section, rows)
    return [
        AdverseEventRead.model_validate(
            {
                **row.model_dump(),
                **asdict(follows),
                "case_id": row.case_id,
                "nullified": bool(row.nullified),
                "meddra_version": row.meddra_version or section.meddra_version,
                "informed_at": row.informed,
                "received_at": row.received,
                "causality": CausalityRead(
                    study_drug=CausalityVerdict(row.causality_study_drug),
                    radiotherapy=CausalityVerdict(row.causality_radiotherapy),
                ),
                "content_hash": row.content_hash,
                "signature": shown(signature, now) if signature else None,
            }
        )
        for row, follows, signature, now in zip(rows, derived, signatures, current, strict=True)
    ]


@router.get("/subjects/{subject_id}/adverse-events", responses=responses(*ONE, BadCursor))
def list_subject_adverse_events(
    subject_id: SubjectId,
    caller: Reader,
    session: SessionDep,
    protocol: ProtocolDep,
    asked: PageDep,
) -> AdverseEventPage:
    """A subject's adverse events, each in its current version."""
    rows, cursor = reading.list_of_subject(session, caller, subject_id, asked)
    return AdverseEventPage(items=_read_all(session, protocol, rows), next_cursor=cursor)


@router.post(
    "/subjects/{subject_id}/adverse-events",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(
        *ONE, NoConsent, DeathNotRecorded, AlreadyContinued, Invalid, *KEY_REFUSALS
    ),
)
def report_adverse_event(
    subject_id: SubjectId,
    given: AdverseEventCreate,
    caller: Annotated[Principal, Depends(require(Action.REPORT_ADVERSE_EVENT))],
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> AdverseEventRead:
    """Report an adverse event.

    `grade` is the severity and must exist for the term in CTCAE; whether the
    event is `serious` is a separate judgment by the criteria of ICH E2B(R3).
    When the severity changes, report the new grade with `continues`.
    """
    row = service.report(session, caller, clock, protocol, subject_id, given)
    return _read(session, protocol, row)


@router.get("/adverse-events", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_adverse_events(
    caller: Reader,
    session: SessionDep,
    protocol: ProtocolDep,
    asked: Annotated[AdverseEventQuery, Query()],
) -> AdverseEventPage:
    """Adverse events at your sites, each in its current version.

    Filter by site, severity, seriousness, term or case; an event of several grades is one
    case with several occurrences.
    """
    rows, cursor = reading.list_events(session, caller, protocol.adverse_events, asked)
    return AdverseEventPage(items=_read_all(session, protocol, rows), next_cursor=cursor)


@router.get("/adverse-events/{event_id}", responses=responses(*ONE))
def read_adverse_event(
    event_id: EventId, caller: Reader, session: SessionDep, protocol: ProtocolDep
) -> AdverseEventRead:
    """One adverse event in its current version."""
    return _read(session, protocol, reading.get_event(session, caller, event_id))


@router.patch(
    "/adverse-events/{event_id}",
    responses=responses(
        *ONE,
        NotYoursToAssess,
        Nullified,
        StillContinued,
        DeathNotRecorded,
        NoReferenceDocument,
        StaleVersion,
        Invalid,
        IfMatchMissing,
        NoConsent,
    ),
)
def correct_adverse_event(
    event_id: EventId,
    patch: Annotated[AdverseEventPatch, JsonBody(media_type=MERGE_PATCH)],
    caller: Annotated[Principal, Depends(require(Action.CORRECT_ADVERSE_EVENT))],
    expected: IfMatch,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> AdverseEventRead:
    """Add a follow-up or correct a report; as a safety officer, assess it; or nullify it.

    The version before stays readable. Sites change what they reported; the
    safety officer changes `sponsor_causality`, `expectedness` and the coding
    in MedDRA. A term is that of the whole case: its other occurrences follow.
    """
    row = service.correct(session, caller, clock, protocol, event_id, expected, patch)
    return _read(session, protocol, row)


@router.get("/adverse-events/{event_id}/versions", responses=responses(*ONE, BadCursor))
def list_adverse_event_versions(
    event_id: EventId,
    caller: Reader,
    session: SessionDep,
    protocol: ProtocolDep,
    asked: PageDep,
) -> AdverseEventPage:
    """Every version of an adverse event, oldest first, with the reason of each change."""
    versions = reading.event_versions(session, caller, event_id)
    rows, cursor = part(versions, lambda row: row.version, asked)
    signatures = signatures_by_version(session, AdverseEventSignature, adverse_event_id=event_id)
    own = [signatures.get(row.version) for row in rows]
    items = _versions(session, protocol, rows, own, [versions[-1]] * len(rows))
    return AdverseEventPage(items=items, next_cursor=cursor)


@router.post(
    "/adverse-events/{event_id}/signature",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(
        *ONE,
        PeopleOnly,
        ReauthenticationFailed,
        TooManyRequests,
        AlreadySigned,
        ContentChanged,
        Invalid,
        *KEY_REFUSALS,
    ),
)
def sign_adverse_event(
    event_id: EventId,
    given: SignatureCreate,
    caller: Annotated[Principal, Depends(require(Action.SIGN_ADVERSE_EVENT))],
    session: SessionDep,
    clock: ClockDep,
) -> SignatureRead:
    """Sign as an investigator that you have reviewed the event, with your password once more.

    The signature covers the version that you read; a later follow-up,
    correction or assessment voids it, and the event is reviewed anew.
    """
    return SignatureRead.model_validate(
        shown(*service.sign(session, caller, clock, event_id, given))
    )

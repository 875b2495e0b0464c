"""Adverse events over HTTP."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Body as JsonBody
from fastapi import Depends, Query

from services.api.adverse_events import service
from services.api.adverse_events.errors import NotYoursToAssess
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


def _read(session: SessionDep, row: AdverseEvent) -> AdverseEventRead:
    return _read_all(session, [row])[0]


def _read_all(session: SessionDep, rows: Sequence[AdverseEvent]) -> list[AdverseEventRead]:
    """Events in their current versions, each with the last signature on it."""
    column, ids = AdverseEventSignature.adverse_event_id, [row.id for row in rows]
    signatures = last_signatures(session, AdverseEventSignature, column, ids)
    return [_version(row, signatures.get(row.id), row) for row in rows]


def _version(
    row: AdverseEvent, signature: AdverseEventSignature | None, current: AdverseEvent
) -> AdverseEventRead:
    causality = CausalityRead(
        study_drug=CausalityVerdict(row.causality_study_drug),
        radiotherapy=CausalityVerdict(row.causality_radiotherapy),
    )
    return AdverseEventRead.model_validate(
        {
            **row.model_dump(),
            "causality": causality,
            "content_hash": row.content_hash,
            "signature": shown(signature, current) if signature else None,
        }
    )


@router.get("/subjects/{subject_id}/adverse-events", responses=responses(*ONE, BadCursor))
def list_subject_adverse_events(
    subject_id: SubjectId, caller: Reader, session: SessionDep, asked: PageDep
) -> AdverseEventPage:
    """A subject's adverse events, each in its current version."""
    rows, cursor = service.list_of_subject(session, caller, subject_id, asked)
    return AdverseEventPage(items=_read_all(session, rows), next_cursor=cursor)


@router.post(
    "/subjects/{subject_id}/adverse-events",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(*ONE, NoConsent, Invalid, *KEY_REFUSALS),
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
    """
    return _read(session, service.report(session, caller, clock, protocol, subject_id, given))


@router.get("/adverse-events", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_adverse_events(
    caller: Reader, session: SessionDep, asked: Annotated[AdverseEventQuery, Query()]
) -> AdverseEventPage:
    """Adverse events at your sites, each in its current version."""
    rows, cursor = service.list_events(session, caller, asked)
    return AdverseEventPage(items=_read_all(session, rows), next_cursor=cursor)


@router.get("/adverse-events/{event_id}", responses=responses(*ONE))
def read_adverse_event(event_id: EventId, caller: Reader, session: SessionDep) -> AdverseEventRead:
    """One adverse event in its current version."""
    return _read(session, service.get_event(session, caller, event_id))


@router.patch(
    "/adverse-events/{event_id}",
    responses=responses(*ONE, NotYoursToAssess, StaleVersion, Invalid, IfMatchMissing, NoConsent),
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
    """Add a follow-up or correct a report; as a safety officer, assess it.

    The version before stays readable. Sites change what they reported; the
    safety officer changes `sponsor_causality` and `expectedness`.
    """
    return _read(
        session, service.correct(session, caller, clock, protocol, event_id, expected, patch)
    )


@router.get("/adverse-events/{event_id}/versions", responses=responses(*ONE, BadCursor))
def list_adverse_event_versions(
    event_id: EventId, caller: Reader, session: SessionDep, asked: PageDep
) -> AdverseEventPage:
    """Every version of an adverse event, oldest first, with the reason of each change."""
    versions = service.event_versions(session, caller, event_id)
    rows, cursor = part(versions, lambda row: row.version, asked)
    signatures = signatures_by_version(session, AdverseEventSignature, adverse_event_id=event_id)
    items = [_version(row, signatures.get(row.version), versions[-1]) for row in rows]
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

"""Visits, gradings and the endpoint over HTTP."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Body as JsonBody
from fastapi import Depends, Path

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
from services.api.enrolment.errors import NoConsent, SubjectClosed
from services.api.enrolment.schemas import SubjectId
from services.api.enrolment.service import get_subject
from services.api.identity.errors import ReauthenticationFailed
from services.api.protocol.schema import Protocol
from services.api.signatures.errors import AlreadySigned, ContentChanged, PeopleOnly
from services.api.signatures.schemas import SignatureCreate, SignatureRead
from services.api.signatures.service import last_signatures, shown, signatures_by_version
from services.api.visits import service
from services.api.visits.endpoint_rules import Decision
from services.api.visits.errors import (
    AlreadyGraded,
    NoSchedule,
    NotTheAuthor,
    VisitHasGradings,
    VisitNotGraded,
    VisitNotRecorded,
)
from services.api.visits.grading_rules import mismatch
from services.api.visits.models import Grading, GradingSignature
from services.api.visits.rules import highest_grade
from services.api.visits.schemas import (
    DateRange,
    DerivedGrades,
    EndpointRead,
    GradingCreate,
    GradingFlag,
    GradingId,
    GradingPage,
    GradingPatch,
    GradingRead,
    OutcomeRead,
    VisitCode,
    VisitList,
    VisitPut,
    VisitRead,
)

router = Router(prefix="/v1")
ONE = (Unauthorized, Forbidden, NotFound)
CHANGES = (*ONE, Invalid, StaleVersion, IfMatchMissing)

VisitReader = Annotated[Principal, Depends(require(Action.READ_VISITS))]
GradingReader = Annotated[Principal, Depends(require(Action.READ_GRADINGS))]
Code = Annotated[
    VisitCode, Path(description="The visit's code in the schedule.", examples=["RT4A"])
]


def _visit(visit: service.Scheduled) -> VisitRead:
    planned, recorded = visit.planned, visit.recorded
    return VisitRead(
        code=visit.code,
        label=planned.label if planned else visit.code,
        planned_on=planned.planned_on if planned else None,
        window=DateRange(from_=planned.window_from, to=planned.window_to) if planned else None,
        status=visit.status,
        date=recorded.visited_on if recorded else None,
        missed_reason=recorded.missed_reason if recorded else None,
        flags=list(visit.flags),
        graded=planned.graded if planned else True,
        reason=recorded.reason if recorded else None,
        version=recorded.version if recorded else 0,
    )


def _grading(session: SessionDep, protocol: Protocol, row: Grading) -> GradingRead:
    return _gradings(session, protocol, [row])[0]


def _gradings(
    session: SessionDep, protocol: Protocol, rows: Sequence[Grading]
) -> list[GradingRead]:
    """Gradings in their current versions, each with the last signature on it."""
    column, ids = GradingSignature.grading_id, [row.id for row in rows]
    signatures = last_signatures(session, GradingSignature, column, ids)
    return [_version(row, protocol, signatures.get(row.id), row) for row in rows]


def _version(
    row: Grading, protocol: Protocol, signature: GradingSignature | None, current: Grading
) -> GradingRead:
    derived: dict[str, int | None] = {
        scale.id: getattr(row, f"derived_{scale.id}") for scale in protocol.grading.scales
    }
    highest = highest_grade(row.visit, protocol.visits)
    flags = []
    if mismatch(row.grade, derived):
        flags.append(GradingFlag.DIFFERS_FROM_COMPONENTS)
    if highest is not None and row.grade > highest:
        flags.append(GradingFlag.ABOVE_HIGHEST_GRADE)
    return GradingRead.model_validate(
        {
            **row.model_dump(),
            "derived": DerivedGrades.model_validate(derived),
            "flags": flags,
            "content_hash": row.content_hash,
            "signature": shown(signature, current) if signature else None,
        }
    )


@router.get("/subjects/{subject_id}/visits", tags=["visits"], responses=responses(*ONE, BadCursor))
def list_visits(
    subject_id: SubjectId,
    caller: VisitReader,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
    asked: PageDep,
) -> VisitList:
    """The subject's schedule, which follows the planned and then the actual radiotherapy."""
    subject = get_subject(session, caller, subject_id)
    visits = service.schedule(session, clock, protocol, subject)
    shown, cursor = part(visits, lambda visit: visit.code, asked)
    return VisitList(items=[_visit(visit) for visit in shown], next_cursor=cursor)


@router.get("/subjects/{subject_id}/visits/{code}", tags=["visits"], responses=responses(*ONE))
def read_visit(
    subject_id: SubjectId,
    code: Code,
    caller: VisitReader,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> VisitRead:
    """One visit as scheduled and as recorded."""
    subject = get_subject(session, caller, subject_id)
    return _visit(service.get_visit(session, clock, protocol, subject, code))


@router.put(
    "/subjects/{subject_id}/visits/{code}",
    tags=["visits"],
    responses=responses(*CHANGES, SubjectClosed, NoConsent, NoSchedule, VisitHasGradings),
)
def record_visit(
    subject_id: SubjectId,
    code: Code,
    given: VisitPut,
    caller: Annotated[Principal, Depends(require(Action.RECORD_VISIT))],
    expected: IfMatch,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> VisitRead:
    """Record the day a visit took place, or why it was missed."""
    return _visit(
        service.record_visit(session, caller, clock, protocol, subject_id, code, expected, given)
    )


@router.get(
    "/subjects/{subject_id}/visits/{code}/gradings",
    tags=["gradings"],
    responses=responses(*ONE, BadCursor),
)
def list_gradings(
    subject_id: SubjectId,
    code: Code,
    caller: GradingReader,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
    asked: PageDep,
) -> GradingPage:
    """The gradings made at one visit, each in its current version."""
    subject = get_subject(session, caller, subject_id)
    service.get_visit(session, clock, protocol, subject, code)
    rows, cursor = part(service.gradings_at(session, subject, code), lambda row: row.id, asked)
    return GradingPage(items=_gradings(session, protocol, rows), next_cursor=cursor)


@router.post(
    "/subjects/{subject_id}/visits/{code}/gradings",
    status_code=201,
    tags=["gradings"],
    dependencies=[Depends(Once())],
    responses=responses(
        *ONE,
        SubjectClosed,
        NoConsent,
        VisitNotGraded,
        VisitNotRecorded,
        AlreadyGraded,
        Invalid,
        *KEY_REFUSALS,
    ),
)
def create_grading(
    subject_id: SubjectId,
    code: Code,
    given: GradingCreate,
    caller: Annotated[Principal, Depends(require(Action.GRADE))],
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> GradingRead:
    """Record your grading at a visit: what you saw, and the grade you conclude.

    The entered grade is the one that counts. The protocol, WHO and RTOG
    grades that follow from the components are answered beside it.
    """
    row = service.grade(session, caller, clock, protocol, subject_id, code, given)
    return _grading(session, protocol, row)


@router.get("/gradings/{grading_id}", tags=["gradings"], responses=responses(*ONE))
def read_grading(
    grading_id: GradingId, caller: GradingReader, session: SessionDep, protocol: ProtocolDep
) -> GradingRead:
    """One grading in its current version."""
    return _grading(session, protocol, service.get_grading(session, caller, grading_id))


@router.patch(
    "/gradings/{grading_id}",
    tags=["gradings"],
    responses=responses(*CHANGES, NotTheAuthor, SubjectClosed),
)
def correct_grading(
    grading_id: GradingId,
    patch: Annotated[GradingPatch, JsonBody(media_type=MERGE_PATCH)],
    caller: Annotated[Principal, Depends(require(Action.CORRECT_GRADING))],
    expected: IfMatch,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> GradingRead:
    """Correct your own grading; the version before stays readable."""
    row = service.correct_grading(session, caller, clock, protocol, grading_id, expected, patch)
    return _grading(session, protocol, row)


@router.get(
    "/gradings/{grading_id}/versions", tags=["gradings"], responses=responses(*ONE, BadCursor)
)
def list_grading_versions(
    grading_id: GradingId,
    caller: GradingReader,
    session: SessionDep,
    protocol: ProtocolDep,
    asked: PageDep,
) -> GradingPage:
    """Every version of a grading, oldest first, with the reason of each change."""
    versions = service.grading_versions(session, caller, grading_id)
    rows, cursor = part(versions, lambda row: row.version, asked)
    signatures = signatures_by_version(session, GradingSignature, grading_id=grading_id)
    items = [_version(row, protocol, signatures.get(row.version), versions[-1]) for row in rows]
    return GradingPage(items=items, next_cursor=cursor)


@router.post(
    "/gradings/{grading_id}/signature",
    status_code=201,
    tags=["gradings"],
    dependencies=[Depends(Once())],
    responses=responses(
        *ONE,
        NotTheAuthor,
        PeopleOnly,
        ReauthenticationFailed,
        TooManyRequests,
        AlreadySigned,
        ContentChanged,
        Invalid,
        *KEY_REFUSALS,
    ),
)
def sign_grading(
    grading_id: GradingId,
    given: SignatureCreate,
    caller: Annotated[Principal, Depends(require(Action.SIGN_GRADING))],
    session: SessionDep,
    clock: ClockDep,
) -> SignatureRead:
    """Sign your own grading in its current version, with your password once more.

    The signature covers the version that you read; a correction voids it, and
    the grading is signed anew.
    """
    return SignatureRead.model_validate(
        shown(*service.sign_grading(session, caller, clock, grading_id, given))
    )


@router.get("/subjects/{subject_id}/endpoint", tags=["endpoint"], responses=responses(*ONE))
def read_endpoint(
    subject_id: SubjectId,
    caller: Annotated[Principal, Depends(require(Action.READ_ENDPOINT))],
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> EndpointRead:
    """The subject's primary and secondary outcome as of today.

    `event` as soon as a grading in the window is severe; `no_event` when the
    window has closed with enough gradings, `not_evaluable` without them.
    """
    outcome, versions = service.endpoint(session, caller, clock, protocol, subject_id)
    window = outcome.window
    return EndpointRead(
        subject_id=subject_id,
        primary=_outcome(outcome.primary, versions),
        secondary=_outcome(outcome.secondary, versions),
        window=DateRange(from_=window.from_, to=window.to) if window else None,
        max_grade=outcome.max_grade,
        days_to_first_severe=outcome.days_to_first_severe,
        days_severe=outcome.days_severe,
        grade_4=outcome.grade_4,
        gy_at_onset=outcome.gy_at_onset,
        coverage=outcome.coverage,
        gaps=list(outcome.gaps),
        protocol_version=protocol.version,
    )


def _outcome(decision: Decision, versions: dict[UUID, int]) -> OutcomeRead:
    deciding = decision.deciding.id if decision.deciding else None
    return OutcomeRead(
        status=decision.status,
        deciding_grading=deciding,
        deciding_version=versions[deciding] if deciding else None,
    )

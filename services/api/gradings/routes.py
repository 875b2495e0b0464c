"""Gradings over HTTP."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Body as JsonBody
from fastapi import Depends

from services.api.certificates.rules import Validities, certified
from services.api.certificates.service import validities
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
from services.api.enrolment.errors import AfterLeaving, BeforeConsent, NoConsent, SubjectClosed
from services.api.enrolment.schemas import SubjectId
from services.api.enrolment.service import get_subject
from services.api.gradings import service
from services.api.gradings.errors import (
    AlreadyGraded,
    GradedOnOtherDay,
    NotTheAuthor,
    SecondGradingByAssessor,
    VisitNotGraded,
    VisitNotRecorded,
)
from services.api.gradings.models import Grading, GradingSignature
from services.api.gradings.rules import GradingFlag
from services.api.gradings.schemas import (
    DerivedGrades,
    GradingCreate,
    GradingId,
    GradingPage,
    GradingPatch,
    GradingRead,
)
from services.api.identity.errors import ReauthenticationFailed
from services.api.protocol.schema import Protocol
from services.api.signatures.errors import AlreadySigned, ContentChanged, PeopleOnly
from services.api.signatures.schemas import SignatureCreate, SignatureRead
from services.api.signatures.service import last_signatures, shown, signatures_by_version
from services.api.visits.schemas import VisitCode
from services.api.visits.service import get_visit

router = Router(prefix="/v1", tags=["gradings"])
ONE = (Unauthorized, Forbidden, NotFound)
CHANGES = (*ONE, Invalid, StaleVersion, IfMatchMissing)

GradingReader = Annotated[Principal, Depends(require(Action.READ_GRADINGS))]


def _grading(session: SessionDep, protocol: Protocol, row: Grading) -> GradingRead:
    return _gradings(session, protocol, [row])[0]


def _gradings(
    session: SessionDep, protocol: Protocol, rows: Sequence[Grading]
) -> list[GradingRead]:
    """Gradings in their current versions, each with the last signature on it."""
    column, ids = GradingSignature.grading_id, [row.id for row in rows]
    signatures = last_signatures(session, GradingSignature, column, ids)
    certificates = validities(session, {row.assessor for row in rows})
    return [_version(row, protocol, certificates, signatures.get(row.id), row) for row in rows]


def _version(
    row: Grading,
    protocol: Protocol,
    certificates: Validities,
    signature: GradingSignature | None,
    current: Grading,
) -> GradingRead:
    flags = list(dict.fromkeys(doubt.flag for doubt in service.doubts(row, protocol)))
    if not certified(certificates, row.assessor, row.assessed_on):
        flags.append(GradingFlag.ASSESSOR_NOT_CERTIFIED)
    return GradingRead.model_validate(
        {
            **row.model_dump(),
            "derived": DerivedGrades.model_validate(service.derived(row, protocol)),
            "flags": flags,
            "content_hash": row.content_hash,
            "signature": shown(signature, current) if signature else None,
        }
    )


@router.get(
    "/subjects/{subject_id}/visits/{code}/gradings",
    responses=responses(*ONE, BadCursor),
)
def list_gradings(
    subject_id: SubjectId,
    code: VisitCode,
    caller: GradingReader,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
    asked: PageDep,
) -> GradingPage:
    """The gradings made at one visit, each in its current version.

    Assessors see each other's gradings of a visit once they graded it themselves.
    """
    subject = get_subject(session, caller, subject_id)
    get_visit(session, clock, protocol, subject, code)
    rows, cursor = part(
        service.gradings_at(session, caller, subject, code), lambda row: row.id, asked
    )
    return GradingPage(items=_gradings(session, protocol, rows), next_cursor=cursor)


@router.post(
    "/subjects/{subject_id}/visits/{code}/gradings",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(
        *ONE,
        SubjectClosed,
        NoConsent,
        BeforeConsent,
        AfterLeaving,
        VisitNotGraded,
        VisitNotRecorded,
        AlreadyGraded,
        SecondGradingByAssessor,
        GradedOnOtherDay,
        Invalid,
        *KEY_REFUSALS,
    ),
)
def create_grading(
    subject_id: SubjectId,
    code: VisitCode,
    given: GradingCreate,
    caller: Annotated[Principal, Depends(require(Action.GRADE))],
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> GradingRead:
    """Record your grading at a visit: what you saw, and the grade you conclude.

    The grades that follow from the components on the protocol's scales are
    answered beside the entered one, which is never changed. A second assessor
    grades without seeing the first grading; when the two differ, an
    adjudication is opened, and its decision counts.
    """
    row = service.grade(session, caller, clock, protocol, subject_id, code, given)
    return _grading(session, protocol, row)


@router.get("/gradings/{grading_id}", responses=responses(*ONE))
def read_grading(
    grading_id: GradingId, caller: GradingReader, session: SessionDep, protocol: ProtocolDep
) -> GradingRead:
    """One grading in its current version."""
    return _grading(session, protocol, service.get_grading(session, caller, grading_id))


@router.patch(
    "/gradings/{grading_id}",
    responses=responses(
        *CHANGES, NotTheAuthor, SubjectClosed, BeforeConsent, AfterLeaving, VisitNotRecorded
    ),
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
    """Correct your own grading; the version before stays readable.

    Only the author may. The new version voids the signature, and the endpoint is derived
    from it.
    """
    row = service.correct_grading(session, caller, clock, protocol, grading_id, expected, patch)
    return _grading(session, protocol, row)


@router.get("/gradings/{grading_id}/versions", responses=responses(*ONE, BadCursor))
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
    certificates = validities(session, {versions[-1].assessor})
    items = [
        _version(row, protocol, certificates, signatures.get(row.version), versions[-1])
        for row in rows
    ]
    return GradingPage(items=items, next_cursor=cursor)


@router.post(
    "/gradings/{grading_id}/signature",
    status_code=201,
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

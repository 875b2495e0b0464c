"""Study drug taken, over HTTP."""

from typing import Annotated

from fastapi import Body as JsonBody
from fastapi import Depends

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
    Unauthorized,
    responses,
)
from services.api.core.etag import IfMatch
from services.api.core.idempotency import REFUSALS as KEY_REFUSALS
from services.api.core.idempotency import Once
from services.api.core.pagination import PageDep
from services.api.core.permissions import Action
from services.api.core.routing import MERGE_PATCH, Router
from services.api.discontinuations.errors import NoStudyDrug, NoTreatment
from services.api.enrolment.errors import (
    AfterLeaving,
    BeforeConsent,
    NoConsent,
    SubjectClosed,
)
from services.api.enrolment.schemas import SubjectId
from services.api.enrolment.service import get_subject
from services.api.exposures import rules, service
from services.api.exposures.errors import DayRecorded, TreatmentDiscontinued
from services.api.exposures.models import Exposure
from services.api.exposures.schemas import (
    ExposureCreate,
    ExposureId,
    ExposurePage,
    ExposurePatch,
    ExposureRead,
)
from services.api.protocol.schema import Protocol

router = Router(prefix="/v1", tags=["exposures"])
ONE = (Unauthorized, Forbidden, NotFound)
CHANGES = (*ONE, Invalid, StaleVersion, IfMatchMissing)

Reader = Annotated[Principal, Depends(require(Action.READ_EXPOSURES))]
Recorder = Annotated[Principal, Depends(require(Action.RECORD_EXPOSURE))]


def _read(row: Exposure, course: rules.Course, protocol: Protocol) -> ExposureRead:
    treatment = protocol.treatment
    return ExposureRead.model_validate(
        {
            **row.model_dump(),
            "volume_ml": rules.volume_ml(row.applications, treatment),
            "flags": rules.flags(row.day, row.applications, course, treatment),
        }
    )


@router.get("/subjects/{subject_id}/exposures", responses=responses(*ONE, BadCursor))
def list_exposures(
    subject_id: SubjectId,
    caller: Reader,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
    asked: PageDep,
) -> ExposurePage:
    """The study drug a subject took, day by day, each in its current version.

    Whoever reads it learns the arm: assessors may not.
    """
    subject = get_subject(session, caller, subject_id)
    rows, cursor = service.list_exposures(session, subject, asked)
    course = service.course(session, clock, protocol, subject)
    return ExposurePage(items=[_read(row, course, protocol) for row in rows], next_cursor=cursor)


@router.post(
    "/subjects/{subject_id}/exposures",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(
        *ONE,
        NoTreatment,
        NoStudyDrug,
        SubjectClosed,
        NoConsent,
        BeforeConsent,
        AfterLeaving,
        TreatmentDiscontinued,
        DayRecorded,
        Invalid,
        *KEY_REFUSALS,
    ),
)
def record_exposure(
    subject_id: SubjectId,
    given: ExposureCreate,
    caller: Recorder,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> ExposureRead:
    """Record the study drug that a subject took on one local day.

    Give a reason when fewer applications were taken than the protocol asks
    for. More of them, or study drug outside the protocol's period, is stored,
    flagged and noted as a deviation. A control subject takes none.
    """
    row, course = service.record(session, caller, clock, protocol, subject_id, given)
    return _read(row, course, protocol)


@router.get("/exposures/{exposure_id}", responses=responses(*ONE))
def read_exposure(
    exposure_id: ExposureId,
    caller: Reader,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> ExposureRead:
    """The study drug of one day in its current version."""
    row = service.get_exposure(session, caller, exposure_id)
    subject = get_subject(session, caller, row.subject_id)
    return _read(row, service.course(session, clock, protocol, subject), protocol)


@router.patch(
    "/exposures/{exposure_id}",
    responses=responses(*CHANGES, AfterLeaving, TreatmentDiscontinued),
)
def correct_exposure(
    exposure_id: ExposureId,
    patch: Annotated[ExposurePatch, JsonBody(media_type=MERGE_PATCH)],
    caller: Recorder,
    expected: IfMatch,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> ExposureRead:
    """Correct the study drug of one day with a reason; the day itself stays.

    The version before stays readable in the audit trail.
    """
    row, course = service.correct(session, caller, clock, protocol, exposure_id, expected, patch)
    return _read(row, course, protocol)

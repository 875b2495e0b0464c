"""Radiotherapy over HTTP."""

from typing import Annotated

from fastapi import Depends

from services.api.core.auth import Principal, require
from services.api.core.context import ClockDep, ProtocolDep
from services.api.core.db import SessionDep
from services.api.core.errors import (
    Forbidden,
    IfMatchMissing,
    Invalid,
    NotFound,
    StaleVersion,
    Unauthorized,
    responses,
)
from services.api.core.etag import IfMatch
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.enrolment.errors import AfterLeaving, SubjectClosed
from services.api.enrolment.schemas import SubjectId
from services.api.enrolment.service import get_subject
from services.api.radiotherapy import service
from services.api.radiotherapy.schemas import RadiotherapyPut, RadiotherapyRead

router = Router(prefix="/v1/subjects/{subject_id}/radiotherapy", tags=["radiotherapy"])
ONE = (Unauthorized, Forbidden, NotFound)


@router.get("", responses=responses(*ONE))
def read_radiotherapy(
    subject_id: SubjectId,
    caller: Annotated[Principal, Depends(require(Action.READ_RADIOTHERAPY))],
    session: SessionDep,
) -> RadiotherapyRead:
    """The subject's radiotherapy as planned and delivered.

    Everything is null and the version 0 before anything is recorded.
    """
    row = service.current(session, get_subject(session, caller, subject_id))
    return RadiotherapyRead.model_validate(row) if row else RadiotherapyRead()


@router.put(
    "",
    responses=responses(*ONE, Invalid, StaleVersion, IfMatchMissing, SubjectClosed, AfterLeaving),
)
def record_radiotherapy(
    subject_id: SubjectId,
    given: RadiotherapyPut,
    caller: Annotated[Principal, Depends(require(Action.RECORD_RADIOTHERAPY))],
    expected: IfMatch,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> RadiotherapyRead:
    """Record the plan, and later what was delivered; the schedule of visits follows it.

    Send the whole of what is known: what is left out is not known any more. A
    stratification factor that is wrong here puts the subject into the wrong stratum, and an
    allocation is never undone; changing it later is a protocol deviation.
    """
    return RadiotherapyRead.model_validate(
        service.record(session, caller, clock, protocol, subject_id, expected, given)
    )

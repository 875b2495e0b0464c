"""Discontinuations over HTTP."""

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
from services.api.discontinuations import service
from services.api.discontinuations.errors import (
    CauseContradictsStatus,
    LeftForGood,
    NoStudyDrug,
    NothingDiscontinued,
    NoTreatment,
)
from services.api.discontinuations.models import Discontinuation
from services.api.discontinuations.rules import treatment_ended_on
from services.api.discontinuations.schemas import DiscontinuationPut, DiscontinuationRead
from services.api.enrolment.errors import MoveNotAllowed, NoConsent, SubjectClosed
from services.api.enrolment.models import Subject
from services.api.enrolment.schemas import SubjectId
from services.api.enrolment.service import get_subject

router = Router(prefix="/v1/subjects/{subject_id}/discontinuation", tags=["discontinuations"])
ONE = (Unauthorized, Forbidden, NotFound)


def _read(row: Discontinuation | None, subject: Subject) -> DiscontinuationRead:
    if row is None:
        return DiscontinuationRead(treatment_ended_on=subject.left_on)
    ends = {
        part: {name: getattr(row, f"{part}_{name}") for name in ("on", "cause", "detail")}
        if getattr(row, f"{part}_on") is not None
        else None
        for part in ("treatment", "study")
    }
    ended_on = treatment_ended_on(row.treatment_on, subject.left_on)
    return DiscontinuationRead.model_validate(
        {**row.model_dump(), **ends, "treatment_ended_on": ended_on}
    )


@router.get("", responses=responses(*ONE))
def read_discontinuation(
    subject_id: SubjectId,
    caller: Annotated[Principal, Depends(require(Action.READ_DISCONTINUATION))],
    session: SessionDep,
) -> DiscontinuationRead:
    """When and why the subject ended treatment, and left the study.

    Both parts are null and the version is 0 as long as nothing is discontinued.
    """
    subject = get_subject(session, caller, subject_id)
    return _read(service.current(session, subject), subject)


@router.put(
    "",
    responses=responses(
        *ONE,
        Invalid,
        StaleVersion,
        IfMatchMissing,
        SubjectClosed,
        NoConsent,
        NoTreatment,
        NoStudyDrug,
        NothingDiscontinued,
        LeftForGood,
        CauseContradictsStatus,
        MoveNotAllowed,
    ),
)
def record_discontinuation(
    subject_id: SubjectId,
    given: DiscontinuationPut,
    caller: Annotated[Principal, Depends(require(Action.RECORD_DISCONTINUATION))],
    expected: IfMatch,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> DiscontinuationRead:
    """Record that the subject ended treatment, left the study, or both.

    Follow-up goes on after the end of treatment: visits and gradings stay open.
    Leaving the study moves the subject to `withdrawn`, `lost_to_follow_up` or
    `died`, sets `left_on`, and ends the treatment too; nothing takes it back.
    """
    return _read(*service.record(session, caller, clock, protocol, subject_id, expected, given))

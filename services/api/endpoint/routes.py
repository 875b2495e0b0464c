"""The endpoint over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from services.api.core.auth import Principal, require
from services.api.core.context import ClockDep, ProtocolDep
from services.api.core.db import SessionDep
from services.api.core.errors import Forbidden, NotFound, Unauthorized, responses
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.endpoint import service
from services.api.endpoint.rules import Decision
from services.api.endpoint.schemas import EndpointRead, OutcomeRead
from services.api.enrolment.schemas import SubjectId
from services.api.visits.schemas import DateRange

router = Router(prefix="/v1", tags=["endpoint"])
ONE = (Unauthorized, Forbidden, NotFound)


@router.get("/subjects/{subject_id}/endpoint", responses=responses(*ONE))
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

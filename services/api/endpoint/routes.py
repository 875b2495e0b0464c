"""The endpoint over HTTP."""

from typing import Annotated

from fastapi import Depends

from services.api.core.auth import Principal, require
from services.api.core.context import ClockDep, ProtocolDep
from services.api.core.db import SessionDep
from services.api.core.errors import Forbidden, NotFound, Unauthorized, responses
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.endpoint import service
from services.api.endpoint.explanation import explain
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

    `event` as soon as an assessment in the window is severe; `no_event` when the
    window is over with enough of them, `not_evaluable` without. Derived anew at
    each request, with the deciding grading and its version.
    """
    derived = service.endpoint(session, caller, clock, protocol, subject_id)
    outcome = derived.outcome
    window = outcome.window
    return EndpointRead(
        subject_id=subject_id,
        primary=_outcome(outcome.primary),
        secondary=_outcome(outcome.secondary),
        window=DateRange(from_=window.from_, to=window.to) if window else None,
        left_on=derived.left_on,
        max_grade=outcome.max_grade,
        days_to_first_severe=outcome.days_to_first_severe,
        days_severe=outcome.days_severe,
        grade_4=outcome.grade_4,
        gy_at_onset=outcome.gy_at_onset,
        coverage=outcome.coverage,
        gaps=list(outcome.gaps),
        unresolved=list(outcome.unresolved),
        last_assessed_on=outcome.last_assessed_on,
        explanation=explain(outcome, protocol.endpoint, left_on=derived.left_on),
        protocol_version=protocol.version,
    )


def _outcome(decision: Decision) -> OutcomeRead:
    deciding = decision.deciding
    return OutcomeRead(
        status=decision.status,
        deciding_grading=deciding.grading if deciding else None,
        deciding_version=deciding.version if deciding else None,
        deciding_visit=deciding.visit if deciding else None,
        deciding_basis=deciding.basis if deciding else None,
        deciding_adjudication=deciding.adjudication if deciding else None,
    )

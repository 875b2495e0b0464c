"""Case reports over HTTP."""

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from services.api.adverse_events.schemas import EventId
from services.api.case_reports import service
from services.api.case_reports.errors import NotReportable
from services.api.case_reports.message import xml
from services.api.case_reports.schemas import CaseReport
from services.api.core.accept import Accepts
from services.api.core.auth import Principal, require
from services.api.core.context import ClockDep, ProtocolDep
from services.api.core.db import SessionDep
from services.api.core.errors import Forbidden, NotAcceptable, NotFound, Unauthorized, responses
from services.api.core.permissions import Action
from services.api.core.routing import Router

router = Router(prefix="/v1", tags=["adverse events"])

JSON, XML = "application/json", "application/xml"
_MESSAGE = {
    "description": "With `Accept: application/xml`, the message that a regulator takes.",
    "content": {XML: {"schema": {"type": "string"}}},
}


@router.get(
    "/adverse-events/{event_id}/case-report",
    response_model=CaseReport,
    responses={
        200: _MESSAGE,
        **responses(Unauthorized, Forbidden, NotFound, NotAcceptable, NotReportable),
    },
)
def read_case_report(
    event_id: EventId,
    caller: Annotated[Principal, Depends(require(Action.READ_CASE_REPORTS))],
    media_type: Annotated[str, Depends(Accepts(JSON, XML))],
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> CaseReport | Response:
    """The case report of a suspected unexpected serious adverse reaction, in ICH E2B(R3).

    It tells of the whole case, with every occurrence, as the records stand
    now: a follow-up has the same identifier and later information, and a
    nullified case gives its nullification. As `application/xml` it is the
    message, as `application/json` the same content with the numbers of the
    elements. It names the study drug that the subject was given, and so the arm.
    """
    report = service.read(session, caller, clock, protocol, event_id)
    return report if media_type == JSON else Response(xml(report), media_type=XML)

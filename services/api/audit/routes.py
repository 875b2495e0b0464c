"""The audit trail and its checkpoints over HTTP."""

from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse
from starlette.responses import Response

from services.api.audit import service, spreadsheet
from services.api.audit.schemas import AuditEventPage, AuditQuery, CheckpointPage
from services.api.core.auth import Principal, require
from services.api.core.db import SessionDep
from services.api.core.errors import BadCursor, Forbidden, Invalid, Unauthorized, responses
from services.api.core.pagination import PageDep
from services.api.core.permissions import Action
from services.api.core.routing import Router

router = Router(prefix="/v1", tags=["audit"])

_TABLE = {
    "description": "With `format=csv`, a table of every event that the filters leave.",
    "content": {"text/csv": {"schema": {"type": "string"}}},
}


@router.get(
    "/audit-events",
    response_model=AuditEventPage,
    responses={200: _TABLE, **responses(Unauthorized, Forbidden, BadCursor, Invalid)},
)
def list_audit_events(
    caller: Annotated[Principal, Depends(require(Action.READ_AUDIT))],
    session: SessionDep,
    asked: Annotated[AuditQuery, Query()],
) -> AuditEventPage | Response:
    """The audit trail as a history: who did what when, from what to what, and why.

    An auditor reads all of it, monitors and investigators that of their
    sites. Nothing in it can be changed. With `format=csv` the answer holds
    every event up to this moment, however many, and `limit` is refused; the
    export stands in the trail itself.
    """
    if asked.format == "json":
        items, cursor = service.list_events(session, caller, asked)
        return AuditEventPage(items=items, next_cursor=cursor)
    if "limit" in asked.model_fields_set:
        raise Invalid.at("/query/limit", "not_with_csv", "A table holds every event: leave it out")
    last = service.begin_export(session, caller, asked)
    pages = service.export(session.info["database"], caller, asked, last)
    return StreamingResponse(
        spreadsheet.lines(pages),
        media_type="text/csv; charset=utf-8; header=present",
        headers={"Content-Disposition": 'attachment; filename="audit-events.csv"'},
    )


@router.get(
    "/audit/checkpoints",
    dependencies=[Depends(require(Action.READ_CHECKPOINTS))],
    responses=responses(Unauthorized, Forbidden, BadCursor),
)
def list_checkpoints(session: SessionDep, asked: PageDep) -> CheckpointPage:
    """The signed seals over the trail, oldest first.

    Fetch them regularly and keep them: whoever holds them can prove later,
    by `trial audit verify --against`, that no event before them was changed,
    added or removed.
    """
    rows, cursor = service.list_checkpoints(session, asked)
    return CheckpointPage.model_validate(
        {"items": [row.model_dump() for row in rows], "next_cursor": cursor}
    )

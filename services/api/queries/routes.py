"""Data queries over HTTP."""

from typing import Annotated

from fastapi import Body as JsonBody
from fastapi import Depends, Query

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
from services.api.core.permissions import Action
from services.api.core.routing import MERGE_PATCH, Router
from services.api.queries import service
from services.api.queries.errors import NotTheOpener, QueryMoveNotAllowed, SiteAnswers
from services.api.queries.rules import STATUS, QueryAction
from services.api.queries.schemas import (
    QueryCreate,
    QueryFilter,
    QueryId,
    QueryPage,
    QueryPatch,
    QueryRead,
    QueryStepRead,
)
from services.api.queries.service import Conversation

router = Router(prefix="/v1/queries", tags=["queries"])
ONE = (Unauthorized, Forbidden, NotFound)

Reader = Annotated[Principal, Depends(require(Action.READ_QUERIES))]


def _read(talk: Conversation) -> QueryRead:
    steps = [
        QueryStepRead.model_validate({**step.model_dump(), "action": step.step})
        for step in talk.steps
    ]
    return QueryRead.model_validate(
        {
            **talk.query.model_dump(),
            "raised_at": talk.query.raised,
            "version": talk.last.version,
            "status": STATUS[QueryAction(talk.last.step)],
            "conversation": steps,
        }
    )


@router.get("", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_queries(
    caller: Reader, session: SessionDep, asked: Annotated[QueryFilter, Query()]
) -> QueryPage:
    """Data queries at your sites, oldest first.

    An assessor sees those about their own gradings.
    """
    talks, cursor = service.list_queries(session, caller, asked)
    return QueryPage(items=[_read(talk) for talk in talks], next_cursor=cursor)


@router.post(
    "",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(Unauthorized, Forbidden, Invalid, *KEY_REFUSALS),
)
def raise_query(
    given: QueryCreate,
    caller: Annotated[Principal, Depends(require(Action.RAISE_QUERY))],
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> QueryRead:
    """Ask the site about something recorded: a field, or a whole record.

    Ask one thing at a time: each query is answered and closed by
    itself.
    """
    return _read(service.raise_query(session, caller, clock, protocol, given))


@router.get("/{query_id}", responses=responses(*ONE))
def read_query(query_id: QueryId, caller: Reader, session: SessionDep) -> QueryRead:
    """One data query with its whole conversation."""
    return _read(service.get_query(session, caller, query_id))


@router.patch(
    "/{query_id}",
    responses=responses(
        *ONE,
        SiteAnswers,
        NotTheOpener,
        QueryMoveNotAllowed,
        StaleVersion,
        IfMatchMissing,
        Invalid,
    ),
)
def change_query(
    query_id: QueryId,
    patch: Annotated[QueryPatch, JsonBody(media_type=MERGE_PATCH)],
    caller: Annotated[Principal, Depends(require(Action.CHANGE_QUERY))],
    expected: IfMatch,
    session: SessionDep,
) -> QueryRead:
    """Answer a data query, reopen it or close it.

    The site answers, and may answer again to correct itself; whoever raised
    the query closes it, or reopens it with what is still missing. The record
    itself is corrected at its own address. What the service asked, it closes
    by itself once the data is corrected.
    """
    return _read(service.take_step(session, caller, query_id, expected, patch))

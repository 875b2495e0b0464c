"""The feed of events over HTTP."""

from typing import Annotated

from fastapi import Depends, Query

from services.api.core.auth import Principal, require
from services.api.core.db import SessionDep
from services.api.core.errors import BadCursor, Forbidden, Invalid, Unauthorized, responses
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.events import service
from services.api.events.schemas import EventFilter, EventPage, EventRead

router = Router(prefix="/v1/events", tags=["events"])


@router.get("", responses=responses(Unauthorized, Forbidden, BadCursor, Invalid))
def list_events(
    caller: Annotated[Principal, Depends(require(Action.READ_EVENTS))],
    session: SessionDep,
    asked: Annotated[EventFilter, Query()],
) -> EventPage:
    """What happened at your sites, in the order in which it was committed.

    Ask again with `after` = the `id` of the last item that you have: no event
    ever appears before one that you have read, so nothing is missed. Events
    hold no clinical data: follow their links.
    """
    events, cursor = service.list_events(session, caller, asked)
    return EventPage(items=[EventRead.of(event) for event in events], next_cursor=cursor)

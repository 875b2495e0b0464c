"""The feed of events over HTTP: in pages, or as a stream."""

from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request
from starlette.responses import Response

from services.api.core import etag
from services.api.core.accept import Accepts
from services.api.core.auth import Principal, require
from services.api.core.db import SessionDep
from services.api.core.errors import (
    BadCursor,
    Forbidden,
    Invalid,
    NotAcceptable,
    Unauthorized,
    responses,
)
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.events import service
from services.api.events.answer import MEDIA_TYPE, EventStream, reading
from services.api.events.errors import StreamsBusy, TooManyStreams
from services.api.events.schemas import EVENT, EventFilter, EventPage, EventRead
from services.api.events.streams import StreamsDep

router = Router(prefix="/v1/events", tags=["events"])

JSON = "application/json"
_may_read = require(Action.READ_EVENTS)

_STREAM: dict[str, Any] = {
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "string",
                "description": "Server-sent events. Of each, `id` is the event's, `event` its"
                " type, and `data` the item that a page would have, as JSON. The first is `start`;"
                " `end` tells why there are no more.",
            },
            "example": f'retry: 3000\nid: {EVENT}\nevent: start\ndata: {{"after": "{EVENT}"}}\n\n',
        }
    }
}

_REFUSALS = (
    Unauthorized,
    Forbidden,
    NotAcceptable,
    BadCursor,
    Invalid,
    TooManyStreams,
    StreamsBusy,
)


@router.get("", response_model=EventPage, responses={200: _STREAM, **responses(*_REFUSALS)})
def list_events(
    request: Request,
    caller: Annotated[Principal, Depends(_may_read)],
    media_type: Annotated[str, Depends(Accepts(JSON, MEDIA_TYPE))],
    streams: StreamsDep,
    session: SessionDep,
    asked: Annotated[EventFilter, Query()],
    last_event_id: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            max_length=64,
            description="Of a stream alone: the last event that you have, before `after`. Left"
            " out like `after`, the stream begins with what happens from now on.",
            examples=[EVENT],
        ),
    ] = None,
) -> EventPage | Response:
    """What happened at your sites, in the order in which it was committed.

    Ask again with `after` = the `id` of the last item that you have: no event
    ever appears before one that you have read, so nothing is missed. Events
    hold no clinical data: follow their links.

    With `Accept: text/event-stream` the answer goes on, for live screens: each
    event comes within a second or so, and a comment where fifteen seconds pass
    without one. It ends with the access token, at the latest: come again with
    a new one and `Last-Event-ID`. Read it with `fetch`, for a browser's
    `EventSource` cannot send a token, and none is taken from the address.
    """
    if media_type == JSON:
        events, cursor = service.list_events(session, caller, asked)
        return EventPage(items=[EventRead.of(event) for event in events], next_cursor=cursor)
    etag.never_keep(request)
    place = service.begin_stream(session, caller, asked, last_event_id)
    read = reading(request.app.state.database, caller, asked.type)
    return EventStream(streams, partial(_may_read, request), read, caller, place)

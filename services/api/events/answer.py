"""Events as they happen: an answer that goes on (server-sent events, WHATWG HTML section 9.2).

A stream holds no thread, no transaction and no connection to the database
while it waits. It ends when its caller may not listen any more, when the
server stops, or when the client has gone.
"""

import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus

import anyio
import structlog
from anyio import CancelScope, to_thread
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.api.core.auth import Principal
from services.api.core.db import Database
from services.api.core.errors import ApiError, Unavailable
from services.api.core.events import EventType, FeedEvent
from services.api.core.sending import ReaderStopped, limited
from services.api.events import service
from services.api.events.schemas import EventRead
from services.api.events.service import Place
from services.api.events.streams import Streams
from services.api.events.watch import Mark

log = structlog.get_logger()

MEDIA_TYPE = "text/event-stream"
HEADERS = {
    "Content-Type": MEDIA_TYPE,
    "X-Accel-Buffering": "no",  # nginx would keep the events until there are enough of them
}

RETRY = 3
"""Seconds that a client is asked to wait before it comes again."""
HEARTBEAT = 15.0
"""Seconds after which something is sent, so that nobody takes a quiet line for a dead one."""
LOOK = 0.5
"""Seconds after which a quiet stream asks again whether its caller may still listen."""
AT_ONCE = 100
"""Events that are read, and sent, at a time."""
FAREWELL = 1.0
"""Seconds in which a client can take the last words."""

CLOSING = "closing"
"""Why a stream ends whose caller might have gone on listening."""
LEFT, STOPPED, FAILED = "left", "stopped", "failed"
"""Ends of which nobody can be told: they stand in the log."""


class EventStream(Response):
    """The events after a place in the feed, until it ends.

    `allowed` raises once the caller may not listen any more, as it would
    refuse the next request.
    """

    def __init__(
        self,
        streams: Streams,
        allowed: Callable[[], Awaitable[object]],
        read: Callable[[Place], list[FeedEvent]],
        caller: Principal,
        place: Place,
    ) -> None:
        self.status_code = HTTPStatus.OK
        self.background = None
        self._streams, self._allowed, self._read = streams, allowed, read
        self._caller, self._place = caller, place
        self._told, self._sent_at = 0, 0.0
        self._ended = FAILED
        self.init_headers(HEADERS)  # without a length, which nobody knows

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Stream, or refuse before anything was sent.

        Raises:
            TooManyStreams, StreamsBusy, Unavailable: there is no place for it.
        """
        began = time.monotonic()
        with self._streams.place(self._caller.id):
            try:
                await self._stream(receive, send)
            finally:
                log.info(
                    "event_stream_ended",
                    because=self._ended,
                    events=self._told,
                    seconds=round(time.monotonic() - began, 1),
                )

    async def _stream(self, receive: Receive, to_reader: Send) -> None:
        send = limited(to_reader, self._streams.send_seconds)
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        async with anyio.create_task_group() as tasks:
            gone, closing = partial(_gone, receive), self._streams.closing.wait
            tasks.start_soon(self._until, gone, LEFT, tasks.cancel_scope)
            tasks.start_soon(self._until, closing, CLOSING, tasks.cancel_scope)
            self._ended = await self._follow(send)
            tasks.cancel_scope.cancel()
        if self._ended != STOPPED:
            await self._take_leave(limited(to_reader, FAREWELL))

    async def _take_leave(self, send: Send) -> None:
        # Of a sandbox that is being reset, clients are said to have left while they are there.
        reason = CLOSING if self._ended == LEFT else self._ended
        with suppress(ReaderStopped):
            await self._send(send, block("end", {"reason": reason}))
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _until(
        self, end: Callable[[], Awaitable[object]], why: str, scope: CancelScope
    ) -> None:
        await end()
        self._ended = why
        scope.cancel()

    async def _follow(self, send: Send) -> str:
        """Tell what happens, and why there is an end of it."""
        try:
            await self._send(send, opening(self._place))
            known: Mark | None = None
            while True:
                await self._allowed()
                newest = self._streams.watch.newest
                if newest != known:
                    # Read after `newest` was: nothing up to it is left when these are few.
                    if await self._tell(send) < AT_ONCE:
                        known = newest
                elif time.monotonic() - self._sent_at >= HEARTBEAT:
                    await self._send(send, b":\n\n")
                if newest == known:
                    await self._streams.watch.moves(known, LOOK)
        except ApiError as refusal:
            return refusal.code
        except (DBAPIError, PoolTimeout):
            return Unavailable.code
        except ReaderStopped:
            return STOPPED

    async def _tell(self, send: Send) -> int:
        """Send the next events, and how many they were."""
        read = partial(self._read, self._place)
        events = await to_thread.run_sync(read, limiter=self._streams.readers)
        if events:
            await self._allowed()  # whoever lost access before one happened never hears of it
            await self._send(send, b"".join(event_block(event) for event in events))
            self._place = Place.of(events[-1])
            self._told += len(events)
        return len(events)

    async def _send(self, send: Send, body: bytes) -> None:
        await send({"type": "http.response.body", "body": body, "more_body": True})
        self._sent_at = time.monotonic()


def reading(
    database: Database, caller: Principal, kind: EventType | None
) -> Callable[[Place], list[FeedEvent]]:
    """What reads the caller's next events, in a transaction of its own each time.

    It keeps to the database that it began with: a sandbox that was reset has another.
    """

    def read(place: Place) -> list[FeedEvent]:
        with database.session(caller) as session:
            return list(service.events_after(session, caller, place, kind, AT_ONCE))

    return read


def opening(place: Place) -> bytes:
    """The first block: when to come again, and after which event the stream begins."""
    after = None if place.event is None else str(place.event)
    return f"retry: {RETRY * 1000}\n".encode() + block("start", {"after": after}, after)


def event_block(event: FeedEvent) -> bytes:
    """One event: its data are the item that a page would have."""
    item = EventRead.of(event)
    lines = f"id: {item.id}\nevent: {item.type.value}\ndata: "
    return lines.encode() + item.model_dump_json(by_alias=True).encode() + b"\n\n"


def block(name: str, data: dict[str, str | None], last: str | None = None) -> bytes:
    """What is told of the stream itself; `last` is what Last-Event-ID says the next time."""
    lines = [] if last is None else [f"id: {last}"]
    return "\n".join([*lines, f"event: {name}", f"data: {json.dumps(data)}", "", ""]).encode()


async def _gone(receive: Receive) -> None:
    """Wait until the client has gone, or is said to have."""
    while (await receive())["type"] != "http.disconnect":
        pass

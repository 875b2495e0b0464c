"""The gate before a sandbox: closed while it is being reset, so that nobody sees half a state."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.core.errors import Unavailable
from services.api.language.tags import chosen

BESIDE = frozenset({"/sandbox/reset", "/healthz"})
"""What uses no database, and is answered while the gate is closed."""

LOOK_SECONDS = 0.01


class Gate:
    """Counts the requests inside; while it is closed nobody else enters."""

    def __init__(self) -> None:
        self._closed = False
        self._inside = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()

    @contextmanager
    def closed(self, patience: float) -> Iterator[None]:
        """Close, end the streams, and wait some seconds for the other requests inside.

        For a thread beside the event loop.
        """
        self._closed = True
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._end.set)
            deadline = time.monotonic() + patience
            while self._inside and time.monotonic() < deadline:
                time.sleep(LOOK_SECONDS)
            yield
        finally:
            self._end = asyncio.Event()
            self._closed = False

    async def admit(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request inside, or answer 503 with Retry-After."""
        if self._closed:
            language = chosen(",".join(Headers(scope=scope).getlist("Accept-Language")))
            answer = Unavailable("The sandbox is being reset.").response(language)
            answer.headers["Vary"] = "Accept-Language"
            await answer(scope, receive, send)
            return
        self._loop = asyncio.get_running_loop()
        self._inside += 1
        try:
            await app(scope, self._until_closing(receive), send)
        finally:
            self._inside -= 1

    def _until_closing(self, receive: Receive) -> Receive:
        """What the client sends; whoever waits for it to leave is told so when the gate closes."""
        read, end = False, self._end

        async def received() -> Message:
            nonlocal read
            if not read:
                message = await receive()
                read = not message.get("more_body", False)
                return message
            left, ended = asyncio.ensure_future(receive()), asyncio.ensure_future(end.wait())
            try:
                await asyncio.wait([left, ended], return_when=asyncio.FIRST_COMPLETED)
                return left.result() if left.done() else {"type": "http.disconnect"}
            finally:
                left.cancel()
                ended.cancel()

        return received


class Gated:
    """Every request passes the gate."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self.app = app
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request."""
        if scope["type"] != "http" or scope["path"] in BESIDE:
            await self.app(scope, receive, send)
        else:
            await self.gate.admit(self.app, scope, receive, send)

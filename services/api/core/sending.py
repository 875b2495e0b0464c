"""What a reader of an answer owes: to take it. Who stops holds nothing for longer than they may.

Two limits by one setting, TRIAL_SEND_SECONDS. `limited` is the application's:
a long answer gives back what it holds, a place or a file, when a piece was not
taken in time. `Connection` is the server's, for every answer: PostgreSQL,
threads and files are long free by then, but uvicorn would keep the socket and
what is buffered for it until the other end is gone.
"""

import socket
import sys
from typing import Any

import anyio
from starlette.types import Message, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

UNSENT = 64 * 1024
"""Bytes that the system takes for a connection beyond those on their way.

Without such a limit it takes megabytes from us and then nothing until a third
of them are gone: a slow line would look like one that stands still.
"""

STATE = "send_seconds"
"""The setting, in the state that the application hands the server when it starts."""

AT_STOP = "at_stop"
"""What to call when the server stops, in the same state: answers without an end learn of it so."""


class ReaderStopped(Exception):
    """The reader did not take a piece in time; nothing more can be sent."""


def limited(send: Send, seconds: float) -> Send:
    """Send each piece within so many seconds, or not at all.

    With 60 of them a reader of 64 KiB a minute, about 1 KiB a second, is fast
    enough. Only what sends in pieces needs this: a short answer waits for nobody.

    Raises:
        ReaderStopped: from the `send` that is returned.
    """

    async def sent(message: Message) -> None:
        with anyio.move_on_after(seconds) as patience:
            await send(message)
        if patience.cancelled_caught:
            raise ReaderStopped

    return sent


class Connection(HttpToolsProtocol):
    """A connection that ends when its other end takes nothing for so many seconds.

    The system counts them (TCP_USER_TIMEOUT, RFC 5482), from the moment on when
    bytes are unacknowledged or the other end's buffers are full, and then drops
    the connection: the application is told that the caller has left.

    When the server stops, uvicorn waits for every answer to end and tells none
    of them that it waits; this tells.
    """

    def connection_made(self, transport: Any) -> None:  # uvloop's is none of asyncio's
        """Tell the system how long to wait."""
        super().connection_made(transport)
        seconds: float | None = self.app_state.get(STATE)
        if seconds is not None and sys.platform == "linux":  # others lack the options
            own, tcp = transport.get_extra_info("socket"), socket.IPPROTO_TCP
            own.setsockopt(tcp, socket.TCP_NOTSENT_LOWAT, UNSENT)
            own.setsockopt(tcp, socket.TCP_USER_TIMEOUT, round(seconds * 1000))

    def shutdown(self) -> None:
        """Begin to end: called for each connection that is open when the server stops."""
        if (close := self.app_state.get(AT_STOP)) is not None:
            close()
        super().shutdown()

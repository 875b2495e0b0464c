"""Over real sockets: who stops reading is let go, and who reads slowly is not."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.core.sending import STATE, ReaderStopped, limited
from tests.listening import listening

BLOCK = 64 * 1024
MANY = 512
"""Blocks that the system's buffers do not take: 32 MiB."""


@contextmanager
def answering(answer: ASGIApp, seconds: float) -> Iterator[socket.socket]:
    """A connection over which something was asked; its own buffers are small, as on a slow line."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, float]]:
        yield {STATE: seconds}

    app = FastAPI(lifespan=lifespan)
    app.mount("/", answer)
    with listening(app) as address, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
        connection.settimeout(20)
        at = urlsplit(address)
        connection.connect((at.hostname, at.port))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        yield connection


def gone(connection: socket.socket) -> bool:
    """Whether the other end dropped the connection, when what had arrived is read."""
    try:
        while connection.recv(BLOCK):
            pass
    except ConnectionResetError:
        return True
    return False


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Streaming:
    """An answer in pieces that tells how it went."""

    def __init__(self, seconds: float, blocks: int) -> None:
        self._seconds, self._blocks = seconds, blocks
        self.sent = 0
        self.ended = ""
        self.left = False

    async def __call__(self, _: Scope, receive: Receive, to_reader: Send) -> None:
        """Send, and watch for the caller's leaving."""
        watching = asyncio.create_task(self._watch(receive))
        send = limited(to_reader, self._seconds)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _block in range(self._blocks):
                await send({"type": "http.response.body", "body": b"x" * BLOCK, "more_body": True})
                self.sent += 1
            await send({"type": "http.response.body", "body": b""})
            self.ended = "whole"
        except ReaderStopped:
            self.ended = "stopped"
        await asyncio.wait_for(watching, 15)

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left = True


def test_a_piece_that_is_not_taken_in_time_ends_the_answer() -> None:
    answer = Streaming(seconds=0.3, blocks=MANY)
    with answering(answer, seconds=1) as connection:
        until(lambda: answer.ended == "stopped")
        assert answer.sent < MANY
        # And the server drops the connection, which would else wait for its reader for ever.
        until(lambda: answer.left)
        assert gone(connection)


def test_a_reader_who_stops_has_left() -> None:
    answer = Streaming(seconds=60, blocks=MANY)
    with answering(answer, seconds=1) as connection:
        until(lambda: answer.left)
        assert gone(connection)


def test_who_stops_reading_a_short_answer_is_dropped_too() -> None:
    async def whole(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * BLOCK * MANY})

    with answering(whole, seconds=1) as connection:
        time.sleep(3)
        assert gone(connection)


def test_who_reads_slowly_gets_everything() -> None:
    answer = Streaming(seconds=0.5, blocks=96)
    read = 0
    with answering(answer, seconds=0.5) as connection:
        began = time.monotonic()
        # 400 KiB a second; what is 64 KiB in half a second would be enough.
        while time.monotonic() - began < 3 and (piece := connection.recv(20 * 1024)):
            read += len(piece)
            time.sleep(0.05)
        assert answer.ended != "stopped"
        while answer.ended != "whole":
            read += len(connection.recv(BLOCK))
        while read < 96 * BLOCK:
            read += len(connection.recv(BLOCK))
    assert answer.ended == "whole"


async def sending(send: Send, message: Message) -> None:
    await limited(send, 1)(message)


def test_a_piece_that_is_taken_passes_as_it_is() -> None:
    passed: list[Message] = []

    async def takes(message: Message) -> None:
        passed.append(message)

    message: Message = {"type": "http.response.body", "body": b"x"}
    asyncio.run(sending(takes, message))
    assert passed == [message]


def test_a_failure_of_sending_is_not_taken_for_a_stop() -> None:
    async def fails(_: Message) -> None:
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        asyncio.run(sending(fails, {"type": "http.response.body"}))

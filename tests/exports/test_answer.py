"""What a reader gets of an export, and what becomes of one who is slow, stops, or leaves."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from starlette.types import Message

from services.api.core.errors import Unavailable
from services.api.exports import answer as answers
from services.api.exports.answer import ExportAnswer
from services.api.exports.spool import BLOCK, Production

Send = Callable[[Message], Awaitable[None]]


class Reader:
    """The other end of a connection, as the server shows it to the application."""

    def __init__(self, pause: float = 0, leaves_after: int | None = None) -> None:
        self.got: list[Message] = []
        self._pause, self._leaves_after = pause, leaves_after
        self._left = asyncio.Event()

    async def receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.got.append(message)
        if self._leaves_after is not None and len(self.got) > self._leaves_after:
            self._left.set()
        if message.get("body"):
            await asyncio.sleep(self._pause)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.got)

    @property
    def ended(self) -> bool:
        """Whether the answer came to its proper end."""
        return self.got[-1].get("more_body") is False


async def never() -> bool:
    return False


def answer(
    reader: Reader,
    write: Callable[[Any], Iterator[bytes]],
    send_seconds: float = 60,
    is_over: Callable[[], Awaitable[bool]] = never,
) -> Production[Any]:
    """Answer, over a connection with this reader."""
    production: Production[Any] = Production(nullcontext(), write)
    answered = ExportAnswer(production, {"Content-Type": "text/csv"}, send_seconds, is_over)
    asyncio.run(answered({"type": "http"}, reader.receive, reader.send))
    return production


def four(_: object) -> Iterator[bytes]:
    for letter in b"abcd":
        yield bytes([letter]) * BLOCK


def test_a_reader_gets_everything_and_its_end() -> None:
    reader = Reader()
    answer(reader, four)
    assert reader.got[0]["status"] == 200
    assert reader.body == b"".join(four(None))
    assert reader.ended


def test_a_slow_reader_gets_everything_too() -> None:
    reader = Reader(pause=0.05)
    answer(reader, four)
    assert reader.body == b"".join(four(None))
    assert reader.ended


def test_a_reader_who_stops_is_cut_off() -> None:
    reader = Reader(pause=30)
    began = time.monotonic()
    production = answer(reader, four, send_seconds=0.05)
    assert time.monotonic() - began < 10
    assert not reader.ended
    assert production._closed


def test_a_reader_who_leaves_ends_the_production(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = threading.Event()

    def endlessly(_: object) -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * BLOCK
        finally:
            stopped.set()

    reader = Reader(leaves_after=3)
    production = answer(reader, endlessly)
    assert stopped.wait(10)
    assert not reader.ended
    assert production._closed


def test_a_failure_in_the_middle_ends_the_answer_without_its_end() -> None:
    def fails(_: object) -> Iterator[bytes]:
        yield b"x" * BLOCK
        time.sleep(0.05)
        raise ValueError("broken")

    reader = Reader()
    answer(reader, fails)
    assert reader.body == b"x" * BLOCK
    assert not reader.ended


async def unknown() -> bool:
    raise Unavailable


@pytest.mark.parametrize("when_known", [True, None])
def test_whose_session_ends_gets_no_more_than_before(when_known: bool | None) -> None:
    reader, asked = Reader(), 0

    async def after_two() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2 and (when_known or await unknown())

    production = answer(reader, four, is_over=after_two)
    assert reader.body == b"".join(four(None))[: 2 * BLOCK]
    assert not reader.ended
    assert production._closed


def test_a_pause_of_the_production_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "WAIT", 0.01)

    def pausing(_: object) -> Iterator[bytes]:
        yield b"x" * BLOCK
        time.sleep(0.1)
        yield b"y"

    reader = Reader()
    answer(reader, pausing)
    assert reader.body == b"x" * BLOCK + b"y"
    assert reader.ended

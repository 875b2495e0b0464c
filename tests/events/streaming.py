"""Somebody who listens to a stream of events, over a connection of their own."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from tests.make import Api, Json

STREAM = "text/event-stream"
PATH = "/v1/events"


@dataclass
class Block:
    """What stands between two empty lines: fields as they were sent, and comments."""

    fields: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)

    @property
    def event(self) -> str:
        return self.fields.get("event", "")

    @property
    def data(self) -> Json:
        read: Json = json.loads(self.fields["data"])
        return read


class Listener:
    """Reads in a thread, so that a test can say how long it is willing to wait."""

    def __init__(self, answer: HTTPResponse) -> None:
        self.answer = answer
        self.whole = False
        self._blocks: queue.Queue[Block | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        block = Block()
        try:
            for line in self.answer:
                if text := line.decode().removesuffix("\n"):
                    name, _, value = text.partition(":")
                    if name:
                        assert name not in block.fields, text
                        block.fields[name] = value.removeprefix(" ")
                    else:
                        block.comments.append(value)
                else:
                    self._blocks.put(block)
                    block = Block()
            self.whole = True
        except (OSError, HTTPException, ValueError):
            pass  # the connection was cut, here or there
        finally:
            self._blocks.put(None)

    def next(self, seconds: float = 20) -> Block:
        """The next block."""
        block = self._blocks.get(timeout=seconds)
        assert block is not None, "the stream has ended"
        return block

    def told(self, number: int) -> list[Json]:
        """So many events, in their order."""
        return [self._event() for _ in range(number)]

    def _event(self) -> Json:
        block = self.next()
        assert (block.fields["id"], block.event) == (block.data["id"], block.data["type"])
        return block.data

    def hears_nothing(self, seconds: float) -> None:
        """Nothing comes, and the stream goes on."""
        try:
            block = self._blocks.get(timeout=seconds)
        except queue.Empty:
            return
        raise AssertionError(f"heard {block}")

    def end(self, seconds: float = 20) -> str:
        """Why there is no more, as the last block says; what came before it is passed over."""
        last, reason = self._blocks.get(timeout=seconds), ""
        while last is not None:
            reason = last.data["reason"] if last.event == "end" else ""
            last = self._blocks.get(timeout=seconds)
        self._thread.join()
        return reason

    def join(self) -> None:
        self._thread.join(timeout=20)


@contextmanager
def opened(api: Api, query: str = "", **headers: str) -> Iterator[tuple[HTTPResponse, Any]]:
    """A connection on which a stream was asked for, and what it began to answer."""
    at = urlsplit(str(api.client.base_url))
    connection = HTTPConnection(at.hostname or "", at.port, timeout=30)
    sent = {"Accept": STREAM, **{name.replace("_", "-"): text for name, text in headers.items()}}
    if api.token:
        sent.setdefault("Authorization", f"Bearer {api.token}")
    connection.request("GET", PATH + query, headers=sent)
    socket = connection.sock
    try:
        with connection.getresponse() as answer:
            yield answer, socket
    finally:
        connection.close()


@contextmanager
def listening(api: Api, query: str = "", **headers: str) -> Iterator[Listener]:
    """A listener, after the first block of the stream."""
    with opened(api, query, **headers) as (answer, socket):
        assert answer.status == 200, answer.read()
        listener = Listener(answer)
        try:
            first = listener.next()
            assert first.event == "start"
            yield listener
        finally:
            with suppress(OSError):  # the server was quicker
                socket.shutdown(2)
            listener.join()

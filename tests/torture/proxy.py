"""A relay between the service and PostgreSQL that cuts the line at an exact statement.

It reads as much of the protocol as tells where a request and its answer end
(PostgreSQL documentation, chapter "Frontend/Backend Protocol", version 3). A
request is everything up to a simple Query or a Sync; its answer is everything
up to ReadyForQuery. The start of a connection counts as a request too. TLS has
to be switched off, and each request is answered before the next is sent.
"""

import re
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
SECONDS = 20
CHUNK = 65536

# The types of messages; those of the service's side first.
QUERY, PARSE, BIND, SYNC, PASSWORD, TERMINATE = b"Q", b"P", b"B", b"S", b"p", b"X"
READY, AUTHENTICATION = b"Z", b"R"
START = b"\0"
"""A connection's first message has no type: it begins with its length, which is small."""


class Side(Enum):
    """Where in a request's life the line is cut."""

    BEFORE = "before it is sent"
    AFTER = "when PostgreSQL has done it, before its answer"
    WITHIN = "when PostgreSQL has done it, before the last byte of its answer"


class Then(Enum):
    """What the service finds after the cut, until `Proxy.mend`."""

    SERVED = "once: PostgreSQL noticed at once, and serves the next connection"
    REFUSED = "everything is cut"
    UNNOTICED = "PostgreSQL serves the next connection, and goes on waiting on this one"


@dataclass(frozen=True)
class Cut:
    """A cut at the request with that place, from 0, after `Proxy.arm`."""

    place: int
    side: Side
    then: Then


class Framing:
    """Splits a stream into messages: a type, a length that counts itself, and the content."""

    def __init__(self, *, starts: bool = False) -> None:
        self._type_bytes = 0 if starts else 1
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The messages that are whole now; the one that starts a connection has no type."""
        self._rest += chunk
        while len(self._rest) >= (header := self._type_bytes + 4):
            (length,) = struct.unpack(">I", self._rest[header - 4 : header])
            end = self._type_bytes + length
            if len(self._rest) < end:
                return
            message, self._rest = self._rest[:end], self._rest[end:]
            self._type_bytes = 1
            yield message


def told(request: bytes) -> str:
    """What a request asks: its SQL text where it has one, without the values in it."""
    kind, content = request[:1], request[5:]
    if kind == QUERY:
        return re.sub("'[^']*'", "'…'", content.removesuffix(b"\0").decode())
    if kind == PARSE:
        return content.split(b"\0")[1].decode()
    return f"execute {content.split(START)[1].decode()}" if kind == BIND else "connect"


class Proxy:
    """Listens on `port` for the service, and connects to PostgreSQL's port `upstream`."""

    def __init__(self, upstream: int) -> None:
        self.requests: list[str] = []
        """What was asked since `arm`, in order."""
        self.made = False
        """Whether the cut was made since `arm`."""
        self._upstream = upstream
        self._lock = threading.Lock()
        self._cut: Cut | None = None
        self._refusing = False
        self._unnoticed: list[socket.socket] = []
        self._links: dict[threading.Thread, Link] = {}
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, name="proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.mend()
        for thread, link in self._links.items():
            link.interrupt()
            thread.join()

    def arm(self, cut: Cut | None = None) -> None:
        """Count the requests from now on and, if asked to, cut one of them."""
        with self._lock:
            self.requests, self.made, self._cut = [], False, cut

    def mend(self) -> None:
        """Serve again, and let PostgreSQL notice the end of every line that was cut."""
        with self._lock:
            self._cut, self._refusing = None, False
            unnoticed, self._unnoticed = self._unnoticed, []
        for postgres in unnoticed:
            end_session(postgres)

    # --- what a link asks and tells ----------------------------------------------------

    def count(self, request: bytes) -> Cut | None:
        """Count a request; the cut that is to be made of it, if any."""
        with self._lock:
            place = len(self.requests)
            self.requests.append(told(request))
            due = self._cut is not None and self._cut.place == place
            return self._cut if due else None

    def cut(self, link: "Link", then: Then) -> None:
        """Cut a link's line, and whatever goes with that."""
        with self._lock:
            self.made = True
            self._refusing = then is Then.REFUSED
            others = [one for one in self._links.values() if one is not link]
            if then is Then.UNNOTICED:
                self._unnoticed.append(link.leave_open())
        if then is not Then.UNNOTICED:
            end_session(link.postgres)
        if then is Then.REFUSED:
            for other in others:
                other.interrupt()

    # --- links ---------------------------------------------------------------------------

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was shut down
            while True:
                service, _ = self._listener.accept()
                if self._refusing:
                    service.close()
                else:
                    self._join(service)

    def _join(self, service: socket.socket) -> None:
        """Give a connection of the service a session of PostgreSQL."""
        link = Link(self, service, socket.create_connection((LOOPBACK, self._upstream)))
        thread = threading.Thread(target=link.run, name="proxied connection")
        with self._lock:
            alive = {one: other for one, other in self._links.items() if one.is_alive()}
            self._links = {**alive, thread: link}
            thread.start()


def end_session(postgres: socket.socket) -> None:
    """Hang up and wait until PostgreSQL has too: its transaction is over, its locks are free.

    Raises:
        TimeoutError: it goes on for too long.
    """
    with postgres, suppress(ConnectionError):
        postgres.settimeout(SECONDS)
        postgres.shutdown(socket.SHUT_WR)
        while postgres.recv(CHUNK):
            pass


class Link:
    """One connection of the service, and the session of PostgreSQL that it is joined to."""

    def __init__(self, proxy: Proxy, service: socket.socket, postgres: socket.socket) -> None:
        self.postgres = postgres
        self._proxy = proxy
        self._service = service
        for half in (service, postgres):
            half.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self._request = b""
        self._cut: Cut | None = None
        """To be made when the answer that is under way is complete."""
        self._withheld = b""
        self._left_open = False

    def interrupt(self) -> None:
        """End both halves, from another thread."""
        for half in (self._service, self.postgres):
            with suppress(OSError):  # it has ended by itself
                half.shutdown(socket.SHUT_RDWR)

    def leave_open(self) -> socket.socket:
        """PostgreSQL's half, which someone else will close."""
        self._left_open = True
        return self.postgres

    def run(self) -> None:
        """Relay until either side hangs up or the line is cut."""
        try:
            # What an end looks like depends on what was under way.
            with suppress(ConnectionError), selectors.DefaultSelector() as waiting:
                waiting.register(self._service, selectors.EVENT_READ)
                waiting.register(self.postgres, selectors.EVENT_READ)
                self._relay(waiting, Framing(starts=True), Framing())
        finally:
            self._service.close()
            if not self._left_open:
                self.postgres.close()

    def _relay(self, waiting: selectors.BaseSelector, requests: Framing, answers: Framing) -> None:
        while True:
            for key, _ in waiting.select():
                if key.fileobj is self._service:
                    chunk, passed = self._service.recv(CHUNK), self._ask
                    messages = requests.feed(chunk)
                else:
                    chunk, passed = self.postgres.recv(CHUNK), self._answer
                    messages = answers.feed(chunk)
                if not chunk or not all(map(passed, messages)):
                    return

    def _ask(self, message: bytes) -> bool:
        """Take a message of the service; False when the line was cut."""
        self._request += message
        kind = message[:1]
        if kind in (QUERY, SYNC, START):
            self._cut = self._proxy.count(self._request)
            if self._cut is not None and self._cut.side is Side.BEFORE:
                self._proxy.cut(self, self._cut.then)
                return False
        if kind in (QUERY, SYNC, START, PASSWORD, TERMINATE):
            request, self._request = self._request, b""
            self.postgres.sendall(request)
        return True

    def _answer(self, message: bytes) -> bool:
        """Take a message of PostgreSQL; False when the line was cut."""
        if self._cut is None or message[:1] == AUTHENTICATION:
            self._service.sendall(message)
            return True
        self._withheld += message
        if message[:1] != READY:
            return True
        if self._cut.side is Side.WITHIN:
            self._service.sendall(self._withheld[:-1])
        self._proxy.cut(self, self._cut.then)
        return False

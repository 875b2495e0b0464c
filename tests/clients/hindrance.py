"""A proxy between a client and the service that hinders every second request.

A request meets a fault; the one after it, which is the client's next attempt,
passes. So each step of a story is tried, also the steps that a client takes to
mend another.
"""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from urllib.parse import urlsplit


class Fault(Enum):
    """What a request meets."""

    NONE = "nothing"
    CUT_BEFORE = "the line is cut before the service has the request"
    CUT_AFTER = "the line is cut when the service has done it, before the answer"
    CUT_WITHIN = "the line is cut in the middle of the answer"
    BUSY = "503 with Retry-After"
    TOO_MANY = "429 with Retry-After"
    UNKNOWN = "the service has done it, and says 503 outcome_unknown"
    PROXY = "the service has done it, and a proxy on the way says 502"


DONE = frozenset({Fault.NONE, Fault.CUT_AFTER, Fault.CUT_WITHIN, Fault.UNKNOWN, Fault.PROXY})
"""The service gets the request."""

PROBLEMS = {
    Fault.BUSY: (503, "unavailable"),
    Fault.TOO_MANY: (429, "too_many_requests"),
    Fault.UNKNOWN: (503, "outcome_unknown"),
}
"""What is answered in place of the service."""

ORDEALS = {
    "every_answer_is_lost": (Fault.CUT_AFTER,),
    "each_fault_in_its_turn": tuple(fault for fault in Fault if fault is not Fault.NONE),
}
"""What the requests of a whole story meet."""


@dataclass
class Hindrance:
    """The proxy: where it listens, and what it saw."""

    service: str
    address: str = ""
    pause: str = "0"
    """What Retry-After says."""
    hindered: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    """When each request came."""
    _faults: Iterator[Fault] = field(default_factory=lambda: cycle([Fault.NONE]))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def meet(self, *faults: Fault) -> None:
        """Let every second request from now on meet one of the faults, in their turn."""
        self.hindered, self.passed, self.moments, self.pause = [], [], [], "0"
        self._faults = cycle([each for fault in faults for each in (fault, Fault.NONE)])

    def clear(self) -> None:
        """Let everything pass from now on."""
        self.meet(Fault.NONE)

    def next_fault(self, asked: str) -> Fault:
        """What this request meets."""
        with self._lock:
            self.moments.append(time.monotonic())
            fault = next(self._faults)
            (self.passed if fault is Fault.NONE else self.hindered).append(asked)
            return fault


@dataclass(frozen=True)
class Answered:
    """An answer, as it came or as it is made up."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def problem(status: int, code: str, pause: str) -> Answered:
    """A refusal that names a pause."""
    told = {"type": f"/problems/{code}", "title": code, "status": status, "detail": code}
    headers = {"Content-Type": "application/problem+json", "Retry-After": pause}
    return Answered(status, headers, json.dumps(told).encode())


def bad_gateway() -> Answered:
    """What a proxy says that lost the answer."""
    return Answered(502, {"Content-Type": "text/html"}, b"<h1>Bad Gateway</h1>")


class Line(ThreadingHTTPServer):
    """Where clients connect."""

    daemon_threads = True

    def __init__(self, hindrance: Hindrance) -> None:
        self.hindrance = hindrance
        super().__init__(("127.0.0.1", 0), Relay)
        hindrance.address = f"http://127.0.0.1:{self.server_address[1]}"


class Relay(BaseHTTPRequestHandler):
    """One client's connection."""

    protocol_version = "HTTP/1.1"
    server: Line

    def handle_one_request(self) -> None:
        """Serve one more request, unless the client hung up."""
        with suppress(ConnectionError):
            super().handle_one_request()

    def relay(self) -> None:
        """Pass a request on and its answer back, as far as its fault lets them."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        hindrance = self.server.hindrance
        fault = hindrance.next_fault(f"{self.command} {self.path}")
        answer = self._forward(body) if fault in DONE else bad_gateway()
        if fault in PROBLEMS:
            answer = problem(*PROBLEMS[fault], hindrance.pause)
        if fault is Fault.PROXY:
            answer = bad_gateway()
        if fault not in {Fault.CUT_BEFORE, Fault.CUT_AFTER}:
            half = len(answer.body) // 2 if fault is Fault.CUT_WITHIN else None
            self._give(answer, half)
        if fault in {Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.CUT_WITHIN}:
            self._cut()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = relay  # noqa: N815 -- http.server calls them so

    def _forward(self, body: bytes) -> Answered:
        service = urlsplit(self.server.hindrance.service)
        connection = http.client.HTTPConnection(str(service.hostname), service.port, timeout=30)
        try:
            headers = {**self.headers, "Connection": "close"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            return Answered(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def _give(self, answer: Answered, length: int | None) -> None:
        self.send_response_only(answer.status)
        for name, text in answer.headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, text)
        if answer.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[:length])

    def _cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def hindered(service: str) -> Iterator[Hindrance]:
    """A proxy before that address, for as long as it is needed."""
    hindrance = Hindrance(service)
    with Line(hindrance) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield hindrance
        finally:
            server.shutdown()
            thread.join()

"""A double of edc-core: its intake over a socket, with a memory of its own.

It keeps the order of the original's decisions: key, study, form of the body, whether
the intake is open, the subject, what the record holds. It writes a row of every
assignment that it was able to read, and its answers never name an arm.
"""

import json
import re
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from tests.make import Json

STUDY = "5f0c1a9e-31f0-4ad5-9a59-0f3c7c1f6a10"
KEY = "edcrtsm_c2FuZGJveC1vbmx5LWtleS1mb3ItdGVzdHM"
PATH = re.compile(r"/api/studies/([^/]+)/rtsm/assignments")
OUT = ("withdrawn", "screen_failed")
STATUS = {"applied": 201, "duplicate": 200, "conflict": 409, "rejected": 422}
TEXTS = {"subjectKey": 200, "arm": 500, "randomizationId": 200}


@dataclass
class EdcCore:
    """One study: who is enrolled, which arm each record holds, and the transfer record.

    `instead` are answers given before anything is looked at, one a request: a
    status, with a body if it is not edc-core's; None closes the connection.
    `before_answering` is called when the assignment is decided and written.
    """

    enrolled: dict[str, str] = field(default_factory=dict)
    arms: dict[str, str] = field(default_factory=dict)
    record: list[Json] = field(default_factory=list)
    writes: Counter[str] = field(default_factory=Counter)
    instead: deque[tuple[int, dict[str, str], bytes] | None] = field(default_factory=deque)
    before_answering: Callable[[str], bool] = lambda _: True
    open: bool = True
    keys: dict[str, str] = field(default_factory=lambda: {KEY: STUDY})
    asked: int = 0

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base of its API."""
        return f"http://127.0.0.1:{self._server.server_port}/api"

    def outcomes(self) -> list[tuple[str, str]]:
        """Each decision: for which subject, and what it was."""
        return [(row["payload"]["subjectKey"], row["outcome"]) for row in self.record]

    def take(self, path: str, authorization: str, content: bytes) -> tuple[int, Json]:
        """Decide about one request."""
        with self._lock:
            found = PATH.fullmatch(path)
            if found is None:
                return 404, {"message": "Route not found"}
            study = self.keys.get(authorization.removeprefix("Bearer "))
            if study is None:
                return 401, {"error": "invalid, expired, or revoked API key"}
            if study != found[1]:
                return 403, {"error": "API key is not valid for this study"}
            assignment = _read(content)
            if assignment is None:
                return 400, {"error": "the body is not an assignment"}
            outcome, reason = self._decide(assignment)
            event = {"id": str(uuid4()), "payload": assignment, "outcome": outcome}
            self.record.append(event)
            return STATUS[outcome], {"outcome": outcome, "reason": reason, "eventId": event["id"]}

    def _decide(self, assignment: Json) -> tuple[str, str | None]:
        key, arm = assignment["subjectKey"], assignment["arm"]
        if not self.open:
            return "rejected", "RTSM intake is disabled for this study"
        if key not in self.enrolled:
            return "rejected", f'subject "{key}" is not enrolled'
        if self.enrolled[key] in OUT:
            return "rejected", f'subject "{key}" is {self.enrolled[key]}; reinstate them first'
        if key in self.arms:
            same = self.arms[key] == arm
            return ("duplicate", "identical") if same else ("conflict", "a different assignment")
        self.arms[key] = arm
        self.writes[key] += 1
        return "applied", None


def _read(content: bytes) -> Json | None:
    """The assignment, if it has the form that edc-core asks for; further fields are dropped."""
    try:
        body = json.loads(content)
        assert isinstance(body, dict)
        for name, longest in TEXTS.items():
            assert isinstance(body[name], str)
            assert 1 <= len(body[name]) <= longest
        assert datetime.fromisoformat(body["assignedAt"]).tzinfo is not None
        assert all(isinstance(value, str) for value in body["strata"].values())
        assert 1 <= len(body.get("source", "-")) <= 200
    except (AssertionError, KeyError, TypeError, ValueError):
        return None
    return {name: body[name] for name in (*TEXTS, "assignedAt", "strata", "source") if name in body}


def _handler(edc: EdcCore) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            edc.asked += 1
            if edc.instead:
                self._instead(edc.instead.popleft())
                return
            status, body = edc.take(self.path, self.headers.get("Authorization", ""), content)
            if not edc.before_answering(str(body.get("outcome"))):
                self.close_connection = True
                return
            self._answer(status, {"Content-Type": "application/json"}, json.dumps(body).encode())

        def _instead(self, given: tuple[int, dict[str, str], bytes] | None) -> None:
            if given is None:
                self.close_connection = True
            else:
                self._answer(*given)

        def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(content))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler

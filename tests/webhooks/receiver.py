"""A real receiver: it verifies every signature, and misbehaves when told to."""

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True)
class Received:
    """One request that came, and what it was answered."""

    id: str
    type: str
    subject: str | None
    status: int
    signatures: int
    host: str
    body: bytes


Behaviour = Callable[["Received"], int | str]
"""A status to answer, a URL to redirect to, `close` or `stall`."""


def well(_: Received) -> int:
    """Accept it."""
    return 204


@dataclass
class Receiver:
    """An HTTP server on a port of its own, which outlives its own restarts."""

    secret: str = ""
    behaviour: Behaviour = well
    port: int = 0
    received: list[Received] = field(default_factory=list)
    unverified: int = 0
    patience: threading.Event = field(default_factory=threading.Event)
    """Ends what stalls."""
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def start(self) -> None:
        """Listen, on the port of before if there was one."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                """A caller that was killed is no fault of ours."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Verify a request, and answer it as behaviour has it."""
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        headers = dict(handler.headers.items())
        if self.secret:
            try:
                Webhook(self.secret).verify(body, headers)
            except WebhookVerificationError:
                self.unverified += 1
                handler.send_error(401)
                return
        told = json.loads(body)
        lower = {name.lower(): text for name, text in headers.items()}
        one = Received(
            lower["webhook-id"],
            told["type"],
            told["data"].get("subject_id"),
            0,
            len(lower["webhook-signature"].split()),
            lower["host"],
            body,
        )
        self._behave(handler, one, self.behaviour(one))

    def _behave(self, handler: BaseHTTPRequestHandler, one: Received, answer: int | str) -> None:
        status = answer if isinstance(answer, int) else {"close": -1, "stall": -2}.get(answer, 302)
        self.received.append(Received(**{**one.__dict__, "status": status}))
        if status == -2:
            self.patience.wait(30)
        if status < 0:
            handler.close_connection = True
            with suppress(OSError):
                handler.connection.close()
            return
        handler.send_response(status)
        if isinstance(answer, str):
            handler.send_header("Location", answer)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    # --- what came ---------------------------------------------------------------------

    @property
    def accepted(self) -> list[Received]:
        """What was answered 2xx, in the order in which it came."""
        return [one for one in self.received if 200 <= one.status < 300]

    def first_of(self) -> dict[str | None, list[str]]:
        """Per subject, the ids accepted, each where it came first."""
        order: defaultdict[str | None, list[str]] = defaultdict(list)
        for one in self.accepted:
            if one.id not in order[one.subject]:
                order[one.subject].append(one.id)
        return dict(order)

    def doubled(self) -> int:
        """How often something came again that had been accepted."""
        return sum(count - 1 for count in Counter(one.id for one in self.accepted).values())


@contextmanager
def receiving(behaviour: Behaviour = well) -> Iterator[Receiver]:
    """A receiver, for as long as it is needed."""
    made = Receiver(behaviour=behaviour)
    made.start()
    try:
        yield made
    finally:
        made.patience.set()
        made.stop()


def until(condition: Callable[[], Any], seconds: float = 30, told: Callable[[], Any] = str) -> None:
    """Wait for what takes a moment, but not for ever."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, told()
        time.sleep(0.02)

"""A receiver of webhooks, as another hospital system would run it, and what it must have got."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.api.demo.client import Json

PATIENCE = 120
"""Seconds to wait for the last deliveries."""
FAILS_EVERY = 50
"""One in so many deliveries is answered by 503 and has to come again."""


@dataclass
class Receiver:
    """Takes deliveries on a free port; verifies each signature before it believes a word.

    `counts` counts deliveries, those refused on purpose, doubles and forgeries.
    """

    counts: Counter[str] = field(default_factory=Counter)
    secret: str = ""
    order: dict[str | None, list[str]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
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
        """Where to deliver."""
        return f"http://127.0.0.1:{self._server.server_port}/events"

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        """The status to answer a delivery with."""
        with self._lock:
            self.counts["deliveries"] += 1
            if not self.secret:
                return 204  # the first call, before the secret is known
            try:
                told: Json = Webhook(self.secret).verify(body, headers)
            except WebhookVerificationError:
                self.counts["forgeries"] += 1
                return 401
            if self.counts["deliveries"] % FAILS_EVERY == 0:
                self.counts["refused"] += 1
                return 503
            event = {name.lower(): value for name, value in headers.items()}["webhook-id"]
            if event in self._seen:
                self.counts["doubles"] += 1
                return 204
            self._seen.add(event)
            self.order.setdefault(told["data"].get("subject_id"), []).append(event)
            return 204

    def missing(self, events: Iterable[Json]) -> list[str]:
        """What of the feed did not arrive, or not in the order of the feed."""
        expected: dict[str | None, list[str]] = {}
        for event in events:
            expected.setdefault(event["subject_id"], []).append(event["id"])
        until = time.monotonic() + PATIENCE
        while (lacking := self._lacking(expected)) and time.monotonic() < until:
            time.sleep(0.5)
        return [
            f"webhook deliveries about {subject}: {len(self.order.get(subject, []))} of"
            f" {len(expected[subject])}, or out of order"
            for subject in lacking
        ]

    def _lacking(self, expected: Mapping[str | None, list[str]]) -> list[str | None]:
        """Of which subjects not all came in order; more may follow at any time."""
        with self._lock:
            return [
                subject
                for subject, ids in expected.items()
                if self.order.get(subject, [])[: len(ids)] != ids
            ]


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(receiver.take(body, dict(self.headers.items())))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler

"""Front-ends of other origins (the CORS protocol of the Fetch standard).

A browser lets a page of another origin read an answer only where the answer
says so. Callers carry bearer tokens and no cookies, so an origin is never
allowed to send a visitor's credentials: what a page knows, it was given.
"""

import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.settings import ANY_ORIGIN

_THIS_MACHINE = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
TAKEN = (
    "Accept",
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "X-Request-Id",
    "traceparent",
)
"""Headers that a page may send."""

TOLD = (
    "Allow",
    "Content-Disposition",
    "Content-Language",
    "Deprecation",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Retry-After",
    "Sunset",
    "WWW-Authenticate",
    "X-Request-Id",
)
"""Headers of answers that a page may read."""

PREFLIGHT_SECONDS = 7200
"""How long a browser need not ask again; none remembers it longer, but Firefox."""


class CrossOrigin:
    """Lets pages of the given origins call the application and read what it answers.

    It stands around everything else, so that a failure's answer can be read too.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str], *, this_machine: bool) -> None:
        self.app = app
        self._origins = frozenset(origins)
        self._this_machine = this_machine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request; answer a preflight in the application's place."""
        if scope["type"] != "http" or not (self._origins or self._this_machine):
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        origin = asked.get("Origin", "")
        allowed = self._allows(origin)

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.add_vary_header("Origin")
                if allowed:
                    headers["Access-Control-Allow-Origin"] = origin
                    headers["Access-Control-Expose-Headers"] = ", ".join(TOLD)
            await send(message)

        preflight = scope["method"] == "OPTIONS" and "Access-Control-Request-Method" in asked
        await (_permit if allowed and preflight else self.app)(scope, receive, telling)

    def _allows(self, origin: str) -> bool:
        if not origin:
            return False
        if self._this_machine and _THIS_MACHINE.fullmatch(origin):
            return True
        return ANY_ORIGIN in self._origins or origin in self._origins


async def _permit(_: Scope, __: Receive, send: Send) -> None:
    """Answer a preflight: what a page may send, to any address."""
    headers = {
        "Access-Control-Allow-Methods": ", ".join(METHODS),
        "Access-Control-Allow-Headers": ", ".join(TAKEN),
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 204, "headers": raw})
    await send({"type": "http.response.body"})

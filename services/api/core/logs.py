"""Structured logs: one JSON line a request, with no clinical data and no identifier of a person."""

import logging
import re
import sys
import time
from typing import Any

import structlog
from asgi_correlation_id import correlation_id
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def configure() -> None:
    """Send every log line to standard error as JSON, with its request's id.

    Once a process: loggers that were used keep what was configured first.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _with_request_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _with_request_id(_: Any, __: str, line: structlog.types.EventDict) -> structlog.types.EventDict:
    line["request_id"] = correlation_id.get()
    return line


class AccessLog:
    """Logs method, route template (never the path, which holds ids), status and duration."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request and log it when its answer begins."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        trace = TRACEPARENT.fullmatch(dict(scope["headers"]).get(b"traceparent", b""))

        async def logged(message: Message) -> None:
            if message["type"] == "http.response.start":
                log.info(
                    "request",
                    method=scope["method"],
                    route=getattr(scope.get("route"), "path", None),
                    status=message["status"],
                    milliseconds=round((time.perf_counter() - started) * 1000, 1),
                    trace_id=trace.group(1).decode() if trace else None,
                )
            await send(message)

        await self.app(scope, receive, logged)

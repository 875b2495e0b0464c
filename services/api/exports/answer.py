"""An export as the answer to a request: as fast as its reader, and never longer than they read."""

from collections.abc import Awaitable, Callable, Mapping

import anyio
import structlog
from anyio import CancelScope, CapacityLimiter, to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.api.core.errors import Unavailable
from services.api.core.sending import ReaderStopped, limited
from services.api.exports.extract import Extract
from services.api.exports.spool import Production

log = structlog.get_logger()

WAIT = 1.0
"""Seconds to wait for bytes that are still being made, before looking again who is there."""


class ExportAnswer(Response):
    """Sends what a production has made so far, until it has ended.

    One that failed, or whose caller's session `is_over`, is cut off: the answer
    ends without its end, so that no reader takes a part for the whole.
    """

    def __init__(
        self,
        production: Production[Extract],
        headers: Mapping[str, str],
        send_seconds: float,
        is_over: Callable[[], Awaitable[bool]],
    ) -> None:
        self.status_code = 200
        self.background = None
        self._production = production
        self._send_seconds = send_seconds
        self._is_over = is_over
        self.init_headers(headers)  # without a length, which is not known

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Answer, and let go of the production however it ends."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_leave, receive, tasks.cancel_scope)
                await self._send(send)
                tasks.cancel_scope.cancel()
        finally:
            self._production.close()

    async def _send(self, to_reader: Send) -> None:
        send = limited(to_reader, self._send_seconds)
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        own = CapacityLimiter(1)  # so that waiting takes no thread from requests
        offset = 0
        try:
            await send(start)
            while (block := await to_thread.run_sync(self._read, offset, limiter=own)) is not None:
                if await self._is_over():
                    log.warning("export_session_over", sent=offset)
                    return
                if block:
                    await send({"type": "http.response.body", "body": block, "more_body": True})
                    offset += len(block)
            if self._production.failed:
                log.warning("export_cut_off", sent=offset)
                return
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except ReaderStopped:
            log.warning("export_reader_stopped", sent=offset)
        except Unavailable:
            log.warning("export_session_unknown", sent=offset)

    def _read(self, offset: int) -> bytes | None:
        return self._production.read(offset, WAIT)


async def _leave(receive: Receive, scope: CancelScope) -> None:
    """End with the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()

"""How far the feed goes now, asked once for all streams of a process, and only while there are any.

Whoever asks publishes first, so streams need no worker. Polling, because
LISTEN does not pass a pooler that gives each transaction another connection.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context

import anyio
import structlog
from anyio import CapacityLimiter, to_thread

from services.api.core.db import Database
from services.api.events import service

log = structlog.get_logger()

INTERVAL = 0.25
"""Seconds between two looks: as often as the worker publishes."""


Mark = tuple[Database, int]
"""The newest event's position, and the database: a sandbox may put another in its place."""


class FeedWatch:
    """How far the feed goes, for the streams of one event loop.

    `database` gives the one at hand.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._streams = 0
        self._moved = asyncio.Event()
        self._thread = CapacityLimiter(1)  # so that looking takes no thread from requests
        self._looking: asyncio.Task[None] | None = None
        self.newest: Mark | None = None
        """None until it was asked for; what is known may be an interval old."""

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look for news as long as anybody is in here."""
        self._streams += 1
        if self._looking is None or self._looking.done():
            # In a context of its own: it is no part of the request that comes first.
            self._looking = asyncio.get_running_loop().create_task(self._look(), context=Context())
        try:
            yield
        finally:
            self._streams -= 1

    @property
    def idle(self) -> bool:
        """Whether nobody looks now, and nobody will."""
        return self._streams == 0 and self._thread.borrowed_tokens == 0

    async def ended(self) -> None:
        """Wait until nobody looks any more, once the last stream has ended."""
        if self._looking is not None:
            await self._looking

    async def moves(self, known: Mark | None, patience: float) -> None:
        """Wait until the feed ends elsewhere than known, for so many seconds at most."""
        with anyio.move_on_after(patience):
            while self.newest == known:
                await self._moved.wait()

    async def _look(self) -> None:
        failing = False
        while self._streams > 0:
            try:
                newest = await to_thread.run_sync(self._ask, limiter=self._thread)
                failing = False
            except Exception as error:  # noqa: BLE001 -- the next look may succeed
                if not failing:
                    log.warning("feed_watch_failed", kind=type(error).__name__)
                failing = True
            else:
                if newest != self.newest:
                    self.newest = newest
                    self._moved.set()
                    self._moved = asyncio.Event()
            await asyncio.sleep(INTERVAL)

    def _ask(self) -> Mark:
        database = self._database()
        return database, service.newest(database)

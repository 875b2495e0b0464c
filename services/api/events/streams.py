"""The streams of events that a process holds open: how many, whose, and until when."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from anyio import CapacityLimiter
from fastapi import Depends, Request

from services.api.core.db import Database
from services.api.core.errors import Unavailable
from services.api.events.errors import StreamsBusy, TooManyStreams
from services.api.events.watch import FeedWatch
from services.api.settings import Settings

READERS = 4
"""Streams that read the database at the same time; the others wait, and hold no connection."""


class Streams:
    """The open streams of one process, in its event loop."""

    def __init__(self, settings: Settings, database: Callable[[], Database]) -> None:
        self._settings = settings
        self.send_seconds = settings.send_seconds
        self._open = Counter[UUID]()
        self.watch = FeedWatch(database)
        self.readers = CapacityLimiter(READERS)
        self.closing = asyncio.Event()
        """Set when the server stops: whoever streams ends by itself."""

    @contextmanager
    def place(self, account: UUID) -> Iterator[None]:
        """Hold one of the account's places, and one of the process's.

        Raises:
            TooManyStreams: the account has no place left.
            StreamsBusy: the process has none.
            Unavailable: the server stops.
        """
        if self.closing.is_set():
            raise Unavailable
        if self._open[account] >= self._settings.event_streams_per_account:
            raise TooManyStreams
        if self._open.total() >= self._settings.event_streams:
            raise StreamsBusy
        self._open[account] += 1
        try:
            with self.watch.watching():
                yield
        finally:
            self._open -= Counter([account])  # which forgets an account without streams

    def close(self) -> None:
        """Let every stream end, and admit no other; once is enough."""
        self.closing.set()


async def _streams(request: Request) -> Streams:
    streams: Streams = request.app.state.streams
    return streams


StreamsDep = Annotated[Streams, Depends(_streams)]

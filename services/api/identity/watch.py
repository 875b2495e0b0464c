"""Which sessions ended lately, known to every worker without asking for each request.

A thread asks the database four times a second; a token is refused when its
session is among those that ended. If the answers stop coming, the check asks
for itself, and refuses to go on while it cannot: an ended session is never
let through for longer than a second. Polling, because LISTEN does not pass a
pooler that gives each transaction another connection.
"""

import threading
import time
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import psycopg
import structlog

from services.api.core.errors import Unavailable

log = structlog.get_logger()

INTERVAL = 0.25
STALE = 0.75
"""Seconds after which what is known is too old to rely on; with one poll, within a second."""
PATIENCE = 2
"""Seconds to wait for an answer that another thread is asking for."""
_CONNECTION: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": PATIENCE,
    "tcp_user_timeout": PATIENCE * 1000,
    "prepare_threshold": None,  # a pooler may give each statement another connection
}
_QUERY = "SELECT id FROM account_session WHERE ended_at > now() - interval '20 minutes'"
"""Longer than any access token lives, so that an ended one is remembered until it expires."""


class SessionWatch:
    """The sessions that ended within the last minutes; `url` as psycopg takes it."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("+psycopg", "")
        self._ended: frozenset[UUID] = frozenset()
        self._asked_at = float("-inf")
        self._asking = threading.Lock()
        self._connection: psycopg.Connection[tuple[UUID]] | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True, name="session watch")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop asking."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._asking:
            self._disconnect()

    @property
    def stale(self) -> bool:
        """Whether what is known is too old."""
        return time.monotonic() - self._asked_at > STALE

    def has_ended(self, session: UUID) -> bool:
        """Whether a session is known to be over."""
        return session in self._ended

    def refresh(self) -> None:
        """Ask now, unless another thread has just done so.

        Raises:
            Unavailable: the database does not answer.
        """
        if not self._asking.acquire(timeout=PATIENCE):
            raise Unavailable
        try:
            if self._asked_at < time.monotonic() - INTERVAL / 2:
                self._ask()
        finally:
            if self._closing.is_set():
                self._disconnect()
            self._asking.release()

    def _ask(self) -> None:
        asked_at = time.monotonic()
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._url, **_CONNECTION)
            rows = self._connection.execute(_QUERY).fetchall()
        except psycopg.Error as error:
            self._disconnect()
            raise Unavailable from error
        self._ended = frozenset(row[0] for row in rows)
        self._asked_at = asked_at

    def _poll(self) -> None:
        failing = False
        while not self._closing.wait(0 if self._asked_at < 0 and not failing else INTERVAL):
            try:
                self.refresh()
                failing = False
            except Unavailable as error:
                if not failing:
                    log.warning("session_watch_failed", kind=type(error.__cause__).__name__)
                failing = True

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

"""What is made gets an id and the moment of its recording, from the one source there is.

It is chance and real time. Only while a sandbox plays a scenario, in a process of
its own, another source stands here, so that the same seed makes the same ids:
`services/api/scenarios/repeating.py`, which alone may replace it.
"""

from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import uuid_utils.compat


class Source(Protocol):
    """Where ids and moments come from."""

    def new_id(self) -> UUID:
        """A UUIDv7 that was never given before, greater than those before it."""

    def now(self) -> datetime:
        """The moment at which something is recorded, in UTC."""


class Nature:
    """Chance and real time."""

    def new_id(self) -> UUID:
        """A UUIDv7 of the present moment."""
        return uuid_utils.compat.uuid7()

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)


_source: Source = Nature()


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): ids sort in the order of their making."""
    return _source.new_id()


def recorded_now() -> datetime:
    """The moment of recording, in real time: it never follows a clock that was moved."""
    return _source.now()


def replace_source(source: Source) -> Source:
    """Take ids and moments from another source; answers the one before."""
    global _source
    before, _source = _source, source
    return before

"""Ids and moments that repeat: a clock that stands until it is moved, and ids from a seed.

The one place where `core/making.py` is given another source, and only for the
process that plays a scenario for a sandbox.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import count
from uuid import UUID

from services.api.core.clock import Clock
from services.api.core.making import replace_source
from services.api.protocol.schema import Protocol
from services.api.settings import MissingSetting, Settings

SET_OUT_DAYS = 60
"""From the first day of the trial's month of start: its sites have been approved."""

_RANDOM_BITS = 74


def set_out_on(protocol: Protocol) -> date:
    """The local day on which every scenario begins, whenever it is played."""
    return date.fromisoformat(f"{protocol.study.start}-01") + timedelta(days=SET_OUT_DAYS)


@dataclass
class StandingClock(Clock):
    """Clinical time that passes only when it is told to."""

    moment: datetime = field(default=datetime.min.replace(tzinfo=UTC))

    def now(self) -> datetime:
        """The clinical moment, in UTC."""
        return self.moment

    def pass_time(self, seconds: int) -> None:
        """Let seconds pass."""
        self.moment += timedelta(seconds=seconds)


class Repeating:
    """The nth id of a seed is always the same, and recording follows the clock.

    An id's time is that of the beginning and a millisecond more each: ids sort
    in the order of their making, and before every one that is made later, in
    real time.
    """

    def __init__(self, seed: str, clock: StandingClock) -> None:
        self._seed = seed
        self._clock = clock
        self._began = int(clock.now().timestamp() * 1000)
        self._count = count(1)

    def new_id(self) -> UUID:
        """The next UUIDv7 (RFC 9562, section 5.7)."""
        number = next(self._count)
        digest = sha256(f"{self._seed}/{number}".encode()).digest()
        drawn = int.from_bytes(digest) >> (256 - _RANDOM_BITS)
        high, low = drawn >> 62, drawn & ((1 << 62) - 1)
        return UUID(int=(self._began + number) << 80 | 7 << 76 | high << 64 | 0b10 << 62 | low)

    def now(self) -> datetime:
        """The clinical moment: what a scenario records, it records on its own days."""
        return self._clock.now()


@contextmanager
def repeating(settings: Settings, source: Repeating) -> Iterator[None]:
    """Make ids and moments from a seed.

    Raises:
        MissingSetting: the settings are not those of a sandbox.
    """
    if not settings.sandbox:
        raise MissingSetting("TRIAL_SANDBOX: ids follow a seed in a sandbox only")
    before = replace_source(source)
    try:
        yield
    finally:
        replace_source(before)

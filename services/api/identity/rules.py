"""How much guessing is allowed. Source: NIST SP 800-63B-4 section 3.2.2; OWASP ASVS 5.0 6.3.1."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Limit:
    """At most `guesses` that fail within `window`."""

    guesses: int
    window: timedelta


PER_SOURCE = Limit(10, timedelta(minutes=15))
"""One device or address, on one account."""
PER_ADDRESS = Limit(100, timedelta(minutes=15))
"""One address on all accounts, unless it comes with a device we know."""
PER_ACCOUNT = Limit(100, timedelta(hours=1))
"""All sources together that never signed in to the account.

Those that did have their own budgets, so strangers cannot lock the owner out.
"""


@dataclass(frozen=True)
class Counted:
    """The failed guesses under one limit: how many, and the oldest of them."""

    limit: Limit
    failed: int
    oldest: datetime | None


def wait(counts: Sequence[Counted], now: datetime) -> timedelta | None:
    """How long until the next guess is allowed; None if it is allowed now."""
    waits = [
        one.oldest + one.limit.window - now
        for one in counts
        if one.failed >= one.limit.guesses and one.oldest is not None
    ]
    return max(waits, default=None)


def is_last(counts: Sequence[Counted]) -> bool:
    """Whether one more failure uses up a budget."""
    return any(one.failed + 1 >= one.limit.guesses for one in counts)

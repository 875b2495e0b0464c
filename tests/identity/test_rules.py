"""How much guessing is allowed."""

from datetime import UTC, datetime, timedelta

import pytest

from services.api.identity.rules import PER_ACCOUNT, PER_SOURCE, Counted, Limit, is_last, wait

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LIMIT = Limit(3, timedelta(minutes=10))


def counted(failed: int, minutes_ago: int = 4, limit: Limit = LIMIT) -> Counted:
    return Counted(limit, failed, NOW - timedelta(minutes=minutes_ago) if failed else None)


@pytest.mark.parametrize(("failed", "minutes"), [(0, None), (2, None), (3, 6), (4, 6)])
def test_a_used_up_budget_is_waited_for_until_its_oldest_guess_leaves(
    failed: int, minutes: int | None
) -> None:
    expected = None if minutes is None else timedelta(minutes=minutes)
    assert wait([counted(failed)], NOW) == expected


def test_the_longest_wait_of_all_limits_counts() -> None:
    assert wait([counted(3, 9), counted(3, 1), counted(1)], NOW) == timedelta(minutes=9)
    assert wait([], NOW) is None


@pytest.mark.parametrize(("failed", "last"), [(0, False), (1, False), (2, True)])
def test_the_guess_that_uses_a_budget_up_is_known(failed: int, last: bool) -> None:
    assert is_last([counted(0), counted(failed)]) is last


def test_one_source_alone_never_uses_up_what_strangers_share() -> None:
    """So a single stranger does not slow down the others who sign in from somewhere new."""
    per_hour = PER_SOURCE.guesses * (PER_ACCOUNT.window / PER_SOURCE.window)
    assert per_hour < PER_ACCOUNT.guesses

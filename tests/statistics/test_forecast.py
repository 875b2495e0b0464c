"""The forecast of recruitment: beside scipy's beta prime distribution, and what holds for all."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from services.api.statistics.forecast import weeks_until

MORE, INCLUDED, WEEKS = st.integers(1, 300), st.integers(1, 200), st.floats(1, 100)


@settings(max_examples=25, deadline=None)
@given(MORE, INCLUDED, WEEKS)
def test_the_waiting_time_has_a_beta_prime_distribution(
    more: int, included: int, weeks: float
) -> None:
    found = weeks_until(more, included, weeks)
    assert found is not None
    theirs = weeks * stats.betaprime(more, included + 0.5).ppf([0.5, 0.025, 0.975])
    assert (found.weeks, found.low, found.high) == pytest.approx(tuple(theirs), rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(MORE, INCLUDED, WEEKS)
def test_more_takes_longer_and_a_faster_past_makes_it_shorter(
    more: int, included: int, weeks: float
) -> None:
    found, longer = weeks_until(more, included, weeks), weeks_until(more + 1, included, weeks)
    faster = weeks_until(more, included + 1, weeks)
    assert found is not None
    assert longer is not None
    assert faster is not None
    assert found.low < found.weeks < found.high
    assert longer.weeks > found.weeks > faster.weeks


def test_what_comes_lies_in_the_interval_as_often_as_it_says() -> None:
    # The rate is drawn from a wide range, the past from the rate: neither is known to the forecast.
    chance = random.Random(11)
    held, trials = 0, 250
    for _ in range(trials):
        rate = chance.uniform(1, 6)
        waits = [chance.expovariate(rate) for _ in range(400)]
        past = 0
        total = waits[0]
        while total <= 12:
            past += 1
            total += waits[past]
        then = (total - 12) + sum(waits[past + 1 : past + 50])
        found = weeks_until(50, past, 12)
        held += found is not None and found.low <= then <= found.high
    assert held / trials == pytest.approx(0.95, abs=0.035)


@pytest.mark.parametrize(("more", "included", "weeks"), [(5, 0, 12), (5, 3, 0), (-1, 3, 12)])
def test_without_a_past_nothing_is_said(more: int, included: int, weeks: float) -> None:
    assert weeks_until(more, included, weeks) is None


def test_nothing_is_waited_for_when_all_are_in() -> None:
    found = weeks_until(0, 20, 12)
    assert found is not None
    assert (found.weeks, found.low, found.high) == (0, 0, 0)

"""Where values lie: a published shift, and what holds for all."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.api.statistics.location import hodges_lehmann, quartiles

TERM = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
EARLY = [1.15, 0.88, 0.90, 0.74, 1.21]
"""Permeability of the chorioamnion: Hollander and Wolfe, Nonparametric Statistical Methods, 4.1."""

values = st.lists(st.integers(0, 30), min_size=1, max_size=25)


def test_the_shift_is_the_one_hollander_and_wolfe_publish() -> None:
    found = hodges_lehmann(TERM, EARLY)
    assert found is not None
    assert found.estimate == pytest.approx(0.305)
    # The exact limits, as R's wilcox.test has them; the approximation meets the same differences.
    assert (found.low, found.high) == pytest.approx((-0.15, 0.76))


@given(values, values)
def test_to_swap_the_groups_turns_the_sign(first: list[int], second: list[int]) -> None:
    one, other = hodges_lehmann(first, second), hodges_lehmann(second, first)
    assert one is not None
    assert other is not None
    assert (one.estimate, one.low, one.high) == (-other.estimate, -other.high, -other.low)
    assert one.low <= one.estimate <= one.high


@given(values, values, st.integers(1, 50))
def test_to_shift_one_group_shifts_the_difference(
    first: list[int], second: list[int], by: int
) -> None:
    groups = [float(value) for value in first], [float(value) for value in second]
    one = hodges_lehmann(*groups)
    other = hodges_lehmann([value + by for value in groups[0]], groups[1])
    assert one is not None
    assert other is not None
    assert other.estimate == one.estimate + by


def test_the_interval_holds_the_truth_as_often_as_it_says_though_values_are_tied() -> None:
    chance = random.Random(7)
    held, trials = 0, 1500
    for _ in range(trials):
        first = [chance.randint(0, 12) + 4 for _ in range(24)]
        second = [chance.randint(0, 12) for _ in range(26)]
        found = hodges_lehmann(first, second)
        assert found is not None
        held += found.low <= 4 <= found.high
    assert held / trials >= 0.94  # values are whole, so it is held more often rather than less


def test_ties_narrow_the_interval_as_they_narrow_the_rank_sum_s_variance() -> None:
    chance = random.Random(3)
    for _ in range(20):
        first = [chance.choice([0, 0, 0, 0, 5, 9, 14]) for _ in range(31)]
        second = [chance.choice([0, 0, 3, 8, 12, 20]) for _ in range(29)]
        pairs, total = 31 * 29, 60
        correction = stats.tiecorrect(stats.rankdata([*first, *second]))
        half = 1.959963985 * math.sqrt(pairs * (total + 1) / 12 * correction)
        cut = math.floor(pairs / 2 - half + 0.5)
        differences = sorted(one - other for one in first for other in second)
        found = hodges_lehmann(first, second)
        assert found is not None
        assert (found.low, found.high) == (differences[cut - 1], differences[pairs - cut])


def test_quartiles_interpolate() -> None:
    found = quartiles([1, 2, 3, 4])
    assert found is not None
    assert (found.lower, found.median, found.upper) == (1.75, 2.5, 3.25)
    alone = quartiles([5])
    assert alone is not None
    assert alone.median == alone.lower == 5


def test_of_nobody_nothing_is_said() -> None:
    assert quartiles([]) is None
    assert hodges_lehmann([], [1]) is None
    assert hodges_lehmann([1], []) is None

"""Agreement of two graders: a published table, and what holds for all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from services.api.statistics.agreement import (
    Weights,
    cross_table,
    share_agreeing,
    weighted_kappa,
)

SKIN = [[10, 4, 1, 0], [5, 10, 12, 2], [2, 4, 12, 5], [0, 2, 6, 13]]
"""Two dermatologists on 88 skin conditions: SAS/STAT User's Guide, PROC FREQ, Cohen's kappa."""

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)
weights = st.sampled_from(Weights)


def test_the_weighted_kappa_and_its_limits_are_those_sas_publishes() -> None:
    kappa = weighted_kappa(SKIN, Weights.LINEAR)
    assert kappa is not None
    assert kappa.estimate == pytest.approx(0.5082, abs=5e-5)
    assert (kappa.low, kappa.high) == pytest.approx((0.3798, 0.6366), abs=5e-5)


@given(pairs, weights)
def test_kappa_and_its_limits_are_those_of_statsmodels(
    given_pairs: list[tuple[int, int]], how: Weights
) -> None:
    table = cross_table(given_pairs, 5)
    kappa = weighted_kappa(table, how)
    if kappa is None:
        return
    # Where nothing varies statsmodels divides by zero in what it computes beside.
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = cohens_kappa(np.array(table), wt=how.value)
    assert kappa.estimate == pytest.approx(theirs.kappa, abs=1e-9)
    low = theirs.kappa - 1.959963985 * max(theirs.var_kappa, 0) ** 0.5
    assert kappa.low == pytest.approx(low, abs=1e-5)


@given(pairs, weights)
def test_to_swap_the_graders_changes_nothing(
    given_pairs: list[tuple[int, int]], how: Weights
) -> None:
    turned = [(second, first) for first, second in given_pairs]
    one = weighted_kappa(cross_table(given_pairs, 5), how)
    other = weighted_kappa(cross_table(turned, 5), how)
    assert (one is None) == (other is None)
    if one and other:
        assert (one.estimate, one.low) == pytest.approx((other.estimate, other.low), abs=1e-5)


@given(st.lists(st.integers(0, 4), min_size=2), weights)
def test_graders_who_always_agree_have_a_kappa_of_one(grades: list[int], how: Weights) -> None:
    table = cross_table([(grade, grade) for grade in grades], 5)
    kappa = weighted_kappa(table, how)
    assert share_agreeing(table) == 1
    if len(set(grades)) == 1:
        assert kappa is None
    else:
        assert kappa is not None
        assert kappa.estimate == pytest.approx(1)
        assert kappa.low == pytest.approx(1)


def test_with_two_grades_the_weights_play_no_part() -> None:
    table = [[20, 5], [10, 15]]
    one, other = weighted_kappa(table, Weights.LINEAR), weighted_kappa(table, Weights.QUADRATIC)
    assert one == other
    assert one is not None
    assert one.estimate == pytest.approx(0.4)


def test_of_no_pair_nothing_is_said() -> None:
    assert weighted_kappa(cross_table([], 5), Weights.LINEAR) is None
    assert share_agreeing(cross_table([], 5)) is None

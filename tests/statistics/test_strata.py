"""Stratified comparisons: published examples, and what holds for all."""

import random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import StratifiedTable

from services.api.statistics.strata import (
    Stratum,
    cochran_mantel_haenszel,
    common_difference,
    common_odds_ratio,
)

SMOKING = [
    Stratum(cases, cases + smokers, other_cases, other_cases + others)
    for cases, smokers, other_cases, others in (
        (126, 100, 35, 61),
        (908, 688, 497, 807),
        (913, 747, 336, 598),
        (235, 172, 58, 121),
        (402, 308, 121, 215),
        (182, 156, 72, 98),
        (60, 99, 11, 43),
        (104, 89, 21, 36),
    )
]
"""Smoking and lung cancer in eight cities of China: Liu, Int J Epidemiol 1992, 21, 197;
Agresti, Categorical Data Analysis, 2nd edition, table 6.6."""

BERKELEY = [
    Stratum(men, men + refused_men, women, women + refused_women)
    for men, refused_men, women, refused_women in (
        (512, 313, 89, 19),
        (353, 207, 17, 8),
        (120, 205, 202, 391),
        (138, 279, 131, 244),
        (53, 138, 94, 299),
        (22, 351, 24, 317),
    )
]
"""Admissions at Berkeley by department: Bickel, Hammel and O'Connell, Science 1975, 187, 398."""


@st.composite
def strata(draw: st.DrawFn) -> list[Stratum]:
    """Some strata, in which groups may be empty."""
    made = []
    for _ in range(draw(st.integers(1, 6))):
        total_1, total_2 = draw(st.integers(0, 30)), draw(st.integers(0, 30))
        events_1, events_2 = draw(st.integers(0, total_1)), draw(st.integers(0, total_2))
        made.append(Stratum(events_1, total_1, events_2, total_2))
    return made


def test_the_test_and_the_odds_ratio_are_those_agresti_publishes() -> None:
    test, ratio = cochran_mantel_haenszel(SMOKING), common_odds_ratio(SMOKING)
    assert test is not None
    assert ratio is not None
    assert test.statistic == pytest.approx(280.1, abs=0.05)
    assert ratio.estimate == pytest.approx(2.17, abs=0.005)
    assert (ratio.low, ratio.high) == pytest.approx((1.98, 2.38), abs=0.005)


def test_the_odds_ratio_of_berkeley_is_the_one_that_r_documents() -> None:
    # mantelhaen.test(UCBAdmissions) in the reference manual of R.
    ratio = common_odds_ratio(BERKELEY)
    assert ratio is not None
    assert ratio.estimate == pytest.approx(0.9046968, abs=1e-6)
    assert (ratio.low, ratio.high) == pytest.approx((0.7719074, 1.0603298), abs=1e-6)
    test = cochran_mantel_haenszel(BERKELEY)
    assert test is not None
    assert test.statistic == pytest.approx(1.5246, abs=5e-5)


@given(strata())
def test_test_and_odds_ratio_are_those_of_statsmodels(made: list[Stratum]) -> None:
    both = [one for one in made if one.total_1 and one.total_2]
    ratio, test = common_odds_ratio(made), cochran_mantel_haenszel(made)
    assume(both and ratio is not None and test is not None)
    assert ratio is not None
    assert test is not None
    tables = [
        [[one.events_1, one.total_1 - one.events_1], [one.events_2, one.total_2 - one.events_2]]
        for one in both
    ]
    theirs = StratifiedTable([np.array(table) for table in tables])
    assert ratio.estimate == pytest.approx(theirs.oddsratio_pooled)
    assert (ratio.low, ratio.high) == pytest.approx(theirs.oddsratio_pooled_confint())
    assert test.statistic == pytest.approx(theirs.test_null_odds().statistic, abs=1e-9)


@given(strata())
def test_to_swap_the_groups_turns_everything_round(made: list[Stratum]) -> None:
    turned = [Stratum(one.events_2, one.total_2, one.events_1, one.total_1) for one in made]
    test, other = cochran_mantel_haenszel(made), cochran_mantel_haenszel(turned)
    assert (test is None) == (other is None)
    if test and other:
        assert test.statistic == pytest.approx(other.statistic)
    ratio, inverse = common_odds_ratio(made), common_odds_ratio(turned)
    assert (ratio is None) == (inverse is None)
    if ratio and inverse:
        assert (1 / ratio.high, 1 / ratio.low) == pytest.approx((inverse.low, inverse.high))
    one, minus = common_difference(made), common_difference(turned)
    assert (one is None) == (minus is None)
    if one and minus:
        assert (-one.high, -one.low) == pytest.approx((minus.low, minus.high), abs=1e-12)


@given(strata(), st.randoms(use_true_random=False))
def test_the_order_of_strata_plays_no_part(made: list[Stratum], chance: random.Random) -> None:
    shuffled = chance.sample(made, len(made))
    one, other = common_difference(made), common_difference(shuffled)
    assert (one is None) == (other is None)
    if one and other:
        assert one.estimate == pytest.approx(other.estimate, abs=1e-12)


@pytest.mark.parametrize(("x1", "n1", "x2", "n2"), [(46, 100, 31, 98), (3, 9, 5, 40)])
def test_of_one_stratum_the_difference_is_the_plain_one(x1: int, n1: int, x2: int, n2: int) -> None:
    found = common_difference([Stratum(x1, n1, x2, n2)])
    assert found is not None
    assert found.estimate == pytest.approx(x1 / n1 - x2 / n2)


def test_the_interval_of_the_difference_is_about_greenland_and_robins_in_large_strata() -> None:
    # Their variance (Biometrics 1985, 41, 55) needs large strata; Sato's then agrees with it.
    found = common_difference(SMOKING)
    assert found is not None
    weights = sum(one.total_1 * one.total_2 / one.total for one in SMOKING)
    spread = sum(
        (
            one.events_1 * (one.total_1 - one.events_1) * one.total_2**3
            + one.events_2 * (one.total_2 - one.events_2) * one.total_1**3
        )
        / (one.total_1 * one.total_2 * one.total**2)
        for one in SMOKING
    )
    half = 1.959964 * spread**0.5 / weights
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.02)


def test_the_interval_of_the_difference_holds_the_truth_as_often_as_it_says() -> None:
    chance = random.Random(20260105)
    held, trials = 0, 2000
    risks = [(0.35, 0.5), (0.5, 0.65), (0.2, 0.35), (0.6, 0.75), (0.1, 0.25), (0.45, 0.6)]
    for _ in range(trials):
        made = [
            Stratum(
                sum(chance.random() < p1 for _ in range(16)),
                16,
                sum(chance.random() < p2 for _ in range(17)),
                17,
            )
            for p1, p2 in risks
        ]
        found = common_difference(made)
        assert found is not None
        held += found.low <= -0.15 <= found.high
    assert held / trials == pytest.approx(0.95, abs=0.015)


def test_without_both_groups_nothing_is_said() -> None:
    alone = [Stratum(3, 9, 0, 0), Stratum(0, 0, 2, 5)]
    assert cochran_mantel_haenszel(alone) is None
    assert common_odds_ratio(alone) is None
    assert common_difference(alone) is None
    assert cochran_mantel_haenszel([]) is None


def test_without_events_there_is_no_test_and_no_ratio_but_a_difference() -> None:
    nothing = [Stratum(0, 9, 0, 8)]
    assert cochran_mantel_haenszel(nothing) is None
    assert common_odds_ratio(nothing) is None
    found = common_difference(nothing)
    assert found is not None
    assert found.estimate == 0

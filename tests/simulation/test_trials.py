"""The simulated trials: against every list of tiny trials, and the figures known of this one."""

from dataclasses import replace
from fractions import Fraction
from math import sqrt

import numpy as np
import pytest

from services.api.simulation.trials import (
    Figures,
    Lists,
    Rate,
    Scenario,
    quantiles,
    simulate,
    worst,
)
from tests.first_trial import FIRST_TRIAL
from tests.simulation.every_list import law, rates

SECTION = FIRST_TRIAL.protocol.randomization
TRIAL = Scenario.of(SECTION, 200)
NAMES = ("convergence", "optimal", "certain")


def tiny(shares: tuple[int, ...], subjects: int) -> Scenario:
    """A trial of two strata, the first of which gets three quarters."""
    groups = {"trial": ((0, 1),), "stratum": ((0,), (1,))}
    return Scenario(shares, ("A", "B"), groups, (3, 1), subjects)


def near(rate: Rate, expected: float, rounding: float = 1e-12) -> bool:
    """Within four standard errors."""
    return abs(rate.mean - expected) <= 4 * rate.standard_error + rounding


# --- against enumeration ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "block_sizes", "subjects"),
    [
        ((1, 1), (2,), 5),
        ((1, 1), (4,), 6),
        ((1, 1), (2, 4), 7),
        ((1, 1), (4, 6), 9),
        ((1, 1), (2, 2, 6), 7),
        ((2, 1), (3,), 5),
        ((2, 1), (3, 6), 8),
        ((1, 3), (4, 8), 6),
        ((1, 1, 1), (3, 6), 6),
    ],
)
def test_the_rates_are_those_over_every_list(
    shares: tuple[int, ...], block_sizes: tuple[int, ...], subjects: int
) -> None:
    expected = rates(shares, block_sizes, subjects, Fraction(3, 4))
    found = simulate(tiny(shares, subjects), block_sizes, 20_000, seed=5)
    for name, exact in zip(NAMES, expected, strict=True):
        assert near(getattr(found, name), float(exact)), name


@pytest.mark.parametrize(
    ("shares", "block_sizes"), [((1, 1), (2, 4)), ((2, 1), (3, 6)), ((1, 1, 1), (3,))]
)
def test_every_list_comes_as_often_as_its_chance_says(
    shares: tuple[int, ...], block_sizes: tuple[int, ...]
) -> None:
    number, slots = 100_000, 6
    lists = Lists(shares, block_sizes, number, np.random.Generator(np.random.PCG64(1)))
    drawn = np.array([lists.draw(number) for _ in range(slots)]).T
    found, counts = np.unique(drawn, axis=0, return_counts=True)
    often = {tuple(map(int, arms)): int(count) for arms, count in zip(found, counts, strict=True)}
    expected = law(shares, block_sizes, slots)
    assert often.keys() <= expected.keys()
    for arms, chance in expected.items():
        spread = sqrt(number * chance * (1 - chance))
        assert abs(often.get(arms, 0) - number * chance) < 5 * spread, arms


def test_simple_randomization_gives_each_arm_its_share_whatever_came_before() -> None:
    number = 90_000
    lists = Lists((2, 1), (), number, np.random.Generator(np.random.PCG64(1)))
    before, after = (lists.draw(number) == 0 for _ in range(2))
    for places in (before, after, after[before], after[~before]):
        assert abs(places.mean() - 2 / 3) < 4 * sqrt(2 / 9 / len(places))


# --- what must hold of any design ---------------------------------------------------------

DESIGNS = [
    ((1, 1), (2,)),
    ((1, 1), (2, 4, 8)),
    ((2, 1), (3, 6)),
    ((3, 2), (5, 10)),
    ((1, 1, 1), (3, 9)),
    ((1, 1, 2), (4,)),
]


@pytest.mark.parametrize(("shares", "block_sizes"), DESIGNS)
def test_knowing_more_guesses_no_worse_and_counting_no_worse_than_nothing(
    shares: tuple[int, ...], block_sizes: tuple[int, ...]
) -> None:
    found = simulate(tiny(shares, 40), block_sizes, 2_000, seed=3)
    error = 4 * found.convergence.standard_error
    assert found.optimal.mean >= found.convergence.mean - error
    assert found.convergence.mean >= max(shares) / sum(shares) - error
    assert found.certain.mean <= found.optimal.mean


@pytest.mark.parametrize("block_sizes", [(2,), (4, 6), (2, 8)])
def test_with_two_equal_arms_counting_is_the_best_guess(block_sizes: tuple[int, ...]) -> None:
    # Whatever block is going on, it still holds more of the arm that is behind.
    found = simulate(tiny((1, 1), 30), block_sizes, 500, seed=2)
    assert found.convergence.mean == pytest.approx(found.optimal.mean, abs=1e-4)


def test_with_unequal_arms_knowing_the_block_sizes_helps() -> None:
    found = simulate(tiny((2, 1), 40), (3, 6), 2_000, seed=2)
    assert found.optimal.mean > found.convergence.mean + 4 * found.optimal.standard_error


def test_simple_randomization_cannot_be_guessed() -> None:
    found = simulate(tiny((2, 1), 40), (), 5_000, seed=2)
    assert near(found.optimal, 2 / 3)
    assert found.certain == Rate(0, 0)


def test_the_same_seed_gives_the_same_figures_and_another_gives_others() -> None:
    found = [simulate(TRIAL, (4, 6), 50, seed) for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


def test_every_trial_is_told_and_none_twice() -> None:
    told: list[int] = []
    simulate(replace(TRIAL, subjects=2), (4, 6), 10_000, 1, told.append)
    assert len(told) > 1
    assert sum(told) == 10_000


# --- imbalance ----------------------------------------------------------------------------


def test_imbalance_is_how_many_more_one_arm_got_of_its_due_than_another() -> None:
    counts = np.array([[[5, 1, 0]], [[2, 3, 0]]])  # by arm, one trial, three strata
    assert worst((1, 1), counts, [(0, 1, 2)]) / 2 == [1]
    assert worst((1, 1), counts, [(0,), (1,), (2,)]) / 2 == [3]
    assert worst((1, 1), counts, [(0, 2), (1, 2)]) / 2 == [3]
    # Of 11, arms of 2:1 are due 7.33 and 3.67: excesses of -1.33 and 1.33.
    assert worst((2, 1), counts, [(0, 1, 2)]) / 3 == pytest.approx([8 / 3])


def test_full_blocks_leave_no_imbalance() -> None:
    one = Scenario((1, 1), ("A",), {"trial": ((0,),)}, (1,), 12)
    for block_sizes in [(2,), (4,), (6,), (12,)]:
        assert {at.value for at in simulate(one, block_sizes, 50, 1).imbalance["trial"]} == {0}
    odd = simulate(replace(one, subjects=13), (2,), 50, 1)
    assert {at.value for at in odd.imbalance["trial"]} == {1}


def test_a_quantile_is_the_smallest_number_that_enough_trials_do_not_exceed() -> None:
    half, most, nearly, largest = quantiles(np.arange(1000.0, 0, -1))
    assert (half.value, most.value, nearly.value, largest.value) == (500, 950, 990, 1000)
    assert (half.low, half.high) == (469, 532)  # 500 ± 1.96 √250, and the rank after
    assert (largest.low, largest.high) == (None, None)
    assert quantiles(np.array([7.0, 3.0]))[0].value == 3


# --- this trial ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def figures() -> dict[tuple[int, ...], Figures]:
    """The figures of this trial by block sizes, from a few thousand simulations."""
    sizes: list[tuple[int, ...]] = [(), (2,), (4,), (4, 6), (4, 6, 8)]
    return {some: simulate(TRIAL, some, 3_000, seed=7) for some in sizes}


@pytest.mark.parametrize(
    ("block_sizes", "guessed", "exceeded_by_few"),
    [
        ((2,), 0.746, 4),
        ((4,), 0.702, 4),
        ((4, 6), 0.687, 4),
        ((4, 6, 8), 0.674, 6),
        ((), 0.5, 28),
    ],
)
def test_the_figures_known_of_this_trial_come_out_again(
    figures: dict[tuple[int, ...], Figures],
    block_sizes: tuple[int, ...],
    guessed: float,
    exceeded_by_few: int,
) -> None:
    found = figures[block_sizes]
    assert near(found.convergence, guessed, rounding=0.0005)
    at = next(at for at in found.imbalance["trial"] if at.percent == 95)
    assert at.value == exceeded_by_few


def test_a_protocol_s_strata_are_grouped_by_site() -> None:
    assert TRIAL.strata == ("NN-C", "NN-N", "LZ-C", "LZ-N", "YL-C", "YL-N")
    assert TRIAL.groups["site"] == ((0, 1), (2, 3), (4, 5))
    assert TRIAL.groups["trial"] == ((0, 1, 2, 3, 4, 5),)
    assert Scenario.of(SECTION, 9, {"LZ-C": 2.5}).weights == (1, 1, 2.5, 1, 1, 1)


def test_a_trial_without_sites_among_its_factors_has_no_site_level() -> None:
    elsewhere = SECTION.model_copy(update={"factors": SECTION.factors[1:]})
    found = simulate(Scenario.of(elsewhere, 10), (4,), 20, 1)
    assert list(found.imbalance) == ["trial", "stratum"]


def test_a_stratum_s_weight_says_how_many_fall_into_it() -> None:
    heavy = Scenario.of(SECTION, 60, {"NN-C": 1e9})
    alone = Scenario((1, 1), ("NN-C",), {"trial": ((0,),)}, (1,), 60)
    expected = simulate(alone, (6,), 2_000, seed=1).convergence
    assert near(simulate(heavy, (6,), 2_000, seed=2).convergence, expected.mean, 0.003)

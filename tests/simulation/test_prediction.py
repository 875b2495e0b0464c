"""What recruiters can expect of the next arm: exact, and no better for anything published."""

from collections.abc import Iterator
from math import sqrt

import numpy as np
import pytest
from rich.console import Console

from services.api.simulation.prediction import (
    Posterior,
    certain,
    convergence_guess,
    optimal_guess,
)
from services.api.simulation.trials import Lists
from tests.conftest import Rounds
from tests.simulation.every_list import chances, hits, law
from tests.simulation.recruiter import (
    BLOCK_SIZES,
    Trials,
    expected,
    learn,
    make,
    make_with,
    strongest,
    unsalted,
)

IMPROBABLE = 7.0
"""In standard errors: by chance, one of a hundred thousand exceeds it in four million runs."""

DESIGNS = [
    ((1, 1), (2,), 6),
    ((1, 1), (4,), 9),
    ((1, 1), (2, 4), 9),
    ((1, 1), (4, 6), 10),
    ((1, 1), (4, 4, 6), 8),
    ((2, 1), (3, 6), 9),
    ((1, 3), (4, 8), 8),
    ((1, 1, 1), (3, 6), 7),
]


@pytest.mark.parametrize(("shares", "block_sizes", "slots"), DESIGNS)
def test_the_posterior_is_exact_after_every_possible_past(
    shares: tuple[int, ...], block_sizes: tuple[int, ...], slots: int
) -> None:
    lists = list(law(shares, block_sizes, slots))
    begins = chances(shares, block_sizes, slots)
    posterior = Posterior(shares, block_sizes, len(lists))
    for seq in range(slots):
        pasts = [arms[:seq] for arms in lists]
        expected = [
            [begins.get((*past, arm), 0) / begins[past] for past in pasts]
            for arm in range(len(shares))
        ]
        found = posterior.chances(len(lists))
        assert found == pytest.approx(np.array(expected, dtype=float), abs=1e-12)
        alone = [sum(one > 0 for one in column) == 1 for column in zip(*expected, strict=True)]
        assert certain(found).tolist() == alone
        posterior.learn(np.array([arms[seq] for arms in lists]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("shares", "block_sizes"),
    [
        ((1, 1), (2, 4, 6, 8)),
        ((1, 1), (64,)),
        ((3, 2), (5, 20)),
        ((1, 2, 1), (4, 8, 12)),
        ((4, 1), ()),
    ],
)
def test_chances_sum_to_one_and_what_is_certain_comes(
    shares: tuple[int, ...], block_sizes: tuple[int, ...], seed: int
) -> None:
    number = 200
    lists = Lists(shares, block_sizes, number, np.random.Generator(np.random.PCG64(seed)))
    posterior = Posterior(shares, block_sizes, number)
    for _ in range(300):
        found = posterior.chances(number)
        assert found.sum(axis=0) == pytest.approx(1, abs=1e-9)
        assert (found >= 0).all()
        arms = lists.draw(number)
        assert (np.take_along_axis(found, arms[None], axis=0) > 0).all()
        known = certain(found)
        assert (found.argmax(axis=0)[known] == arms[known]).all()
        posterior.learn(arms)


def test_lists_that_end_earlier_leave_the_others_as_they_were() -> None:
    alone, beside = Posterior((1, 1), (2, 4), 1), Posterior((1, 1), (2, 4), 3)
    for seq, arm in enumerate((0, 1, 1, 0, 0, 1, 0)):
        on = 3 - seq // 3
        assert (beside.chances(on)[:, :1] == alone.chances(1)).all()
        beside.learn(np.full(on, arm))
        alone.learn(np.array([arm]))


def test_those_who_count_guess_the_arm_furthest_behind_and_toss_for_ties() -> None:
    counts = np.array([[2, 1, 0, 0], [1, 1, 0, 0]])
    ties = np.array([[0.9, 0.9, 0.1, 0.9], [0.1, 0.1, 0.9, 0.1]])
    assert convergence_guess((1, 1), counts, ties).tolist() == [1, 0, 1, 0]
    # Of 2:1, the larger arm is behind at the start: it is due two of the first three.
    counts = np.array([[0, 1, 2, 2], [0, 0, 0, 1]])
    ties = np.array([[0.1, 0.9, 0.9, 0.1], [0.9, 0.1, 0.1, 0.9]])
    assert convergence_guess((2, 1), counts, ties).tolist() == [0, 1, 1, 0]


def test_the_best_guess_is_the_likeliest_arm_and_rounding_decides_nothing() -> None:
    found = np.array([[0.5 + 1e-15, 0.5, 0.4], [0.5, 0.5 + 1e-15, 0.6]])
    ties = np.array([[0.1, 0.9, 0.9], [0.9, 0.1, 0.1]])
    assert optimal_guess(found, ties).tolist() == [1, 0, 1]


def test_hardly_possible_is_not_impossible() -> None:
    assert certain(np.array([[1.0, 1 - 1e-12, 0.0], [0.0, 1e-12, 1.0]])).tolist() == [1, 0, 1]


# --- the real generator -------------------------------------------------------------------


@pytest.fixture(scope="module")
def trials(rounds: Rounds) -> Trials:
    """Trials of the real generator, a few of them or, with --torture, a hundred thousand."""
    number = rounds(1_500, 100_000)
    return make(range(number)) if number < 10_000 else make_with(2, number)


@pytest.fixture
def told(rounds: Rounds, capsys: pytest.CaptureFixture[str]) -> Iterator[Console]:
    """Where a long run tells what it found."""
    with capsys.disabled():
        yield Console(quiet=not rounds(0, 1), soft_wrap=True)


def test_the_real_generator_is_guessed_as_often_as_its_blocks_allow(trials: Trials) -> None:
    slots = 10
    found = (expected(trials.arms) * trials.arms)[..., :slots]
    right = np.where(abs(found) < 1e-6, 0.5, found > 0).mean(axis=(1, 2))
    _, optimal, _ = hits((1, 1), BLOCK_SIZES, slots)
    error = right.std(ddof=1) / sqrt(len(right))
    assert abs(right.mean() - float(optimal) / slots) < 4 * error


def test_no_recruiter_learns_more_than_the_past_of_the_stratum_tells(
    trials: Trials, told: Console
) -> None:
    outcome = learn(trials)
    told.print(f"Recruiters who learn: {outcome}")
    assert outcome.gain <= 4 * outcome.standard_error, outcome


def test_a_recruiter_learns_from_one_stratum_s_leaves_without_salts(
    trials: Trials, told: Console
) -> None:
    outcome = learn(trials.portion(slice(1_000)), leak=unsalted)
    told.print(f"With a leak in one stratum of six: {outcome}")
    assert outcome.gain > 4 * outcome.standard_error, outcome


def test_no_published_bit_goes_with_any_slot(trials: Trials, told: Console) -> None:
    found, compared = strongest(trials)
    told.print(f"Strongest of {compared:,} correlations: {found:.2f} standard errors")
    assert found < IMPROBABLE


def test_a_published_bit_that_goes_with_one_slot_is_found(trials: Trials) -> None:
    bits = trials.bits.copy()
    # The root's first bit tells the stratum's seventh arm in one trial of three.
    bits[::3, 0] = trials.arms[::3, 2, 6]
    found, _ = strongest(Trials(trials.arms, bits))
    assert found > IMPROBABLE

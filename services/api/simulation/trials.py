"""Simulated trials, by which a sponsor's statistician chooses the block sizes.

Each trial draws its subjects' strata and its lists anew. The lists have the law
of those in `rules`, but come from numpy's generator: nothing here needs a secret.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt

import numpy as np
import numpy.typing as npt

from services.api.protocol.schema import Randomization
from services.api.randomization.rules import strata
from services.api.simulation.prediction import (
    Counts,
    Posterior,
    certain,
    convergence_guess,
    optimal_guess,
)

PERCENTS = (50, 95, 99, 100)
_CELLS = 2**19
"""How many numbers the largest array may have: 4 MiB, which processor caches hold."""
_NORMAL = 1.96
"""Of a normal law, 95 % lie within so many standard deviations."""


@dataclass(frozen=True)
class Scenario:
    """The trial to simulate.

    `groups` names levels of the trial and, for each, its groups as places in
    `strata`. `weights` say how often a subject falls into each stratum, in any
    unit.
    """

    shares: tuple[int, ...]
    strata: tuple[str, ...]
    groups: Mapping[str, tuple[tuple[int, ...], ...]]
    weights: tuple[float, ...]
    subjects: int

    @classmethod
    def of(
        cls, section: Randomization, subjects: int, weights: Mapping[str, float] | None = None
    ) -> "Scenario":
        """The trial of a protocol; a stratum without a weight weighs 1."""
        cells = strata(section)
        by_site: dict[bool | str, list[int]] = {}
        for factor in section.factors:
            if factor.source == "site":
                for place, stratum in enumerate(cells):
                    by_site.setdefault(stratum.levels[factor.id], []).append(place)
        sites = tuple(tuple(places) for places in by_site.values())
        return cls(
            shares=tuple(section.ratio.values()),
            strata=tuple(stratum.code for stratum in cells),
            groups={
                "trial": (tuple(range(len(cells))),),
                **({"site": sites} if sites else {}),
                "stratum": tuple((place,) for place in range(len(cells))),
            },
            weights=tuple((weights or {}).get(stratum.code, 1.0) for stratum in cells),
            subjects=subjects,
        )


@dataclass(frozen=True)
class Rate:
    """A share of all allocations, from 0 to 1, and its Monte Carlo standard error."""

    mean: float
    standard_error: float


@dataclass(frozen=True)
class Quantile:
    """The smallest number that so many per cent of the trials do not exceed.

    `low` and `high` are its 95 % interval by order statistics, which needs no
    law of the number. The largest of all, at 100, has no interval.
    """

    percent: int
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Figures:
    """What simulated trials say of one choice of block sizes; no sizes: simple randomization.

    `convergence` and `optimal` are the shares of allocations that the two
    guesses of `prediction` get right. `certain` is the share that those who
    know the block sizes know beforehand, without doubt. `imbalance` has the
    quantiles, over trials, of the worst imbalance at each level.
    """

    block_sizes: tuple[int, ...]
    convergence: Rate
    optimal: Rate
    certain: Rate
    imbalance: Mapping[str, tuple[Quantile, ...]]


def simulate(
    scenario: Scenario,
    block_sizes: tuple[int, ...],
    trials: int,
    seed: int,
    advance: Callable[[int], object] = lambda _: None,
) -> Figures:
    """Simulate at least two trials with lists of these block sizes.

    The same arguments give the same figures, whatever else is simulated.
    `advance` is told the number of trials each time some are done.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    hits: list[Counts] = []
    worsts: list[Counts] = []
    for some in _portions(scenario, block_sizes, trials):
        right, counts = _play(scenario, block_sizes, some, random)
        hits.append(right)
        worsts.append(
            np.array([worst(scenario.shares, counts, of) for of in scenario.groups.values()])
        )
        advance(some)
    convergence, optimal, known = np.concatenate(hits, axis=1) / scenario.subjects
    levels = np.concatenate(worsts, axis=1) / sum(scenario.shares)
    return Figures(
        block_sizes,
        convergence=_rate(convergence),
        optimal=_rate(optimal),
        certain=_rate(known),
        imbalance={
            level: quantiles(by_trial)
            for level, by_trial in zip(scenario.groups, levels, strict=True)
        },
    )


def _portions(scenario: Scenario, block_sizes: Sequence[int], trials: int) -> Iterator[int]:
    """Trials in portions, so that memory does not grow with them."""
    cells = max(sum(block_sizes), 1) * len(scenario.shares) * len(scenario.strata)
    most = max(_CELLS // cells, 1)
    while trials > 0:
        yield min(most, trials)
        trials -= most


def _play(
    scenario: Scenario, block_sizes: Sequence[int], trials: int, random: np.random.Generator
) -> tuple[Counts, Counts]:
    """Each trial's right guesses by convergence, optimal ones, certainties; and its arms."""
    weights = np.array(scenario.weights) / max(scenario.weights)  # whose sum is finite
    lengths = random.multinomial(scenario.subjects, weights / weights.sum(), size=trials).ravel()
    # The longest first: the lists that go on are then always the first ones.
    order = np.argsort(-lengths, kind="stable")
    lengths = lengths[order]
    lists = Lists(scenario.shares, block_sizes, len(lengths), random)
    posterior = Posterior(scenario.shares, block_sizes, len(lengths))
    hits = np.zeros((3, len(lengths)), dtype=np.int64)
    for seq in range(lengths[0]):
        on = int(np.searchsorted(-lengths, -seq))
        ties = random.random((len(scenario.shares), on))
        chances = posterior.chances(on)
        rarer = convergence_guess(scenario.shares, lists.counts[:, :on], ties)
        likeliest = optimal_guess(chances, ties)
        arms = lists.draw(on)
        hits[:, :on] += np.array([rarer == arms, likeliest == arms, certain(chances)])
        posterior.learn(arms)
    found = np.empty((3 + len(scenario.shares), len(lengths)), dtype=np.int64)
    found[:, order] = np.concatenate([hits, lists.counts])
    by_stratum = found.reshape(-1, trials, len(scenario.strata))
    return by_stratum[:3].sum(axis=2), by_stratum[3:]


class Lists:
    """Lists of permuted blocks; `counts` are the allocations so far, by arm and list."""

    def __init__(
        self,
        shares: Sequence[int],
        block_sizes: Sequence[int],
        lists: int,
        random: np.random.Generator,
    ) -> None:
        self.counts: Counts = np.zeros((len(shares), lists), dtype=np.int64)
        self._shares = np.array(shares)[:, None]
        self._blocks = self._shares * (np.array(block_sizes, dtype=np.int64) // sum(shares))
        self._left = np.zeros_like(self.counts)
        self._random = random

    def draw(self, lists: int) -> Counts:
        """The next arm of the first so many lists: one of those that their block still holds.

        Without block sizes every arm has always its share.
        """
        left = self._left[:, :lists]
        if self._blocks.size:
            empty = np.flatnonzero(~left.any(axis=0))
            opened = self._random.integers(self._blocks.shape[1], size=len(empty))
            left[:, empty] = self._blocks[:, opened]
        else:
            left[:] = self._shares
        place = self._random.integers(left.sum(axis=0))
        arms: Counts = np.count_nonzero(place >= left.cumsum(axis=0), axis=0)
        drawn = np.arange(len(left))[:, None] == arms
        left -= drawn
        self.counts[:, :lists] += drawn
        return arms


def worst(shares: Sequence[int], counts: Counts, groups: Sequence[Sequence[int]]) -> Counts:
    """The largest imbalance among groups of strata, of each trial.

    `counts` are allocations by arm, trial and stratum. An arm's excess is its
    allocations less its share of the group's; the imbalance is the largest
    excess less the smallest, here times the sum of the shares, to be whole.
    With two arms of equal shares it is the difference between their numbers.
    """
    of_group = np.stack([counts[..., list(places)].sum(axis=-1) for places in groups], axis=-1)
    due = np.array(shares)[:, None, None] * of_group.sum(axis=0)
    imbalance: Counts = np.ptp(sum(shares) * of_group - due, axis=0).max(axis=1)
    return imbalance


def _rate(by_trial: npt.NDArray[np.float64]) -> Rate:
    error = float(by_trial.std(ddof=1)) / sqrt(len(by_trial))
    return Rate(float(by_trial.mean()), error)


def quantiles(by_trial: npt.NDArray[np.float64]) -> tuple[Quantile, ...]:
    """The quantiles at `PERCENTS`."""
    ordered = np.sort(by_trial)

    def at(rank: int) -> float:
        return float(ordered[min(max(rank, 1), len(ordered)) - 1])

    def quantile(percent: int) -> Quantile:
        expected = len(ordered) * percent / 100
        value = at(-(-len(ordered) * percent // 100))
        if percent == 100:
            return Quantile(percent, value, None, None)
        margin = _NORMAL * sqrt(expected * (1 - percent / 100))
        return Quantile(
            percent, value, at(floor(expected - margin)), at(ceil(expected + margin) + 1)
        )

    return tuple(quantile(percent) for percent in PERCENTS)

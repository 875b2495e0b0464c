"""A recruiter who learns, from trials of the real generator, whatever there is to learn.

Arms are 1 and -1 in numbers, those of a trial an array by stratum and slot. At
every slot the recruiter knows what came before it at the site, the optimal
posterior, the randomization number and all that is published. How these go with
what the posterior leaves open is fitted on one half of the trials (ridge
regression of the arm less its expectation) and judged on the other.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from math import sqrt
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt

from services.api.randomization.contributions import PARTIES, Contribution, RandomizationSecret
from services.api.randomization.rules import Design
from services.api.simulation.prediction import Posterior

Numbers = npt.NDArray[np.float32]
Leak = Callable[[Numbers], Numbers]
"""What gets out of the arms of trials, a number for each slot; as if it were published."""

BLOCK_SIZES = (4, 6)
SLOTS = 20
DESIGN = Design(
    arms=(("experimental", 1), ("control", 1)),
    strata=("NN-C", "NN-N", "LZ-C", "LZ-N", "YL-C", "YL-N"),
    slots_per_stratum=SLOTS,
)
SIDES = {"experimental": 1, "control": -1}
ROOT_BITS = 256
RIDGE = 0.05
"""Of the number of slots fitted: few enough to keep an arm that is known, and tames 1,000 bits."""
_TOGETHER = 100
"""So many trials are worked on at once."""


@dataclass(frozen=True)
class Trials:
    """The arms of trials, and the bits that are published of each: 1 or -1."""

    arms: Numbers
    bits: Numbers

    def portion(self, places: slice) -> "Trials":
        """Some of the trials."""
        return Trials(self.arms[places], self.bits[places])


def make(numbers: range) -> Trials:
    """The trials of these numbers, by the real generator from secrets of their own."""
    made = [_make(number) for number in numbers]
    arms = np.array([arms for arms, _ in made], dtype=np.float32)
    published = np.frombuffer(b"".join(bits for _, bits in made), dtype=np.uint8)
    bits = np.unpackbits(published.reshape(len(made), -1), axis=1)
    return Trials(arms, bits.astype(np.float32) * 2 - 1)


def make_with(processes: int, trials: int) -> Trials:
    """So many trials, made by several processes: a hundred thousand take minutes."""
    parts = [range(first, trials, processes) for first in range(processes)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        made = [*pool.map(make, parts)]
    return Trials(
        np.concatenate([one.arms for one in made]), np.concatenate([one.bits for one in made])
    )


def _make(number: int) -> tuple[list[list[int]], bytes]:
    sponsor, dmc = (
        Contribution(
            party=party,
            design=DESIGN.digest(),
            block_sizes=BLOCK_SIZES if party == "sponsor" else (),
            secret=sha256(f"{party} {number}".encode()).hexdigest(),
        )
        for party in PARTIES
    )
    secret = RandomizationSecret(contributions=(sponsor, dmc))
    made = secret.list_for(DESIGN)
    arms = [[SIDES[arm] for arm in made.arms[code]] for code in DESIGN.strata]
    commitments = bytes.fromhex("".join(secret.commitments().values()))
    return arms, made.root + commitments


# --- what is known before an allocation -------------------------------------------------


def expected(arms: Numbers) -> Numbers:
    """The arm's exact expectation at every slot, for who knows the block sizes and the past."""
    lists = arms.reshape(-1, SLOTS)
    posterior = Posterior((1, 1), BLOCK_SIZES, len(lists))
    means = np.empty(lists.shape, dtype=np.float32)
    for slot in range(SLOTS):
        experimental, control = posterior.chances(len(lists))
        means[:, slot] = experimental - control
        posterior.learn((lists[:, slot] < 0).astype(np.int64))
    return means.reshape(arms.shape)


def history(arms: Numbers, means: Numbers) -> Iterator[Numbers]:
    """What the site's own past, the posterior and the randomization number say of each slot."""
    past = np.pad(arms, ((0, 0), (0, 0), (6, 0)))[..., :-1]
    before = [past[..., 5 - back : 5 - back + SLOTS] for back in range(6)]
    imbalance = np.cumsum(arms, axis=-1) - arms
    run = _runs(arms)
    # Strata 0 and 1, 2 and 3, 4 and 5 are of one site.
    beside = [1, 0, 3, 2, 5, 4]
    other = (imbalance[:, beside], before[0][:, beside])
    yield from (np.ones_like(arms), means, np.sign(means), means**3, abs(means))
    yield from (*before, run, imbalance, imbalance**3, *other)
    yield from _places(arms, np.sign(means))


def _runs(arms: Numbers) -> Numbers:
    """How often the last arm came in a row, with its side."""
    runs = np.zeros_like(arms)
    for slot in range(1, SLOTS):
        last, before = arms[..., slot - 1], runs[..., slot - 1]
        runs[..., slot] = np.where(last * before > 0, before + last, last)
    return runs


def _places(arms: Numbers, side: Numbers) -> Iterator[Numbers]:
    """The randomization number: its stratum, its place, its place among 2 to 6; by side too."""
    seq = np.arange(1, SLOTS + 1)
    of_seq = [seq / SLOTS, *(seq % every == rest for every in range(2, 7) for rest in range(every))]
    of_stratum = np.eye(arms.shape[1])
    for known in (*(one[None] for one in of_seq), *(one[:, None] for one in of_stratum)):
        yield known * np.ones_like(arms)
        yield known * side


def features(trials: Trials, leak: Leak | None) -> tuple[Numbers, Numbers]:
    """What is known before every allocation, a row for each; and the arm's exact expectation."""
    means = expected(trials.arms)
    shape = (*trials.arms.shape, trials.bits.shape[1])
    bits = np.broadcast_to(trials.bits[:, None, None], shape)
    by_side = bits[..., :ROOT_BITS] * np.sign(means)[..., None]
    columns = [np.stack([*history(trials.arms, means)], axis=-1), bits, by_side]
    if leak is not None:
        columns.append(leak(trials.arms)[..., None])
    rows = np.concatenate(columns, axis=-1, dtype=np.float32)
    return rows.reshape(-1, rows.shape[-1]), means


def unsalted(arms: Numbers) -> Numbers:
    """The leak there would be in the first stratum if the next slot's leaf had no salt.

    Whoever hashes both arms sees which one the published leaf is of.
    """
    leaked = np.zeros_like(arms)
    leaked[:, 0] = arms[:, 0]
    return leaked


# --- learning ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """Shares of right guesses in the trials judged, and the learner's gain with its error."""

    trials: int
    optimal: float
    learned: float
    gain: float
    standard_error: float

    def __str__(self) -> str:
        return (
            f"{self.trials:,} trials judged: guessed at best {self.optimal:.5f}, learned"
            f" {self.learned:.5f}, gain {self.gain:+.5f} ± {self.standard_error:.5f}"
        )


def learn(trials: Trials, leak: Leak | None = None) -> Outcome:
    """Fit on the first half of the trials and judge on the second."""
    half = len(trials.arms) // 2
    fitted = _fit(trials.portion(slice(half)), leak)
    ties = np.random.Generator(np.random.PCG64(1))
    optimal, learned = [], []
    for some in _portions(trials.portion(slice(half, None))):
        rows, means = features(some, leak)
        tossed = ties.choice(np.array([-1e-6, 1e-6], dtype=np.float32), size=means.shape)
        adjusted = means + tossed + (rows @ fitted).reshape(means.shape)
        optimal.append(np.mean((means + tossed) * some.arms > 0, axis=(1, 2)))
        learned.append(np.mean(adjusted * some.arms > 0, axis=(1, 2)))
    one, other = np.concatenate(optimal), np.concatenate(learned)
    gain = other - one
    error = float(gain.std(ddof=1)) / sqrt(len(gain))
    return Outcome(len(gain), float(one.mean()), float(other.mean()), float(gain.mean()), error)


def _portions(trials: Trials) -> Iterator[Trials]:
    for first in range(0, len(trials.arms), _TOGETHER):
        yield trials.portion(slice(first, first + _TOGETHER))


def _fit(trials: Trials, leak: Leak | None) -> Numbers:
    """The ridge regression's weights, from sums over the trials."""
    squares, products, slots = np.zeros(1), np.zeros(1), 0
    for some in _portions(trials):
        rows, means = features(some, leak)
        squares = squares + (rows.T @ rows)
        products = products + rows.T @ (some.arms - means).ravel()
        slots += len(rows)
    ridge = RIDGE * slots * np.eye(len(squares))
    weights: Numbers = np.linalg.solve(squares + ridge, products).astype(np.float32)
    return weights


def strongest(trials: Trials) -> tuple[float, int]:
    """The largest of all correlations of a published bit with a slot's arm, and their number.

    In standard errors, which for bits that tell nothing are those of a normal
    law; the arm is taken less its expectation.
    """
    left = (trials.arms - expected(trials.arms)).reshape(len(trials.arms), -1)
    scores = trials.bits.T @ left / np.sqrt(np.square(left).sum(axis=0))
    return float(np.abs(scores).max()), scores.size

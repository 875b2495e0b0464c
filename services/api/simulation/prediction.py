"""How recruiters can guess the next arm of their stratum, for many lists at once.

Arrays have the arms first and the lists last. Every list is one stratum's, and
all of them have got equally far.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Chances = npt.NDArray[np.float64]

_ROUNDING = 1e-9
"""Chances that differ by less are equal: only rounding parts them."""


class Posterior:
    """The exact chance of each arm, for those who know the block sizes and the list so far.

    They know neither the size of the current block nor how much of it is gone.
    Both together are a state, and the chance of every state given the arms so
    far follows by Bayes' rule from one allocation to the next: the forward
    algorithm of a hidden Markov model (Rabiner, Proc. IEEE 77, 1989, section
    III.A). Without block sizes, in simple randomization, the past tells nothing.
    """

    def __init__(self, shares: Sequence[int], block_sizes: Sequence[int], lists: int) -> None:
        ratio, sizes = np.array(shares), np.array(block_sizes, dtype=np.int64)
        # A state for each place of each block, one block after the other.
        size = np.repeat(sizes, sizes)
        self._last = np.cumsum(sizes) - 1
        self._first = self._last - sizes + 1
        self._gone = np.arange(len(size)) - np.repeat(self._first, sizes)
        self._held = size // ratio.sum() * ratio[:, None]
        self._left = size - self._gone
        self._simple = np.repeat((ratio / ratio.sum())[:, None], lists, axis=1)
        self._states = np.zeros((len(size), lists))
        self._states[self._first] = 1 / max(len(sizes), 1)
        # Of each arm, how many the last 0, 1, 2, … allocations hold.
        self._recent = np.zeros((len(ratio), max(block_sizes, default=0), lists))
        self._joint = self._chances = np.zeros(0)

    def chances(self, lists: int) -> Chances:
        """The chance of each arm to be the next one, of the first so many lists."""
        if not self._states.size:
            return self._simple[:, :lists]
        self._states, self._recent = self._states[:, :lists], self._recent[..., :lists]
        in_block = self._held[..., None] - self._recent[:, self._gone]
        self._joint = in_block * (self._states / self._left[:, None])
        self._chances = self._joint.sum(axis=1)
        return self._chances

    def learn(self, arms: Counts) -> None:
        """Take in the arm that each list of the last `chances` came to."""
        if not self._states.size:
            return
        drawn = np.arange(len(self._joint))[:, None] == arms
        states = np.where(drawn[:, None], self._joint, 0).sum(axis=0)
        states /= np.where(drawn, self._chances, 0).sum(axis=0)
        self._states[1:] = states[:-1]
        self._states[self._first] = states[self._last].sum(axis=0) / len(self._first)
        self._recent[:, 1:] = self._recent[:, :-1] + drawn[:, None]


def convergence_guess(shares: Sequence[int], counts: Counts, ties: Chances) -> Counts:
    """The arm that is furthest behind: the guess of those who only count.

    Behind its share of the list, when the next subject gets another arm. With
    two arms of equal shares it is the rarer one, Blackwell and Hodges'
    convergence strategy (Ann. Math. Statist. 28, 1957). `ties` are random
    numbers below 1; of several arms, that with the largest is guessed.
    """
    due = (counts.sum(axis=0) + 1) * np.array(shares)[:, None]
    guess: Counts = np.argmax(due - sum(shares) * counts + ties, axis=0)
    return guess


def optimal_guess(chances: Chances, ties: Chances) -> Counts:
    """The likeliest arm: no other guess is right more often. Ties as for convergence."""
    guess: Counts = np.argmax(chances + _ROUNDING * ties, axis=0)
    return guess


def certain(chances: Chances) -> npt.NDArray[np.bool_]:
    """Where only one arm is possible. Impossible arms have a chance of exactly 0."""
    alone: npt.NDArray[np.bool_] = np.count_nonzero(chances > 0, axis=0) == 1
    return alone

"""Every list that a stratum of a few subjects can have, with its exact chance."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import permutations
from math import comb

Law = dict[tuple[int, ...], Fraction]
"""Lists of arms, numbered from 0, and how likely each is."""


@cache
def law(shares: tuple[int, ...], block_sizes: tuple[int, ...], slots: int) -> Law:
    """All lists of so many slots: block by block, each order of a block equally likely."""
    if slots <= 0:
        return {(): Fraction(1)}
    found: Law = {}
    for size in block_sizes:
        arms = [arm for arm, share in enumerate(shares) for _ in range(share)]
        orders = set(permutations(arms * (size // len(arms))))
        chance = Fraction(1, len(block_sizes) * len(orders))
        for order in orders:
            for rest, of_rest in law(shares, block_sizes, slots - size).items():
                arms_so_far = (order + rest)[:slots]
                found[arms_so_far] = found.get(arms_so_far, Fraction(0)) + chance * of_rest
    return found


@cache
def chances(shares: tuple[int, ...], block_sizes: tuple[int, ...], slots: int) -> Law:
    """The chance that a list begins so, for every beginning of at most so many slots."""
    begins: Law = {}
    for arms, chance in law(shares, block_sizes, slots).items():
        for length in range(slots + 1):
            begins[arms[:length]] = begins.get(arms[:length], Fraction(0)) + chance
    return begins


def hits(shares: tuple[int, ...], block_sizes: tuple[int, ...], slots: int) -> list[Fraction]:
    """Expected right guesses by convergence, right guesses at best, and certainties."""
    begins = chances(shares, block_sizes, slots)
    convergence = optimal = certain = Fraction(0)
    for past, chance in begins.items():
        if len(past) == slots:
            continue
        follow = [begins.get((*past, arm), Fraction(0)) for arm in range(len(shares))]
        behind = _furthest_behind(shares, past)
        convergence += sum((follow[arm] for arm in behind), Fraction(0)) / len(behind)
        optimal += max(follow)
        certain += chance * (sum(one > 0 for one in follow) == 1)
    return [convergence, optimal, certain]


def _furthest_behind(shares: Sequence[int], past: Sequence[int]) -> list[int]:
    due = [
        Fraction(share * (len(past) + 1), sum(shares)) - past.count(arm)
        for arm, share in enumerate(shares)
    ]
    return [arm for arm, missing in enumerate(due) if missing == max(due)]


def rates(
    shares: tuple[int, ...], block_sizes: tuple[int, ...], subjects: int, first: Fraction
) -> list[Fraction]:
    """Expected shares of `hits` in a trial of two strata, of which the first gets its share."""
    total = [Fraction(0)] * 3
    for there in range(subjects + 1):
        chance = comb(subjects, there) * first**there * (1 - first) ** (subjects - there)
        both = zip(
            hits(shares, block_sizes, there),
            hits(shares, block_sizes, subjects - there),
            strict=True,
        )
        total = [sofar + chance * (a + b) for sofar, (a, b) in zip(total, both, strict=True)]
    return [one / subjects for one in total]

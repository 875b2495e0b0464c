"""Where measured values lie, and how far two groups lie apart."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from services.api.statistics.normal import Interval, Z


@dataclass(frozen=True, slots=True)
class Quartiles:
    """The median and both quartiles of some values."""

    lower: float
    median: float
    upper: float


def quartiles(values: Sequence[float]) -> Quartiles | None:
    """Quartiles by linear interpolation between ordered values; None of no value.

    Source: Hyndman and Fan, Am Stat 1996, 50, 361, definition 7.
    """
    if len(values) < 2:
        return Quartiles(values[0], values[0], values[0]) if values else None
    return Quartiles(*quantiles(values, n=4, method="inclusive"))


def hodges_lehmann(first: Sequence[float], second: Sequence[float]) -> Interval | None:
    """By how much values of the first group exceed those of the second; None if one is empty.

    The median of all differences between the groups. The interval inverts the
    Wilcoxon rank sum test by its normal approximation, with ties in the
    variance. Source: Hodges and Lehmann, Ann Math Stat 1963, 34, 598; Hollander,
    Wolfe and Chicken, Nonparametric Statistical Methods, 3rd edition, 4.2 and 4.3.
    """
    if not first or not second:
        return None
    differences = sorted(one - other for one in first for other in second)
    pairs, total = len(differences), len(first) + len(second)
    ties = sum(count**3 - count for count in Counter([*first, *second]).values())
    variance = pairs / 12 * (total + 1 - ties / (total * (total - 1)))
    cut = max(math.floor(pairs / 2 - Z * math.sqrt(variance) + 0.5), 1)
    return Interval(median(differences), differences[cut - 1], differences[pairs - cut])

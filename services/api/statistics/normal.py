"""The normal distribution, and the intervals read from it."""

import math
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
"""The confidence of every interval, two-sided."""

Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
"""The quantile of the standard normal distribution that such an interval uses, 1.96."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with both limits of its confidence interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """A test's statistic, chi-square with one degree of freedom, and its two-sided p."""

    statistic: float
    p: float


def around(estimate: float, standard_error: float) -> Interval:
    """The interval of an estimate that is about normally distributed."""
    return Interval(estimate, estimate - Z * standard_error, estimate + Z * standard_error)


def chi_square_test(difference: float, variance: float) -> ChiSquare | None:
    """The test that a difference of that variance is zero; None if it cannot vary.

    With one degree of freedom, chi-square is the square of a standard normal variable.
    """
    if variance <= 0:
        return None
    statistic = difference * difference / variance
    return ChiSquare(statistic, math.erfc(math.sqrt(statistic / 2)))

"""When the last subject will be included, if recruitment goes on as it did."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from services.api.statistics.normal import CONFIDENCE

PRIOR_SHAPE = 0.5
"""Jeffreys' prior of a Poisson rate: shape one half, and no time watched."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The weeks until so many more are included: the middle, and a prediction interval."""

    weeks: float
    low: float
    high: float


def weeks_until(more: int, included: int, weeks: float) -> Forecast | None:
    """The forecast for `more` inclusions after `included` came in so many past weeks.

    Inclusions come one by one at a constant rate (a Poisson process). Of that
    rate is known what the past weeks tell: a gamma distribution of shape
    `included` + 1/2 over `weeks`. The interval holds both, not knowing the rate
    and chance in what is to come. None when nobody was included, or no time
    passed: then nothing can be said. Source: Anisimov and Fedorov, Stat Med
    2007, 26, 4958, for one centre; the waiting time has a beta prime distribution.
    """
    if included < 1 or weeks <= 0 or more < 0:
        return None
    if more == 0:
        return Forecast(0.0, 0.0, 0.0)
    shape, tail = included + PRIOR_SHAPE, (1 - CONFIDENCE) / 2
    chances = [
        math.lgamma(shape + count) - math.lgamma(shape) - math.lgamma(count + 1)
        for count in range(more)
    ]
    middle, low, high = (
        _quantile(share, chances, shape) * weeks for share in (0.5, tail, 1 - tail)
    )
    return Forecast(middle, low, high)


def _quantile(share: float, chances: Sequence[float], shape: float) -> float:
    """The multiple of the past time by which enough came with that probability, by bisection."""
    low, high = 0.0, 1.0
    while _by(high, chances, shape) < share:
        low, high = high, high * 2
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (middle, high) if _by(middle, chances, shape) < share else (low, middle)
    return high


def _by(time: float, chances: Sequence[float], shape: float) -> float:
    """The probability that more come in that multiple of the past time than `chances` count.

    How many come has a negative binomial distribution; `chances` are the logarithms
    of its binomial coefficients.
    """
    stays = -math.log1p(time)
    comes = math.log(time) + stays
    fewer = sum(
        math.exp(chance + shape * stays + count * comes) for count, chance in enumerate(chances)
    )
    return 1 - min(fewer, 1.0)

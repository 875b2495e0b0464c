"""Times until something happens, when not everyone is watched until it does."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.api.statistics.normal import ChiSquare, Interval, Z, chi_square_test

CENSORED = 0
"""The cause of a time at which nothing had happened yet. Other causes are 1, 2 and so on."""


_NEXT_TO_NOTHING = 1e-12
"""A share so near 0 or 1 differs from it by rounding alone."""


@dataclass(frozen=True, slots=True)
class Observed:
    """How long one subject was watched, and what ended it."""

    time: float
    cause: int


@dataclass(frozen=True, slots=True)
class Step:
    """What a curve is from `time` on: the estimate and its interval; `at_risk` just before."""

    time: float
    at_risk: int
    events: int
    value: Interval


def kaplan_meier(observed: Iterable[Observed]) -> list[Step]:
    """The share still free of any event after each time of one; every cause is an event.

    The variance is Greenwood's; the interval is symmetric for log(-log) of the
    share, so its limits stay between 0 and 1. Where the curve is 0 nothing is
    known of its precision, and the limits are 0 and 1. Source: Kaplan and Meier,
    J Am Stat Assoc 1958, 53, 457; Kalbfleisch and Prentice, 1980.
    """
    curve, share, greenwood = [], 1.0, 0.0
    for time, at_risk, ended in _risk_sets(observed):
        events = ended.total() - ended[CENSORED]
        if not events:
            continue
        share *= 1 - events / at_risk
        if events < at_risk:
            greenwood += events / (at_risk * (at_risk - events))
        curve.append(Step(time, at_risk, events, _between(share, share * math.sqrt(greenwood))))
    return curve


def aalen_johansen(observed: Iterable[Observed], cause: int) -> list[Step]:
    """The share to whom `cause` has happened by each of its times; other causes compete.

    The variance is that of Marubini and Valsecchi, Analysing Survival Data,
    1995, page 341 (the delta method); the interval as for `kaplan_meier`.
    Source: Aalen and Johansen, Scand J Stat 1978, 5, 141.
    """
    free, share, steps = 1.0, 0.0, []
    past: list[tuple[int, int, int, float, float]] = []
    for time, at_risk, ended in _risk_sets(observed):
        all_events, events = ended.total() - ended[CENSORED], ended[cause]
        if not all_events:
            continue
        share += free * events / at_risk
        past.append((at_risk, all_events, events, free, share))
        free *= 1 - all_events / at_risk
        if events:
            error = math.sqrt(max(_delta_variance(past), 0.0))
            steps.append(Step(time, at_risk, events, _between(share, error)))
    return steps


def _delta_variance(past: Sequence[tuple[int, int, int, float, float]]) -> float:
    """The variance of the last share in `past`: (at risk, all events, events, free, share)."""
    now = past[-1][-1]
    variance = 0.0
    for at_risk, all_events, events, free, share in past:
        if all_events < at_risk:
            variance += (now - share) ** 2 * all_events / (at_risk * (at_risk - all_events))
        variance += free**2 * events * (at_risk - events) / at_risk**3
        variance -= 2 * (now - share) * free * events / at_risk**2
    return variance


def log_rank(
    first: Iterable[Observed], second: Iterable[Observed], cause: int = 1
) -> ChiSquare | None:
    """The test that `cause` comes at the same rate in two groups; other causes censor.

    None when nobody was at risk in both groups at the time of an event. Source:
    Mantel, Cancer Chemother Rep 1966, 50, 163; Peto and Peto, J R Stat Soc A
    1972, 135, 185.
    """
    one = list(first)
    ended_1 = {time: ended[cause] for time, _, ended in _risk_sets(one)}
    difference = variance = 0.0
    for time, at_risk, ended in _risk_sets([*one, *second]):
        events = ended[cause]
        if not events or at_risk == 1:
            continue
        share = sum(each.time >= time for each in one) / at_risk
        difference += ended_1.get(time, 0) - events * share
        variance += events * share * (1 - share) * (at_risk - events) / (at_risk - 1)
    return chi_square_test(difference, variance)


def median(curve: Sequence[Step]) -> float | None:
    """When a falling curve first reaches one half; None while more than half are free."""
    half = 0.5 + _NEXT_TO_NOTHING
    return next((step.time for step in curve if step.value.estimate <= half), None)


def _risk_sets(observed: Iterable[Observed]) -> Iterator[tuple[float, int, Counter[int]]]:
    """Each time, how many were watched until then, and the causes that ended it, in order.

    Who is censored at the time of an event was still at risk.
    """
    ended: dict[float, Counter[int]] = {}
    for one in observed:
        ended.setdefault(one.time, Counter())[one.cause] += 1
    at_risk = sum(causes.total() for causes in ended.values())
    for time in sorted(ended):
        yield time, at_risk, ended[time]
        at_risk -= ended[time].total()


def _between(share: float, standard_error: float) -> Interval:
    """The interval of a share that is symmetric on the scale of log(-log)."""
    if not _NEXT_TO_NOTHING < share < 1 - _NEXT_TO_NOTHING:
        return Interval(float(round(share)), 0.0, 1.0)
    power = math.exp(Z * standard_error / (share * -math.log(share)))
    limits = (share**power, share ** (1 / power))
    return Interval(share, min(limits), max(limits))

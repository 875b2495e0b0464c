"""One proportion, and the difference of two."""

import math
from collections.abc import Callable

from services.api.statistics.normal import Interval, Z


def wilson(events: int, total: int) -> Interval | None:
    """A proportion with Wilson's score interval; None of nobody.

    Source: Wilson, J Am Stat Assoc 1927, 22, 209; Newcombe, Stat Med 1998, 17, 857, method 3.
    """
    if total == 0:
        return None
    share, z2 = events / total, Z * Z
    middle = (events + z2 / 2) / (total + z2)
    half = Z * math.sqrt(share * (1 - share) * total + z2 / 4) / (total + z2)
    low = 0.0 if events == 0 else middle - half
    high = 1.0 if events == total else middle + half
    return Interval(share, low, high)


def newcombe(events_1: int, total_1: int, events_2: int, total_2: int) -> Interval | None:
    """The difference of two proportions, first minus second; None if one is of nobody.

    The limits join those of Wilson of each proportion.
    Source: Newcombe, Stat Med 1998, 17, 873, method 10.
    """
    one, two = wilson(events_1, total_1), wilson(events_2, total_2)
    if one is None or two is None:
        return None
    difference = one.estimate - two.estimate
    below = math.hypot(one.estimate - one.low, two.high - two.estimate)
    above = math.hypot(one.high - one.estimate, two.estimate - two.low)
    return Interval(difference, difference - below, difference + above)


def miettinen_nurminen(events_1: int, total_1: int, events_2: int, total_2: int) -> Interval | None:
    """The difference of two proportions, first minus second; None if one is of nobody.

    The interval holds every difference that a score test does not reject, with
    its variance multiplied by N/(N-1). Source: Miettinen and Nurminen, Stat Med
    1985, 4, 213; Newcombe, Stat Med 1998, 17, 873, method 6.
    """
    if total_1 == 0 or total_2 == 0:
        return None
    difference = events_1 / total_1 - events_2 / total_2

    def accepted(delta: float) -> bool:
        first = _constrained(events_1, total_1, events_2, total_2, delta)
        second = first - delta
        variance = first * (1 - first) / total_1 + second * (1 - second) / total_2
        total = total_1 + total_2
        return (difference - delta) ** 2 <= Z * Z * max(variance, 0.0) * total / (total - 1)

    return Interval(difference, _edge(accepted, difference, -1), _edge(accepted, difference, 1))


def _edge(accepted: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where acceptance ends on the way to the outermost difference, by bisection."""
    if accepted(outside):
        return outside
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if accepted(middle) else (inside, middle)
    return inside


def _constrained(events_1: int, total_1: int, events_2: int, total_2: int, delta: float) -> float:
    """The likeliest first proportion if it exceeds the second by `delta`.

    The second one is the middle root of a cubic, as the authors' appendix solves it.
    """
    total, events = total_1 + total_2, events_1 + events_2
    square = (total_1 + 2 * total_2) * delta - total - events
    linear = (total_2 * delta - total - 2 * events_2) * delta + events
    constant = events_2 * delta * (1 - delta)
    shift = square / (3 * total)
    q = shift**3 - linear * square / (6 * total**2) + constant / (2 * total)
    size = math.sqrt(max(shift**2 - linear / (3 * total), 0.0))
    p = math.copysign(size, q)
    cosine = 1.0 if p == 0 else min(max(q / p**3, -1.0), 1.0)
    second = 2 * p * math.cos((math.pi + math.acos(cosine)) / 3) - shift
    return min(max(second, 0.0, -delta), 1.0, 1.0 - delta) + delta

"""Two proportions compared within strata, and over them together."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from services.api.statistics.normal import ChiSquare, Interval, Z, around, chi_square_test


@dataclass(frozen=True, slots=True)
class Stratum:
    """The events among the subjects of two groups in one stratum."""

    events_1: int
    total_1: int
    events_2: int
    total_2: int

    @property
    def total(self) -> int:
        """The subjects of both groups."""
        return self.total_1 + self.total_2


def cochran_mantel_haenszel(strata: Iterable[Stratum]) -> ChiSquare | None:
    """The test that no stratum has a difference; without continuity correction.

    None when no stratum has events and others in both groups.
    Source: Mantel and Haenszel, J Natl Cancer Inst 1959, 22, 719; Agresti,
    Categorical Data Analysis, section 6.4 (3rd edition).
    """
    difference = variance = 0.0
    for one in _compared(strata):
        events = one.events_1 + one.events_2
        difference += one.events_1 - one.total_1 * events / one.total
        spread = one.total_1 * one.total_2 * events * (one.total - events)
        variance += spread / (one.total**2 * (one.total - 1))
    return chi_square_test(difference, variance)


def common_odds_ratio(strata: Iterable[Stratum]) -> Interval | None:
    """Mantel and Haenszel's odds ratio, first group to second; None if it is 0 or without bound.

    The interval is that of Robins, Breslow and Greenland, Biometrics 1986, 42, 311.
    """
    r = s = pr = ps_qr = qs = 0.0
    for one in _compared(strata):
        others_1, others_2 = one.total_1 - one.events_1, one.total_2 - one.events_2
        concordant = one.events_1 * others_2 / one.total
        discordant = one.events_2 * others_1 / one.total
        p = (one.events_1 + others_2) / one.total
        r, s = r + concordant, s + discordant
        pr, qs = pr + p * concordant, qs + (1 - p) * discordant
        ps_qr += p * discordant + (1 - p) * concordant
    if r == 0 or s == 0:
        return None
    variance = pr / (2 * r * r) + ps_qr / (2 * r * s) + qs / (2 * s * s)
    factor = math.exp(Z * math.sqrt(variance))
    return Interval(r / s, r / s / factor, r / s * factor)


def common_difference(strata: Iterable[Stratum]) -> Interval | None:
    """Mantel and Haenszel's difference of proportions, first minus second; None without both.

    The variance is Sato's, which holds for few large and for many small strata:
    Biometrics 1989, 45, 1323. The limits are cut at -1 and 1.
    """
    weights = weighted = p = q = 0.0
    for one in _compared(strata):
        n1, n2, x1, x2 = one.total_1, one.total_2, one.events_1, one.events_2
        weights += n1 * n2 / one.total
        weighted += (x1 * n2 - x2 * n1) / one.total
        p += (n1 * n1 * x2 - n2 * n2 * x1 + n1 * n2 * (n2 - n1) / 2) / one.total**2
        q += (x1 * (n2 - x2) + x2 * (n1 - x1)) / (2 * one.total)
    if weights == 0:
        return None
    difference = weighted / weights
    variance = max(difference * p + q, 0.0) / weights**2
    limits = around(difference, math.sqrt(variance))
    return Interval(difference, max(limits.low, -1.0), min(limits.high, 1.0))


def _compared(strata: Iterable[Stratum]) -> list[Stratum]:
    """The strata that have subjects of both groups; the others say nothing of a difference."""
    return [one for one in strata if one.total_1 and one.total_2]

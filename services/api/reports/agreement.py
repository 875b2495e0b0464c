"""How well independent gradings of the same visits agree."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from services.api.gradings.rules import Pair
from services.api.protocol.schema import Grading
from services.api.reports.schemas import (
    Agreement,
    AssessorPairs,
    Estimate,
    PairFigures,
    Report,
    SitePairs,
)
from services.api.statistics.agreement import (
    Weights,
    cross_table,
    share_agreeing,
    weighted_kappa,
)
from services.api.statistics.normal import Interval

METHODS = [
    "Weighted kappa (Cohen, Psychol Bull 1968, 70, 213). Quadratic weights: 1 - (distance of the"
    " grades / largest distance) squared; linear weights: without the square.",
    "Its interval: standard error of Fleiss, Cohen and Everitt, Psychol Bull 1969, 72, 323.",
]
NOTES = [
    "Pairs are the first two gradings of a visit as first entered; neither assessor could see the"
    " other's. Corrections and adjudications are left out.",
    "Visits of one subject resemble each other, so the intervals are somewhat too narrow.",
    "Kappa is not defined without pairs, or where all grades are the same.",
]


def agreement(
    head: Report, pairs: Iterable[Pair], names: Mapping[UUID, str], grading: Grading
) -> Agreement:
    """The report; `names` are those of the assessors."""
    made = list(pairs)
    by_assessor: dict[UUID, list[tuple[int, int]]] = {}
    for pair in made:
        first, second = pair.first_grade, pair.second_grade
        by_assessor.setdefault(pair.first_assessor, []).append((first, second))
        by_assessor.setdefault(pair.second_assessor, []).append((second, first))
    ordered = sorted(by_assessor, key=lambda one: (names.get(one, ""), one))
    return Agreement(
        **dict(head),
        together=PairFigures(**_figures(_grades(made), grading)),
        by_site=[
            SitePairs(site=site, **_figures(_grades(made, site), grading)) for site in head.sites
        ],
        by_assessor=[
            AssessorPairs(
                assessor=one, name=names.get(one, str(one)), **_figures(by_assessor[one], grading)
            )
            for one in ordered
        ],
    )


def estimate(interval: Interval | None) -> Estimate | None:
    """An interval as it is told, without the noise of the last digits."""
    if interval is None:
        return None
    values = (interval.estimate, interval.low, interval.high)
    rounded = [float(f"{value:.6g}") for value in values]
    return Estimate(estimate=rounded[0], low=rounded[1], high=rounded[2])


def _grades(pairs: Iterable[Pair], site: str | None = None) -> list[tuple[int, int]]:
    return [
        (pair.first_grade, pair.second_grade) for pair in pairs if site is None or pair.site == site
    ]


def _figures(pairs: list[tuple[int, int]], grading: Grading) -> dict[str, object]:
    least = grading.minimum
    moved = [(first - least, second - least) for first, second in pairs]
    table = cross_table(moved, grading.maximum - least + 1)
    return {
        "pairs": len(pairs),
        "agreeing": share_agreeing(table),
        "kappa_quadratic": estimate(weighted_kappa(table, Weights.QUADRATIC)),
        "kappa_linear": estimate(weighted_kappa(table, Weights.LINEAR)),
        "table": table,
    }

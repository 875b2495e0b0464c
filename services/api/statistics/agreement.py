"""How well two graders of the same thing agree, beyond what chance alone would give."""

import math
from collections.abc import Callable, Sequence
from enum import StrEnum

from services.api.statistics.normal import Interval, around

Table = Sequence[Sequence[int]]
"""Pairs counted by the first grader's grade (row) and the second's (column), from 0."""


class Weights(StrEnum):
    """How much a pair counts as agreeing: by the distance of its grades, or by its square."""

    LINEAR = "linear"
    QUADRATIC = "quadratic"


_FALLS: dict[Weights, Callable[[float], float]] = {
    Weights.LINEAR: lambda distance: 1 - distance,
    Weights.QUADRATIC: lambda distance: 1 - distance * distance,
}


def cross_table(pairs: Sequence[tuple[int, int]], grades: int) -> list[list[int]]:
    """The table of some pairs of grades, each from 0 to below `grades`."""
    table = [[0] * grades for _ in range(grades)]
    for first, second in pairs:
        table[first][second] += 1
    return table


def share_agreeing(table: Table) -> float | None:
    """The share of pairs with the same grade; None of no pair."""
    total = sum(map(sum, table))
    return sum(row[index] for index, row in enumerate(table)) / total if total else None


def weighted_kappa(table: Table, weights: Weights) -> Interval | None:
    """Cohen's weighted kappa; None when it is not defined.

    It is not when there is no pair, or when chance alone gives full agreement:
    every grade given is the same. The interval uses the standard error of
    Fleiss, Cohen and Everitt, Psychol Bull 1969, 72, 323; its upper limit is cut
    at 1. Source: Cohen, Psychol Bull 1968, 70, 213.
    """
    total, grades = sum(map(sum, table)), range(len(table))
    if not total:
        return None
    farthest = len(table) - 1
    weight = [[_FALLS[weights](abs(i - j) / farthest) for j in grades] for i in grades]
    share = [[count / total for count in row] for row in table]
    rows = [sum(row) for row in share]
    columns = [sum(row[j] for row in share) for j in grades]
    observed = sum(weight[i][j] * share[i][j] for i in grades for j in grades)
    expected = sum(weight[i][j] * rows[i] * columns[j] for i in grades for j in grades)
    if expected > 1 - 1e-12:
        return None
    kappa = (observed - expected) / (1 - expected)
    row_means = [sum(columns[j] * weight[i][j] for j in grades) for i in grades]
    column_means = [sum(rows[i] * weight[i][j] for i in grades) for j in grades]
    spread = sum(
        share[i][j] * (weight[i][j] - (row_means[i] + column_means[j]) * (1 - kappa)) ** 2
        for i in grades
        for j in grades
    )
    variance = (spread - (kappa - expected * (1 - kappa)) ** 2) / (total * (1 - expected) ** 2)
    limits = around(kappa, math.sqrt(max(variance, 0.0)))
    return Interval(kappa, limits.low, min(limits.high, 1.0))

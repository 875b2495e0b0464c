"""Agreement of pairs: whose they are, and where kappa is not defined."""

from uuid import UUID

import pytest

from services.api.gradings.rules import Pair
from services.api.reports.agreement import agreement
from tests.reports.generated import PROTOCOL, head, subject_id

ANN, BEN, EVE = (UUID(int=900 + number) for number in range(3))
NAMES = {ANN: "Ann", BEN: "Ben", EVE: "Eve"}


def pair(first: UUID, second: UUID, grades: tuple[int, int], site: str = "NN") -> Pair:
    return Pair(site, subject_id(1), "RT1A", first, second, *grades)


def test_a_pair_counts_for_its_site_and_for_both_assessors() -> None:
    made = [pair(ANN, BEN, (2, 3)), pair(BEN, ANN, (1, 1)), pair(EVE, BEN, (0, 0), "LZ")]
    report = agreement(head([], []), made, NAMES, PROTOCOL.grading)
    assert report.together.pairs == 3
    assert report.together.agreeing == pytest.approx(2 / 3)
    assert [(one.site, one.pairs) for one in report.by_site] == [("LZ", 1), ("NN", 2), ("YL", 0)]
    assert [(one.name, one.pairs) for one in report.by_assessor] == [
        ("Ann", 2),
        ("Ben", 3),
        ("Eve", 1),
    ]


def test_an_assessor_s_own_grade_is_the_row_whoever_came_first() -> None:
    report = agreement(head([], []), [pair(ANN, BEN, (2, 3))], NAMES, PROTOCOL.grading)
    ann, ben = report.by_assessor
    assert ann.table[2][3] == 1
    assert ben.table[3][2] == 1


def test_without_pairs_or_with_one_grade_only_kappa_is_not_defined() -> None:
    empty = agreement(head([], []), [], NAMES, PROTOCOL.grading)
    assert (empty.together.agreeing, empty.together.kappa_quadratic) == (None, None)
    same = agreement(head([], []), [pair(ANN, BEN, (2, 2))] * 3, NAMES, PROTOCOL.grading)
    assert (same.together.agreeing, same.together.kappa_linear) == (1, None)

"""Proportions and their difference: published intervals, and what holds for all."""

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import xlog1py, xlogy
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from services.api.statistics.normal import Interval
from services.api.statistics.proportions import miettinen_nurminen, newcombe, wilson

Difference = Callable[[int, int, int, int], Interval | None]
BOTH = pytest.mark.parametrize("method", [newcombe, miettinen_nurminen])


@st.composite
def groups(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Events among the subjects of two groups, neither of them empty."""
    total_1, total_2 = draw(st.integers(1, 120)), draw(st.integers(1, 120))
    return draw(st.integers(0, total_1)), total_1, draw(st.integers(0, total_2)), total_2


def known(method: Difference, one: tuple[int, int, int, int]) -> Interval:
    found = method(*one)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("events", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_limits_of_newcombe_1998_857_table_1(
    events: int, total: int, low: float, high: float
) -> None:
    found = wilson(events, total)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


NEWCOMBE_TABLE_2 = {
    (56, 70, 48, 80): ((0.0524, 0.3339), (0.0528, 0.3382)),
    (9, 10, 3, 10): ((0.1705, 0.8090), (0.1700, 0.8406)),
    (6, 7, 2, 7): ((0.0582, 0.8062), (0.0342, 0.8534)),
    (5, 56, 0, 29): ((-0.0381, 0.1926), (-0.0326, 0.1933)),
    (0, 10, 0, 20): ((-0.1611, 0.2775), (-0.1658, 0.2844)),
    (0, 10, 0, 10): ((-0.2775, 0.2775), (-0.2879, 0.2879)),
    (10, 10, 0, 20): ((0.6791, 1.0), (0.7156, 1.0)),
    (10, 10, 0, 10): ((0.6075, 1.0), (0.6636, 1.0)),
}
"""Newcombe, Stat Med 1998, 17, 873, table II: the limits of his methods 10 and 6."""


@pytest.mark.parametrize("contrast", NEWCOMBE_TABLE_2)
def test_differences_have_the_limits_of_newcombe_1998_873_table_2(
    contrast: tuple[int, int, int, int],
) -> None:
    by_newcombe, by_score = NEWCOMBE_TABLE_2[contrast]
    one, other = known(newcombe, contrast), known(miettinen_nurminen, contrast)
    assert (one.low, one.high) == pytest.approx(by_newcombe, abs=6e-5)
    assert (other.low, other.high) == pytest.approx(by_score, abs=6e-5)


@given(groups())
def test_wilson_and_newcombe_are_those_of_statsmodels(one: tuple[int, int, int, int]) -> None:
    share = wilson(*one[:2])
    assert share is not None
    theirs = proportion_confint(*one[:2], method="wilson")
    assert (share.low, share.high) == pytest.approx(theirs, abs=1e-9)
    theirs = confint_proportions_2indep(*one, method="newcomb", compare="diff")
    found = known(newcombe, one)
    assert (found.low, found.high) == pytest.approx(theirs, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(groups())
@example((0, 1, 97, 98))
def test_at_its_limits_the_score_is_just_not_rejected(one: tuple[int, int, int, int]) -> None:
    # The constrained likelihood is searched here, not solved. statsmodels' own "score" interval
    # is another one: for 56/70 and 48/80 its limits are 0.0526 and 0.3440.
    events_1, total_1, events_2, total_2 = one
    found = known(miettinen_nurminen, one)
    for limit in (found.low, found.high):
        if abs(limit) > 0.999:
            continue

        def unlikely(second: float, delta: float = limit) -> float:
            first = second + delta
            return float(
                -xlogy(events_1, first)
                - xlog1py(total_1 - events_1, -first)
                - xlogy(events_2, second)
                - xlog1py(total_2 - events_2, -second)
            )

        bounds = (max(0.0, -limit), min(1.0, 1 - limit))
        inside = minimize_scalar(unlikely, bounds=bounds, options={"xatol": 1e-10}).x
        second = min(inside, *bounds, key=unlikely)  # the search comes near an end, not to it
        first = second + limit
        variance = first * (1 - first) / total_1 + second * (1 - second) / total_2
        variance *= (total_1 + total_2) / (total_1 + total_2 - 1)
        assert (found.estimate - limit) ** 2 / variance == pytest.approx(1.959963985**2, rel=1e-3)


@BOTH
@given(one=groups())
def test_limits_hold_the_estimate_and_are_differences(
    method: Difference, one: tuple[int, int, int, int]
) -> None:
    found = known(method, one)
    assert found.estimate == one[0] / one[1] - one[2] / one[3]
    assert -1 <= found.low <= found.estimate + 1e-12
    assert found.estimate - 1e-12 <= found.high <= 1


@BOTH
@given(one=groups())
def test_to_swap_the_groups_turns_the_sign(
    method: Difference, one: tuple[int, int, int, int]
) -> None:
    found, swapped = known(method, one), known(method, (*one[2:], *one[:2]))
    assert (swapped.low, swapped.high) == pytest.approx((-found.high, -found.low), abs=1e-9)


@BOTH
@given(one=groups())
def test_to_count_the_others_turns_the_sign(
    method: Difference, one: tuple[int, int, int, int]
) -> None:
    others = (one[1] - one[0], one[1], one[3] - one[2], one[3])
    found, turned = known(method, one), known(method, others)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low), abs=1e-9)


@BOTH
@pytest.mark.parametrize("one", [(0, 0, 3, 7), (3, 7, 0, 0), (0, 0, 0, 0)])
def test_of_nobody_nothing_is_said(method: Difference, one: tuple[int, int, int, int]) -> None:
    assert method(*one) is None
    assert wilson(0, 0) is None

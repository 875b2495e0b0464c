"""Times until an event: published examples, and what holds for all."""

from itertools import pairwise
from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

from services.api.statistics.survival import (
    CENSORED,
    Observed,
    aalen_johansen,
    kaplan_meier,
    log_rank,
    median,
)

MERCAPTOPURINE = [
    *(Observed(time, 1) for time in (6, 6, 6, 7, 10, 13, 16, 22, 23)),
    *(Observed(time, CENSORED) for time in (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)),
]
PLACEBO = [
    Observed(time, 1)
    for time in (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)
]
"""Weeks of remission: Freireich et al., Blood 1963, 21, 699; Gehan, Biometrika 1965, 52, 203."""

BREAST = [
    *(Observed(time, CENSORED) for time in (7, 14, 24)),
    *(Observed(time, 1) for time in (10, 16, 23, 27)),
    *(Observed(time, 2) for time in (18, 26)),
    *(Observed(28, CENSORED) for _ in range(296)),
]
"""Deaths of 305 subjects in the first 27 months, 1 of breast cancer and 2 of something else:
Satagopan et al., Br J Cancer 2004, 91, 1229, table 2."""

watched = st.lists(st.builds(Observed, st.integers(0, 12), st.integers(0, 2)), max_size=40)


def test_kaplan_meier_gives_the_published_remissions() -> None:
    curve = kaplan_meier(MERCAPTOPURINE)
    found: list[object] = [
        (step.time, step.at_risk, step.events, step.value.estimate) for step in curve
    ]
    assert found == [
        (6, 21, 3, pytest.approx(0.857, abs=5e-4)),
        (7, 17, 1, pytest.approx(0.807, abs=5e-4)),
        (10, 15, 1, pytest.approx(0.753, abs=5e-4)),
        (13, 12, 1, pytest.approx(0.690, abs=5e-4)),
        (16, 11, 1, pytest.approx(0.627, abs=5e-4)),
        (22, 7, 1, pytest.approx(0.538, abs=5e-4)),
        (23, 6, 1, pytest.approx(0.448, abs=5e-4)),
    ]
    assert (median(curve), median(kaplan_meier(PLACEBO))) == (23, 8)


def test_the_log_rank_test_of_the_remissions_is_the_published_one() -> None:
    test = log_rank(MERCAPTOPURINE, PLACEBO)
    assert test is not None
    assert test.statistic == pytest.approx(16.79, abs=0.005)


def test_the_share_free_of_events_is_that_of_satagopan() -> None:
    percent = [100 * step.value.estimate for step in kaplan_meier(BREAST)]
    assert percent == pytest.approx([99.7, 99.3, 99.0, 98.7, 98.3, 98.0], abs=0.05)


def test_every_step_of_the_incidence_is_that_of_satagopan() -> None:
    # The table adds steps rounded to 0.3, so its sum of 1.2 is below the exact 1.32.
    curve = aalen_johansen(BREAST, 1)
    assert [(step.time, step.at_risk) for step in curve] == [
        (10, 304),
        (16, 302),
        (23, 300),
        (27, 297),
    ]
    heights = [0.0, *(100 * step.value.estimate for step in curve)]
    steps = [round(above - below, 1) for below, above in pairwise(heights)]
    assert steps == [0.3, 0.3, 0.3, 0.3]
    assert heights[-1] == pytest.approx(1.32, abs=0.005)


@given(watched)
def test_the_curve_and_its_error_are_those_of_statsmodels(observed: list[Observed]) -> None:
    events = [min(one.cause, 1) for one in observed]
    if not any(events):
        return
    theirs = SurvfuncRight([one.time for one in observed], events)
    curve = kaplan_meier(observed)
    assert [step.time for step in curve] == list(theirs.surv_times)
    assert [step.value.estimate for step in curve] == pytest.approx(list(theirs.surv_prob))


@given(watched, watched)
def test_the_log_rank_test_is_that_of_statsmodels(
    one: list[Observed], other: list[Observed]
) -> None:
    found = log_rank(one, other)
    if found is None or not one or not other:
        return
    both, group = [*one, *other], [0] * len(one) + [1] * len(other)
    times = np.array([each.time for each in both])
    events = np.array([int(each.cause == 1) for each in both])
    theirs, p = survdiff(times, events, np.array(group))
    assert (found.statistic, found.p) == pytest.approx((theirs, p), rel=1e-6, abs=1e-9)


@given(watched)
def test_the_incidence_is_that_of_statsmodels(observed: list[Observed]) -> None:
    if {one.cause for one in observed} != {0, 1, 2}:
        return
    times = np.array([float(one.time) for one in observed])
    causes = np.array([one.cause for one in observed])
    with np.errstate(divide="ignore", invalid="ignore"):  # in its variance, where nobody is left
        theirs = CumIncidenceRight(times, causes)
    for cause in (1, 2):
        at = dict(zip(theirs.times, theirs.cinc[cause - 1], strict=True))
        for step in aalen_johansen(observed, cause):
            assert step.value.estimate == pytest.approx(at[step.time])


def test_the_error_of_an_incidence_is_that_of_statsmodels() -> None:
    observed = [Observed(n * 7 % 23, (n * 5 + n // 7) % 3) for n in range(60)]
    causes = np.array([one.cause for one in observed])
    theirs = CumIncidenceRight(np.array([float(one.time) for one in observed]), causes)
    at = dict(zip(theirs.times, theirs.cinc_se[0], strict=True))
    for step in aalen_johansen(observed, 1)[:-1]:
        share = step.value.estimate
        power = exp(1.959964 * at[step.time] / (share * -log(share)))
        assert step.value.low == pytest.approx(share**power, rel=1e-4)


@given(watched)
def test_both_incidences_and_the_share_free_of_events_make_one(observed: list[Observed]) -> None:
    curves = [aalen_johansen(observed, cause) for cause in (1, 2)]
    free = kaplan_meier(observed)
    last = [curve[-1].value.estimate if curve else 0.0 for curve in curves]
    remaining = free[-1].value.estimate if free else 1.0
    assert sum(last) + remaining == pytest.approx(1)


@given(watched)
def test_without_a_competing_cause_the_incidence_is_the_complement(
    observed: list[Observed],
) -> None:
    alone = [Observed(one.time, min(one.cause, 1)) for one in observed]
    free, incidence = kaplan_meier(alone), aalen_johansen(alone, 1)
    assert len(free) == len(incidence)
    for falls, rises in zip(free, incidence, strict=True):
        assert falls.value.estimate == pytest.approx(1 - rises.value.estimate)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_without_censoring_the_incidence_is_the_empirical_share(times: list[int]) -> None:
    for step in aalen_johansen([Observed(time, 1) for time in times], 1):
        share = sum(time <= step.time for time in times) / len(times)
        assert step.value.estimate == pytest.approx(share)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 2)), min_size=1, max_size=40))
def test_without_censoring_the_error_is_that_of_a_proportion(
    ended: list[tuple[int, int]],
) -> None:
    total = len(ended)
    for step in aalen_johansen([Observed(*one) for one in ended], 1):
        share = step.value.estimate
        if 1e-9 < share < 1 - 1e-9:
            error = sqrt(share * (1 - share) / total)
            power = exp(1.959964 * error / (share * -log(share)))
            assert step.value.low == pytest.approx(share**power, rel=1e-5)


@given(watched)
def test_the_order_of_subjects_plays_no_part(observed: list[Observed]) -> None:
    again = sorted(observed, key=lambda one: (-one.time, one.cause))
    assert kaplan_meier(observed) == kaplan_meier(again)
    assert aalen_johansen(observed, 1) == aalen_johansen(again, 1)


@given(watched)
def test_limits_hold_the_estimate_and_are_shares(observed: list[Observed]) -> None:
    for step in (*kaplan_meier(observed), *aalen_johansen(observed, 1)):
        assert 0 <= step.value.low <= step.value.estimate + 1e-12
        assert step.value.estimate - 1e-12 <= step.value.high <= 1


def test_of_nobody_nothing_is_said() -> None:
    assert kaplan_meier([]) == []
    assert aalen_johansen([], 1) == []
    assert log_rank([], PLACEBO) is None
    assert log_rank([], []) is None
    assert median([]) is None

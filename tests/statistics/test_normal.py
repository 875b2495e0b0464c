"""The normal distribution, beside scipy's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.api.statistics.normal import Z, around, chi_square_test


def test_an_interval_has_a_confidence_of_95_percent() -> None:
    assert pytest.approx(stats.norm.ppf(0.975), abs=1e-12) == Z
    assert around(1.0, 2.0).high == pytest.approx(1 + 2 * 1.959963985)


@given(st.floats(-20, 20), st.floats(0.01, 100))
def test_a_square_over_its_variance_is_chi_square(difference: float, variance: float) -> None:
    test = chi_square_test(difference, variance)
    assert test is not None
    assert test.p == pytest.approx(stats.chi2.sf(difference**2 / variance, 1), rel=1e-9, abs=1e-300)


def test_what_cannot_vary_has_no_test() -> None:
    assert chi_square_test(0, 0) is None

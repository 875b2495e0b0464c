"""The exact tail of a beta distribution: against scipy, and what holds for all."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from services.api.statistics.beta import above


@st.composite
def watched(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Events and subjects, then those of a prior."""
    subjects, prior = draw(st.integers(0, 150)), draw(st.integers(2, 80))
    return draw(st.integers(0, subjects)), subjects, draw(st.integers(1, prior - 1)), prior


THRESHOLDS = st.fractions(Fraction(1, 100), Fraction(99, 100), max_denominator=100)


@settings(max_examples=150, deadline=None)
@given(watched(), THRESHOLDS)
def test_it_is_the_tail_that_scipy_computes(
    seen: tuple[int, int, int, int], threshold: Fraction
) -> None:
    events, subjects, prior_events, prior_subjects = seen
    one = prior_events + events
    other = prior_subjects - prior_events + subjects - events
    expected = beta.sf(float(threshold), one, other)
    assert float(above(threshold, *seen)) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_it_is_exact_where_it_can_be_counted_by_hand() -> None:
    # A uniform prior and nothing seen: every rate is as likely as another.
    assert above(Fraction(1, 20), 0, 0, 1, 2) == Fraction(19, 20)
    # One event in one subject: the density is 2p, and the tail above a half three quarters.
    assert above(Fraction(1, 2), 1, 1, 1, 2) == Fraction(3, 4)
    # No event in two subjects: the density is 3(1 - p)^2.
    assert above(Fraction(1, 10), 0, 2, 1, 2) == Fraction(9, 10) ** 3


@settings(max_examples=60, deadline=None)
@given(watched(), THRESHOLDS)
def test_an_event_makes_it_more_probable_and_a_subject_without_one_less(
    seen: tuple[int, int, int, int], threshold: Fraction
) -> None:
    events, subjects, *prior = seen
    now = above(threshold, *seen)
    without = above(threshold, events, subjects + 1, *prior)
    with_event = above(threshold, events + 1, subjects + 1, *prior)
    assert without < now < with_event


@settings(max_examples=60, deadline=None)
@given(watched(), THRESHOLDS, st.integers(1, 20))
def test_what_the_prior_knows_counts_as_what_was_seen(
    seen: tuple[int, int, int, int], threshold: Fraction, more: int
) -> None:
    events, subjects, prior_events, prior_subjects = seen
    moved = above(threshold, events, subjects, prior_events + more, prior_subjects + more)
    assert moved == above(threshold, events + more, subjects + more, prior_events, prior_subjects)


@pytest.mark.parametrize(
    "seen",
    [(3, 2, 1, 20), (-1, 2, 1, 20), (0, 0, 0, 20), (0, 0, 20, 20)],
    ids=["more events than subjects", "less than none", "a prior without", "a prior of events"],
)
def test_what_cannot_be_is_refused(seen: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="events lie between"):
        above(Fraction(1, 20), *seen)


@pytest.mark.parametrize("threshold", [Fraction(0), Fraction(1)])
def test_a_threshold_leaves_room_on_both_sides(threshold: Fraction) -> None:
    with pytest.raises(ValueError, match="threshold"):
        above(threshold, 0, 10, 1, 20)

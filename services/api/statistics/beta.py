"""What is known of a rate after it was watched: exactly, in whole numbers."""

from fractions import Fraction
from math import comb


def above(
    threshold: Fraction, events: int, subjects: int, prior_events: int, prior_subjects: int
) -> Fraction:
    """The probability that a rate lies above a threshold, after `events` in so many `subjects`.

    The prior is a beta distribution that knows as much of the rate as
    `prior_events` in `prior_subjects` would tell; both counts are added. With
    whole numbers the tail of a beta distribution is that of a binomial one, a
    finite sum of fractions, so nothing is rounded. Source: Abramowitz and
    Stegun, Handbook of Mathematical Functions, 26.5.24; Thall and Simon,
    Biometrics 1994, 50, 337.

    Raises:
        ValueError: more events than subjects, a prior that is sure of the rate, or a threshold
            that is none.
    """
    if not 0 <= events <= subjects or not 0 < prior_events < prior_subjects:
        raise ValueError("events lie between none and all, those of the prior strictly")
    if not 0 < threshold < 1:
        raise ValueError("a threshold lies between 0 and 1")
    trials = prior_subjects + subjects - 1
    yes, all_ = threshold.numerator, threshold.denominator
    ways = sum(
        comb(trials, count) * yes**count * (all_ - yes) ** (trials - count)
        for count in range(prior_events + events)
    )
    return Fraction(ways, all_**trials)

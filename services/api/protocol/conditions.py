"""Conditions over recorded facts, in Kleene's three-valued logic.

A fact that is not recorded makes a comparison neither true nor false; the
whole is unknown only when the missing fact could still change the answer.
Source: S. C. Kleene, Introduction to Metamathematics, §64 (strong tables).
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import isclose

from services.api.protocol.schema import (
    Above,
    AllOf,
    AnyOf,
    AtLeast,
    AtMost,
    AtMostUln,
    Below,
    Condition,
    HappenedWithin,
    Is,
    Not,
    OneOf,
    Scalar,
    Within,
)

NEVER = "never"

Limit = AtLeast | AtMost | Above | Below
Comparison = Is | OneOf | Limit | AtMostUln | HappenedWithin


@dataclass(frozen=True)
class Measured:
    """A measurement in its quantity's normal unit, with the laboratory's limit in the same unit."""

    value: float
    uln: float | None = None


def evaluate(condition: Condition, values: Mapping[str, object], reference: date) -> bool | None:
    """Whether the condition holds on the reference date; None when a missing fact decides.

    Values are booleans, numbers, text, dates, "never" or `Measured`. A fact
    that is absent, or None, is unknown; so is a measurement without the upper
    limit of normal it is compared with.

    Raises:
        TypeError: a value is not of the kind its operator compares.
    """
    match condition:
        case AllOf():
            return _all(evaluate(part, values, reference) for part in condition.all)
        case AnyOf():
            return _any(evaluate(part, values, reference) for part in condition.any)
        case Not():
            verdict = evaluate(condition.not_, values, reference)
            return None if verdict is None else not verdict
        case _:
            value = values.get(condition.fact)
            return None if value is None else _compare(condition, value, reference)


def earliest(within: Within, reference: date) -> date:
    """The first day that still lies within a length of time before the reference date.

    Months are calendar months; a day the earlier month does not have becomes
    its last day (6 months before 31 August is the end of February).
    """
    if within.days is not None:
        return reference - timedelta(days=within.days)
    months = reference.year * 12 + reference.month - 1 - (within.months or 0)
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(reference.day, monthrange(year, month)[1]))


def equal(value: object, constant: Scalar) -> bool:
    """Equality of a value and a constant, in which a yes is not the number 1."""
    return isinstance(value, bool) == isinstance(constant, bool) and value == constant


def _all(verdicts: Iterable[bool | None]) -> bool | None:
    seen = set(verdicts)
    return False if False in seen else None if None in seen else True


def _any(verdicts: Iterable[bool | None]) -> bool | None:
    seen = set(verdicts)
    return True if True in seen else None if None in seen else False


def _compare(comparison: Comparison, value: object, reference: date) -> bool | None:
    match comparison:
        case Is():
            return equal(value, comparison.is_)
        case OneOf():
            return any(equal(value, constant) for constant in comparison.one_of)
        case HappenedWithin():
            return _happened(value, earliest(comparison.happened_within, reference))
        case AtMostUln():
            return _at_most_uln(value, comparison.at_most_uln)
        case _:
            return _within_limit(comparison, _number(value))


def _happened(value: object, since: date) -> bool:
    if value == NEVER:
        return False
    if not isinstance(value, date):
        raise TypeError("a date or never was expected")
    return value >= since


def _at_most_uln(value: object, times: float) -> bool | None:
    if not isinstance(value, Measured):
        raise TypeError("a measurement was expected")
    return None if value.uln is None else _at_most(value.value, times * value.uln)


def _within_limit(limit: Limit, number: float) -> bool:
    match limit:
        case AtLeast():
            return _at_most(limit.at_least, number)
        case AtMost():
            return _at_most(number, limit.at_most)
        case Above():
            return not _at_most(number, limit.above)
        case Below():
            return not _at_most(limit.below, number)


def _at_most(lower: float, upper: float) -> bool:
    """Whether lower ≤ upper, counting numbers that only rounding tells apart as equal.

    A value on the limit must pass in every accepted unit, and a unit's factor
    leaves rounding in the sixteenth digit.
    """
    return lower <= upper or isclose(lower, upper, rel_tol=1e-9)


def _number(value: object) -> float:
    if isinstance(value, Measured):
        return value.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a number was expected")
    return value

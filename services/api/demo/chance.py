"""Chance that repeats: the same seed always makes the same hospitals and the same people."""

import random
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TypeVar

T = TypeVar("T")

SATURDAY = 5


class Chance(random.Random):
    """A source of chance named by a text, such as "1/7/course": person 7 of seed 1.

    Every question has a source of its own, so that one more draw somewhere
    does not change another person's life. Never for secrets.
    """

    def happens(self, probability: float) -> bool:
        """Whether something of that probability happens."""
        return self.random() < probability

    def weighted(self, weights: Mapping[T, float]) -> T:
        """One of the keys, as often as its weight says."""
        return self.choices(list(weights), list(weights.values()))[0]


def working_day(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return day


def working_days_after(day: date, count: int) -> date:
    """The working day that comes so many working days after one."""
    for _ in range(count):
        day = working_day(day + timedelta(days=1))
    return day

"""Histories of subjects, ordinary and nasty, to compare two implementations of the endpoint on.

Each follows from its seed. A whole course is lived first and then cut at a `today`, so that no
history holds what the API would refuse as not yet past. This module shares no rule with either
implementation: its own days are near the schedule, and need not be on it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.endpoint.history import Adjudicated, Course, Graded, History, Interruption

Json = dict[str, Any]

STARTS = (
    date(2026, 1, 31),  # a Saturday, and a month's end
    date(2026, 3, 1),  # a Sunday
    date(2026, 12, 28),
    date(2026, 12, 31),
    date(2027, 1, 1),
    date(2027, 2, 28),
    date(2027, 12, 1),  # 90 days later is the leap day
    date(2028, 1, 10),
    date(2028, 2, 29),
)
TIMES = (time(0), time(0, 0, 1), time(7, 59, 59), time(8), time(12), time(23, 59), time(23, 59, 59))
FRACTIONS = (1, 2, 5, 6, 11, 15, 20, 28, 30, 33, 33, 33, 36, 36, 39)
FAR = 130
"""Days after radiotherapy when all has been seen."""


def histories(count: int, document: Json, seed: int = 0) -> Iterator[History]:
    """So many histories under a protocol document, always the same ones for the same seed."""
    for number in range(count):
        yield _Life(Random(f"{seed}/{number}"), document).history()


class _Life:
    """One subject's, as it will have been when all is over."""

    def __init__(self, chance: Random, document: Json) -> None:
        self.chance = chance
        self.zone = ZoneInfo(document["study"]["time_zone"])
        self.highest: int = document["grading"]["maximum"]
        self.severe: int = document["endpoint"]["severe_grade"]
        self.window: int = document["endpoint"]["window_days_after_rt_end"]
        self.share: float = document["endpoint"]["coverage_share"]
        self.late: int = document["endpoint"]["last_grading_from_day"]
        self.rules: list[Json] = [
            rule for rule in document["visits"]["schedule"] if rule.get("graded", True)
        ]
        self.start = self._start()
        self.fractions = chance.choice(FRACTIONS)
        self.interruptions = self._interruptions()
        self.calendar = self._calendar()
        self.first = self.calendar[0]
        self.last = self._last()
        self.hasty = self._one_in(5)  # comes to the last visits too early, or just in time
        self.careful = self._one_in(3)  # misses as many slots as coverage allows, or one more

    def history(self) -> History:
        """What was recorded by a day on which something may have just ended."""
        left_on = self._left_on()
        visits = list(self._visits())
        today = self._today(left_on, [day for _, day in visits])
        gradings, adjudications = self._gradings(visits)
        return self._cut(
            History(
                self._id(),
                today,
                left_on,
                self._course(),
                tuple(self.interruptions),
                tuple(gradings),
                tuple(adjudications),
            )
        )

    def _id(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128))

    def _one_in(self, number: int) -> bool:
        return self.chance.randrange(number) == 0

    # --- radiotherapy ---------------------------------------------------------------

    def _start(self) -> date:
        if self._one_in(4):
            return self.chance.choice(STARTS)
        day = date(2026, 1, 1) + timedelta(self.chance.randrange(900))
        weekend = day.weekday() >= 5 and not self._one_in(4)
        return day + timedelta(2) if weekend else day

    def _interruptions(self) -> list[Interruption]:
        if not self._one_in(3):
            return []
        planned_end = self.start + timedelta(self.fractions * 7 // 5)
        found: list[Interruption] = []
        since = self.start + timedelta(self.chance.randint(-2, 12))
        for _ in range(self.chance.randint(1, 3)):
            if self._one_in(4):
                since = max(since, planned_end + timedelta(self.chance.randint(-3, 2)))
            to = since + timedelta(self.chance.choice((0, 0, 1, 2, 3, 4, 6, 9, 20)))
            found.append(Interruption(since, to))
            since = to + timedelta(self.chance.choice((1, 1, 2, 3, 7, 12)))
        if self._one_in(6):
            found[-1] = replace(found[-1], to=None)
        return found

    def _calendar(self) -> list[date]:
        """Days on which fractions are likely, more of them than are planned."""
        days = [self.start]
        day = self.start
        while len(days) < self.fractions + 25:
            day += timedelta(1)
            off = any(one.since <= day <= (one.to or one.since) for one in self.interruptions)
            if day.weekday() < 5 and not off:
                days.append(day)
        return days

    def _last(self) -> date:
        taken = self.fractions
        if self._one_in(4):
            taken = self.chance.choice((1, 1 + self.fractions // 3, self.fractions + 3))
        elif self._one_in(6):
            taken = self.fractions + self.chance.randint(1, 20)
        last = self.calendar[taken - 1]
        if self._one_in(12):  # by a Saturday's fraction, or another's mistake of a day
            last += timedelta(self.chance.randint(1, 3))
        return last

    def _course(self) -> Course | None:
        if self._one_in(60):
            return None
        dose = self.fractions * self.chance.choice((1.8, 2.0, 2.12, 2.2))
        begun = not self._one_in(40)
        ended = begun and not self._one_in(6)
        return Course(
            planned_start=self.start - timedelta(self.chance.choice((0, 0, 0, 3, 10))),
            planned_fractions=self.fractions,
            planned_dose_gy=dose,
            first=self.first if begun else None,
            last=self.last if ended else None,
            delivered_dose_gy=self.chance.choice((None, 0.0, dose, dose - 2, dose / 3))
            if ended
            else None,
        )

    # --- leaving, and the day of the question ---------------------------------------

    def _edges(self) -> list[date]:
        """Days on which something begins or ends."""
        after = self.last + timedelta(self.window)
        edges = [self.first, self.calendar[self.fractions - 1], self.last, after]
        edges += [self.last + timedelta(self.late)]
        edges += [self._planned(rule, 1) for rule in self.rules]
        edges += [self._planned(rule, 1, "latest") for rule in self.rules]
        edges += [self._planned(rule, 1 + self.fractions // 6, "latest") for rule in self.rules]
        return edges

    def _left_on(self) -> date | None:
        if not self._one_in(6):
            return None
        if self._one_in(3):
            return self.chance.choice(self._edges()) + timedelta(self.chance.randint(-1, 1))
        return self.first + timedelta(self.chance.randint(-5, 160))

    def _today(self, left_on: date | None, assessed: list[date]) -> date:
        edges = [*self._edges(), *assessed[:3], self.last, self.last, self.last]
        edges += [self.last + timedelta(self.window)] * 6  # the day that decides most
        edges += [one.to or one.since for one in self.interruptions]
        if left_on:
            edges += [left_on] * 5
        chosen = self.chance.choice(edges) + timedelta(self.chance.choice((-1, 0, 0, 1, 1)))
        if self._one_in(2):
            return self.last + timedelta(FAR)
        if self._one_in(5):
            return self.first + timedelta(self.chance.randint(0, 150))
        return chosen

    # --- visits and gradings --------------------------------------------------------

    def _planned(self, rule: Json, week: int, which: str = "day") -> date:
        anchor = self.first if rule["anchor"] == "rt_start" else self.last
        return anchor + timedelta(rule[which] + (week - 1) * rule.get("repeat_every_days", 0))

    def _visits(self) -> Iterator[tuple[str, date]]:
        """The visits that took place, each on its day or on a wrong one."""
        beyond, end = 0, self.last
        if not self.careful and self._one_in(2):  # codes that the schedule has not, or no more
            beyond = self.chance.choice((0, 1, 3))
            end = self.calendar[self.fractions - 1]
        possible: list[tuple[Json, str, date]] = []
        for rule in self.rules:
            every = rule.get("repeat_every_days")
            weeks = 1
            if every:
                weeks = max(1, ((end - self.first).days - rule["earliest"]) // every + 1 + beyond)
            for week in range(1, weeks + 1):
                code = rule["code"].replace("{n}", str(week))
                possible.append((rule, code, self._planned(rule, week)))
        kept = self._kept([rule.get("slot", False) for rule, _, _ in possible])
        for place in sorted(kept):
            _, code, day = possible[place]
            yield code, self._day(day)

    def _kept(self, slots: list[bool]) -> set[int]:
        """The places of the visits that took place: all, few, or as many as coverage asks."""
        places = range(len(slots))
        if self.careful:
            counting = [place for place in places if slots[place]]
            droppable = counting[:-1]
            missed = int(len(counting) * (1 - self.share) + 1e-9) + self.chance.choice((0, 1))
            missing = self.chance.sample(droppable, min(missed, len(droppable)))
            return set(places) - set(missing)
        number = round(len(slots) * self.chance.choice((1.0, 0.95, 0.9, 0.85, 0.6, 0.2)))
        return set(self.chance.sample(places, number))

    def _day(self, planned: date) -> date:
        last_seen = self.last + timedelta(self.late)
        if self.hasty and planned >= last_seen:
            return last_seen + timedelta(self.chance.randint(-1, 0))
        if self.careful:
            return planned
        if self._one_in(25):
            after = self.last + timedelta(self.window)
            edge = self.chance.choice((self.first, self.last, after, after, last_seen))
            return edge + timedelta(self.chance.randint(-1, 1))
        if self._one_in(40):
            return planned + timedelta(self.chance.randint(-30, 60))
        if self._one_in(3):
            return planned + timedelta(self.chance.randint(-2, 2))
        return planned

    def _moment(self, day: date) -> datetime:
        clock = self.chance.choice(TIMES)
        return datetime.combine(day, clock, self.zone).astimezone(UTC)

    def _gradings(self, visits: list[tuple[str, date]]) -> tuple[list[Graded], list[Adjudicated]]:
        gradings: list[Graded] = []
        adjudications: list[Adjudicated] = []
        worst = self._worst()
        disputed = self.chance.choice((0, 0, 10, 4, 2))
        for visit, day in visits:
            at = self._moment(day)
            if gradings and self._one_in(40):
                at = gradings[-1].at
            grade = max(0, worst - self.chance.choice((0, 0, 1, 1, 2, 4)))
            made = [self._graded(visit, at, grade)]
            if disputed and self._one_in(disputed):
                made += self._more(made[0])
                grades = {one.grade for one in made}
                if len(grades) > 1 or self._one_in(8):
                    adjudications.append(self._adjudicated(visit, worst))
            gradings += made
        self.chance.shuffle(gradings)
        return gradings, adjudications

    def _worst(self) -> int:
        """The worst grade of this subject: half are never severe."""
        if self._one_in(2):
            return self.chance.choice((0, self.severe - 1, self.severe - 1))
        return self.chance.randint(0, self.highest)

    def _graded(self, visit: str, at: datetime, grade: int) -> Graded:
        return Graded(self._id(), self.chance.randint(1, 3), visit, self._id(), at, grade)

    def _more(self, one: Graded) -> list[Graded]:
        """Other assessors' gradings of the same visit: at once, within minutes, or a day later."""
        return [
            self._graded(
                one.visit,
                one.at + timedelta(minutes=self.chance.choice((0, 0, -1, 1, -30, 30, 1440))),
                self.chance.choice((one.grade, one.grade, self.chance.randint(0, self.highest))),
            )
            for _ in range(self.chance.choice((1, 1, 2)))
        ]

    def _adjudicated(self, visit: str, worst: int) -> Adjudicated:
        grade = self.chance.choice((None, None, worst, self.chance.randint(0, self.highest)))
        return Adjudicated(self._id(), visit, grade)

    # --- what is known today --------------------------------------------------------

    def _cut(self, whole: History) -> History:
        """The same history without what lies after its today."""
        today = whole.today
        known = tuple(one for one in whole.gradings if one.at.astimezone(self.zone).date() <= today)
        graded = Counter(one.visit for one in known)
        return replace(
            whole,
            left_on=_past(whole.left_on, today),
            course=whole.course and _course_by(whole.course, today),
            interruptions=tuple(
                replace(one, to=_past(one.to, today))
                for one in whole.interruptions
                if one.since <= today
            ),
            gradings=known,
            adjudications=tuple(one for one in whole.adjudications if graded[one.visit] > 1),
        )


def _past(day: date | None, today: date) -> date | None:
    return day if day and day <= today else None


def _course_by(course: Course, today: date) -> Course:
    first, last = _past(course.first, today), _past(course.last, today)
    return replace(
        course, first=first, last=last, delivered_dose_gy=course.delivered_dose_gy if last else None
    )

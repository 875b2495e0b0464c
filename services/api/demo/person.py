"""The people of the demo: who comes to which hospital when, and what becomes of them.

Everything about a person follows from the seed, their index, and the sites and
ages of the protocol; the API is not asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.api.demo.chance import Chance, working_day, working_days_after


class Screening(StrEnum):
    """How the screening of a person goes."""

    PASSES = "passes"
    INCOMPLETE_FIRST = "incomplete at first"
    STALE_FIRST = "stale at first"
    INELIGIBLE = "ineligible"
    DECLINES = "declines"


class Leaving(StrEnum):
    """How a subject leaves the trial early."""

    WITHDRAWN = "withdrawn"
    LOST_TO_FOLLOW_UP = "lost_to_follow_up"
    DIED = "died"


FAILURES = frozenset({Screening.INELIGIBLE, Screening.DECLINES})
"""Who does not take part."""

SCREENINGS: Mapping[Screening, float] = {
    Screening.PASSES: 0.80,
    Screening.INCOMPLETE_FIRST: 0.06,
    Screening.STALE_FIRST: 0.04,
    Screening.INELIGIBLE: 0.08,
    Screening.DECLINES: 0.02,
}
LEAVINGS: Mapping[Leaving | None, float] = {
    None: 0.935,
    Leaving.WITHDRAWN: 0.03,
    Leaving.LOST_TO_FOLLOW_UP: 0.025,
    Leaving.DIED: 0.01,
}
YOUNGEST, OLDEST = 18, 75
"""Nearly all are of these ages, where the criteria allow them."""
DOSE_BY_FRACTIONS: Mapping[int, float] = {30: 66.0, 32: 67.2, 33: 69.96, 35: 70.0}
"""Curative head and neck schedules, Gy."""

RECRUITMENT_DAYS = 150
"""How long 200 people take to come; fewer come in proportion."""


@dataclass(frozen=True)
class Person:
    """One person who is screened; days are counted as their comments say."""

    index: int
    seed: int
    site: str
    screened_on: date
    sex: str
    age: int
    birthday_passed: bool
    screening: Screening
    chemotherapy: bool
    fractions: int
    lead_days: int  # from randomization to the planned start of radiotherapy
    start_delay: int  # working days
    interruption: int  # working days without a fraction
    leaving: Leaving | None
    leaves_after: int  # days from the first fraction; negative: before it
    surplus: bool = False  # comes when the trial is full

    @property
    def takes_part(self) -> bool:
        """Whether screening ends in randomization."""
        return self.screening not in FAILURES

    @property
    def dose_gy(self) -> float:
        """The total dose planned, Gy."""
        return DOSE_BY_FRACTIONS[self.fractions]

    @property
    def year_of_birth(self) -> int:
        """What the age in completed years on the day of screening says."""
        return self.screened_on.year - self.age - (0 if self.birthday_passed else 1)

    @property
    def national_id(self) -> str:
        """An identifier that nobody else has, nor the same person of an earlier run."""
        digits = self.chance(f"national id {self.screened_on}").randrange(10**17)
        return f"{digits:017d}X"

    def chance(self, question: str) -> Chance:
        """The chance that answers one question about this person."""
        return Chance(f"{self.seed}/{self.index}/{question}")

    def last_fraction_on(self, first: date) -> date:
        """The day of the last fraction: one on each working day but those of the interruption."""
        return working_days_after(first, self.fractions - 1 + self.interruption)


def recruit(seed: int, sites: Sequence[str], ages: range, wanted: int, start: date) -> list[Person]:
    """As many people as it takes until so many take part, in the order of their coming."""
    days = max(14, RECRUITMENT_DAYS * wanted // 200)
    people: list[Person] = []
    taking_part = 0
    while taking_part < wanted:
        arrival = start + timedelta(days=days * taking_part // wanted)
        person = _person(seed, len(people), sites, ages, arrival)
        taking_part += person.takes_part
        people.append(person)
    return sorted(people, key=lambda person: (person.screened_on, person.index))


def _person(seed: int, index: int, sites: Sequence[str], ages: range, arrival: date) -> Person:
    chance = Chance(f"{seed}/{index}")
    shares = {site: 1 / (place + 2) for place, site in enumerate(sites)}
    leaving = chance.weighted(LEAVINGS)
    return Person(
        index=index,
        seed=seed,
        site=chance.weighted(shares),
        screened_on=working_day(arrival + timedelta(days=chance.randint(0, 6))),
        sex=chance.weighted({"male": 0.72, "female": 0.28}),
        # Not of the lowest age: their birthday may lie between two moments of one screening.
        age=round(min(OLDEST, ages[-1], max(YOUNGEST + 1, ages[0] + 1, chance.gauss(54, 11)))),
        birthday_passed=chance.happens(0.5),
        screening=chance.weighted(SCREENINGS),
        chemotherapy=chance.happens(0.6),
        fractions=chance.choice(list(DOSE_BY_FRACTIONS)),
        lead_days=chance.randint(2, 4) if chance.happens(0.04) else chance.randint(7, 14),
        start_delay=chance.randint(1, 3) if chance.happens(0.08) else 0,
        interruption=chance.randint(1, 4) if chance.happens(0.12) else 0,
        leaving=leaving,
        # Only who withdraws may do so before the last fraction: the others leave in follow-up.
        leaves_after=chance.randint(-1, 100)
        if leaving is Leaving.WITHDRAWN
        else chance.randint(60, 110),
    )

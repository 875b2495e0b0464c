"""The adverse events of a subject: one to three of those that radiotherapy usually brings."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.api.demo.chance import Chance


@dataclass(frozen=True)
class Kind:
    """A CTCAE term as it occurs here: grades by weight, days from the first fraction, length."""

    grades: Mapping[int, float]
    onset: tuple[int, int]
    days: tuple[int, int]
    radiotherapy: str = "probably"


KINDS: Mapping[str, Kind] = {
    "Dysphagia": Kind({1: 2, 2: 4, 3: 2}, (14, 45), (10, 40)),
    "Dermatitis radiation": Kind({1: 4, 2: 4, 3: 1}, (12, 40), (14, 35), "related"),
    "Nausea": Kind({1: 4, 2: 3, 3: 1}, (1, 35), (2, 10), "possibly"),
    "Weight loss": Kind({1: 3, 2: 3, 3: 1}, (20, 45), (20, 60)),
    "Anemia": Kind({1: 4, 2: 3, 3: 1}, (10, 42), (14, 40), "possibly"),
    "Platelet count decreased": Kind({1: 4, 2: 2, 3: 1, 4: 0.3}, (10, 42), (7, 25), "unlikely"),
    "Dry mouth": Kind({1: 3, 2: 4, 3: 0.5}, (14, 40), (40, 120), "related"),
    "Dysgeusia": Kind({1: 3, 2: 2}, (10, 30), (30, 90), "related"),
    "Fatigue": Kind({1: 4, 2: 2}, (5, 40), (10, 40), "possibly"),
    "Dehydration": Kind({2: 2, 3: 2}, (20, 50), (2, 8), "possibly"),
}


@dataclass(frozen=True)
class Event:
    """What happens: the term, when (days from the first fraction), how bad and how long.

    `aware_after` and `reported_after` are the days from onset until the site
    knows of it and enters it.
    """

    term: str
    grade: int
    onset: int
    days: int
    aware_after: int
    reported_after: int
    serious: bool
    radiotherapy: str
    recovers: bool


def events(chance: Chance) -> tuple[Event, ...]:
    """One subject's adverse events, each term once, in the order of their onset."""
    terms = chance.sample(list(KINDS), chance.weighted({1: 0.35, 2: 0.4, 3: 0.25}))
    return tuple(sorted((_event(chance, term) for term in terms), key=lambda event: event.onset))


def _event(chance: Chance, term: str) -> Event:
    kind = KINDS[term]
    grade = chance.weighted(kind.grades)
    aware_after, entered_after = chance.randint(0, 2), chance.randint(0, 1)
    serious = grade >= 3 and chance.happens(0.35)
    return Event(
        term=term,
        grade=grade,
        onset=chance.randint(*kind.onset),
        days=chance.randint(*kind.days),
        aware_after=aware_after,
        # A serious event is reported on the day on which the site learns of it.
        reported_after=aware_after + (0 if serious else entered_after),
        serious=serious,
        radiotherapy=kind.radiotherapy,
        recovers=chance.happens(0.9),
    )

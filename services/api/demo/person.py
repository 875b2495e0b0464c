"""The people of the demo: who comes to which hospital when, and what becomes of them.

Everything about a person follows from the seed and their index; the API is not
asked. The facts are typical of patients with head and neck cancer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from services.api.demo.chance import Chance, working_day, working_days_after

Json = dict[str, Any]


class Screening(StrEnum):
    """How the screening of a person goes."""

    PASSES = "passes"
    INCOMPLETE_FIRST = "incomplete at first"
    STALE_FIRST = "stale at first"
    LOW_PLATELETS = "low platelets"
    PREVIOUS_RADIOTHERAPY = "previous radiotherapy"
    ORAL_INFECTION = "oral infection"
    DECLINES = "declines"


class Leaving(StrEnum):
    """How a subject leaves the trial early."""

    WITHDRAWN = "withdrawn"
    LOST_TO_FOLLOW_UP = "lost_to_follow_up"
    DIED = "died"


FAILURES: Mapping[Screening, Json] = {
    Screening.LOW_PLATELETS: {"platelets": 82},
    Screening.PREVIOUS_RADIOTHERAPY: {"previous_head_neck_radiotherapy": True},
    Screening.ORAL_INFECTION: {"active_oral_infection": True},
    Screening.DECLINES: {},
}
"""Who does not take part, and the facts that say why."""

SCREENINGS: Mapping[Screening, float] = {
    Screening.PASSES: 0.80,
    Screening.INCOMPLETE_FIRST: 0.06,
    Screening.STALE_FIRST: 0.04,
    Screening.LOW_PLATELETS: 0.03,
    Screening.PREVIOUS_RADIOTHERAPY: 0.03,
    Screening.ORAL_INFECTION: 0.02,
    Screening.DECLINES: 0.02,
}
LEAVINGS: Mapping[Leaving | None, float] = {
    None: 0.935,
    Leaving.WITHDRAWN: 0.03,
    Leaving.LOST_TO_FOLLOW_UP: 0.025,
    Leaving.DIED: 0.01,
}
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


def recruit(seed: int, sites: Sequence[str], wanted: int, start: date) -> list[Person]:
    """As many people as it takes until so many take part, in the order of their coming."""
    days = max(14, RECRUITMENT_DAYS * wanted // 200)
    people: list[Person] = []
    taking_part = 0
    while taking_part < wanted:
        arrival = start + timedelta(days=days * taking_part // wanted)
        person = _person(seed, len(people), sites, arrival)
        taking_part += person.takes_part
        people.append(person)
    return sorted(people, key=lambda person: (person.screened_on, person.index))


def _person(seed: int, index: int, sites: Sequence[str], arrival: date) -> Person:
    chance = Chance(f"{seed}/{index}")
    shares = {site: 1 / (place + 2) for place, site in enumerate(sites)}
    leaving = chance.weighted(LEAVINGS)
    return Person(
        index=index,
        seed=seed,
        site=chance.weighted(shares),
        screened_on=working_day(arrival + timedelta(days=chance.randint(0, 6))),
        sex=chance.weighted({"male": 0.72, "female": 0.28}),
        age=round(min(75, max(19, chance.gauss(54, 11)))),
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


# --- the facts of screening -----------------------------------------------------------

LABORATORY: Mapping[str, tuple[float, float, float, float | None]] = {
    "white_blood_cells": (6.4, 3.6, 11.5, None),
    "haemoglobin": (131, 98, 168, None),
    "platelets": (226, 118, 420, None),
    "alanine_aminotransferase": (24, 8, 62, 40),
    "aspartate_aminotransferase": (22, 9, 58, 40),
    "total_bilirubin": (11, 4, 24, 21),
    "serum_creatinine": (74, 45, 112, 104),
    "creatinine_clearance": (94, 52, 140, None),
}
"""By fact: usual value, lowest, highest, upper limit of normal, in the fact's own unit."""

TRUE = frozenset(
    {
        "head_neck_malignancy_confirmed",
        "radical_radiotherapy_planned",
        "oral_cavity_or_oropharynx_in_field",
        "oral_mucosa_intact",
        "informed_consent_signed",
    }
)
"""What is true of everyone who could take part; other yes-or-no questions are answered no."""

LATE_RESULTS = ("creatinine_clearance", "ecg_clinically_significant_abnormality")
"""What an incomplete screening still waits for."""

ALTERNATIVE_UNITS = 0.3
"""How many people's laboratories report in g/dL or mg/dL."""


def facts(person: Person, eligibility: Json, measured_on: date) -> Json:
    """Answers to the questions of the protocol's `eligibility` section, by fact id."""
    quantities = {quantity["id"]: quantity for quantity in eligibility["quantities"]}
    return {
        fact["id"]: _answer(person, fact, quantities.get(fact.get("quantity")), measured_on)
        for fact in eligibility["facts"]
    }


def _answer(person: Person, fact: Json, quantity: Json | None, measured_on: date) -> object:
    if quantity is not None:
        return _measurement(person, fact, quantity, measured_on)
    plain = _plain(person, fact)
    return {"value": plain, "measured_on": str(measured_on)} if fact.get("dated") else plain


def _plain(person: Person, fact: Json) -> object:
    exceptional = FAILURES.get(person.screening, {})
    if fact["id"] in exceptional:
        return exceptional[fact["id"]]
    match fact["type"]:
        case "boolean":
            return fact["id"] in TRUE
        case "choice":
            return fact["choices"][0]
        case "date_or_never":
            return "never"
        case _:
            return _whole_number(person, fact["id"])


def _whole_number(person: Person, fact_id: str) -> int:
    chance = person.chance(fact_id)
    numbers = {
        "age_at_consent": person.age,
        "planned_total_dose": int(person.dose_gy),
        "ecog_performance_status": chance.randint(0, 2),
        "life_expectancy": chance.randint(12, 120),
        "long_term_corticosteroid_dose": 0,
    }
    return numbers[fact_id]


def _measurement(person: Person, fact: Json, quantity: Json, measured_on: date) -> Json:
    usual, lowest, highest, limit = LABORATORY[fact["id"]]
    drawn = person.chance(fact["id"]).gauss(usual, (highest - lowest) / 6)
    value = FAILURES.get(person.screening, {}).get(fact["id"], min(highest, max(lowest, drawn)))
    unit, factor = _unit(person, quantity)
    uln = {} if limit is None else {"uln": round(limit / factor, 3)}
    return {
        "value": round(value / factor, 2),
        "unit": unit,
        "measured_on": str(measured_on),
        **uln,
    }


def _unit(person: Person, quantity: Json) -> tuple[str, float]:
    """The unit of the person's laboratory, and its factor to the quantity's own."""
    others = {unit: factor for unit, factor in quantity["units"].items() if factor != 1}
    if others and person.chance("units").happens(ALTERNATIVE_UNITS):
        return next(iter(others.items()))
    return quantity["unit"], 1

"""Answers to the questions of any protocol's screening: eligible, or failing one criterion.

They follow from the document's facts and criteria. What is usual in patients
with head and neck cancer is taken where a question of that name is asked and
the criteria allow it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.api.demo.chance import Chance
from services.api.demo.client import Json
from services.api.protocol.conditions import NEVER, Comparison, Measured, evaluate
from services.api.protocol.schema import (
    AllOf,
    AnyOf,
    AtMostUln,
    Condition,
    Criterion,
    Eligibility,
    Fact,
    FactType,
    Is,
    Not,
    OneOf,
    Quantity,
    leaves,
)

USUAL: Mapping[str, tuple[float, float, float, float | None]] = {
    "white_blood_cells": (6.4, 3.6, 11.5, None),
    "haemoglobin": (131, 98, 168, None),
    "platelets": (226, 118, 420, None),
    "alanine_aminotransferase": (24, 8, 62, 40),
    "aspartate_aminotransferase": (22, 9, 58, 40),
    "total_bilirubin": (11, 4, 24, 21),
    "serum_creatinine": (74, 45, 112, 104),
    "creatinine_clearance": (94, 52, 140, None),
    "ecog_performance_status": (1, 0, 2, None),
    "life_expectancy": (60, 12, 120, None),
    "long_term_corticosteroid_dose": (0, 0, 0, None),
}
"""By question: usual value, lowest, highest, upper limit of normal, in the question's own unit."""

TRIES = 50
"""How many numbers are drawn from all plausible ones before a question has no answer."""
ALTERNATIVE_UNITS = 0.3
"""How many people's laboratories report in another unit than the question's."""
LATE_RESULTS = 2
"""How many results an incomplete screening still waits for."""


class NoAnswer(LookupError):
    """No answer to a question is as the criteria ask for it."""


@dataclass(frozen=True)
class Demand:
    """A comparison of a fact, and whether it has to hold."""

    comparison: Comparison
    holds: bool

    def met(self, value: object, reference: date) -> bool:
        """Whether that value of the fact is as demanded."""
        found = evaluate(self.comparison, {self.comparison.fact: value}, reference)
        return found is self.holds


Demands = Mapping[str, Sequence[Demand]]
"""By fact."""


# --- what the criteria demand ---------------------------------------------------------


def eligible(section: Eligibility) -> Demands:
    """What is demanded of the facts of a person who meets every criterion."""
    return _by_fact(
        demand for criterion in section.criteria for demand in _wanted(criterion, met=True)
    )


def ineligible(section: Eligibility, chance: Chance) -> Demands:
    """The same for a person at whom one criterion fails.

    Age and consent are no fault: they agree with what else the trial knows of the person.
    """
    fixed = {section.age_fact, section.consent_fact}
    failing = [
        criterion
        for criterion in section.criteria
        if not fixed & {leaf.fact for leaf in leaves(criterion.when)}
    ]
    return {**eligible(section), **_by_fact(_wanted(chance.choice(failing), met=False))}


def eligible_ages(section: Eligibility) -> range:
    """The ages, in completed years, that the criteria allow."""
    fact = next(fact for fact in section.facts if fact.id == section.age_fact)
    demands = eligible(section).get(fact.id, ())
    allowed = [
        age
        for age in range(int(fact.minimum or 0), int(fact.maximum or 0) + 1)
        if all(demand.met(age, date.min) for demand in demands)
    ]
    return range(allowed[0], allowed[-1] + 1)


def late_results(section: Eligibility) -> tuple[str, ...]:
    """The dated facts, without which some criterion stays open, that are known last."""
    alone = {
        asked.pop()
        for criterion in section.criteria
        if len(asked := {leaf.fact for leaf in leaves(criterion.when)}) == 1
    }
    dated = [fact.id for fact in section.facts if fact.dated and fact.id in alone]
    return tuple(dated[-LATE_RESULTS:])


def _wanted(criterion: Criterion, *, met: bool) -> Iterator[Demand]:
    return _demands(criterion.when, holds=(criterion.kind == "inclusion") is met)


def _demands(condition: Condition, *, holds: bool) -> Iterator[Demand]:
    """Comparisons that decide the condition so; where one part is enough, the first is taken."""
    match condition:
        case AllOf():
            parts = condition.all if holds else condition.all[:1]
        case AnyOf():
            parts = condition.any[:1] if holds else condition.any
        case Not():
            yield from _demands(condition.not_, holds=not holds)
            return
        case _:
            yield Demand(condition, holds)
            return
    for part in parts:
        yield from _demands(part, holds=holds)


def _by_fact(demands: Iterator[Demand]) -> Demands:
    found: defaultdict[str, list[Demand]] = defaultdict(list)
    for demand in demands:
        found[demand.comparison.fact].append(demand)
    return found


# --- the answers ----------------------------------------------------------------------


@dataclass(frozen=True)
class Respondent:
    """Whom the answers are of: `known` are the facts that stand elsewhere too, such as the age.

    `units` decides whether their laboratory reports in another unit.
    """

    known: Mapping[str, object]
    units: Chance
    seed: str

    def chance(self, fact: str) -> Chance:
        """The chance that answers one question."""
        return Chance(f"{self.seed}/{fact}")


def answers(
    of: Respondent, section: Eligibility, demands: Demands, measured_on: date
) -> dict[str, Json | object]:
    """An answer to every question, by fact, as demanded.

    Raises:
        NoAnswer: a question has none.
    """
    quantities = {quantity.id: quantity for quantity in section.quantities}
    foreign = of.units.happens(ALTERNATIVE_UNITS)
    return {
        fact.id: _answer(of, fact, quantities, demands.get(fact.id, ()), measured_on, foreign)
        for fact in section.facts
    }


def _answer(
    of: Respondent,
    fact: Fact,
    quantities: Mapping[str, Quantity],
    demands: Sequence[Demand],
    measured_on: date,
    foreign: bool,
) -> Json | object:
    value = _value(of, fact, demands, measured_on)
    if isinstance(value, Measured):
        unit, factor = _unit(quantities[str(fact.quantity)], foreign=foreign)
        uln = {} if value.uln is None else {"uln": round(value.uln / factor, 3)}
        shown = {"value": round(value.value / factor, 2), "unit": unit, **uln}
        return {**shown, "measured_on": str(measured_on)}
    plain = str(value) if isinstance(value, date) else value
    return {"value": plain, "measured_on": str(measured_on)} if fact.dated else plain


def _value(of: Respondent, fact: Fact, demands: Sequence[Demand], today: date) -> object:
    for value in _candidates(of, fact, demands, today):
        if all(demand.met(value, today) for demand in demands):
            return value
    raise NoAnswer(f"no answer to {fact.id} is as the criteria ask for it")


def _candidates(
    of: Respondent, fact: Fact, demands: Sequence[Demand], today: date
) -> Iterator[object]:
    """Values of the fact, the most usual first."""
    if fact.id in of.known:
        yield of.known[fact.id]
    match fact.type:
        case FactType.BOOLEAN:
            yield from (False, True)
        case FactType.CHOICE:
            yield from fact.choices
        case FactType.DATE_OR_NEVER:
            yield from (NEVER, today)
        case FactType.INTEGER:
            yield from map(round, _numbers(of.chance(fact.id), fact, demands))
        case FactType.MEASUREMENT:
            uln = _uln(fact)
            for number in _numbers(of.chance(fact.id), fact, demands):
                yield Measured(number, uln)


def _uln(fact: Fact) -> float | None:
    """The laboratory's upper limit of normal; a tenth of what is plausible where none is usual."""
    if not fact.uln:
        return None
    usual = USUAL[fact.id][3] if fact.id in USUAL else None
    return usual or (fact.maximum or 0) / 10


def _numbers(chance: Chance, fact: Fact, demands: Sequence[Demand]) -> Iterator[float]:
    """Plausible numbers: a usual one, those beside the criteria's limits, any."""
    low, high = fact.minimum or 0, fact.maximum or 0
    drawn: list[float] = []
    if fact.id in USUAL:
        usual, lowest, highest, _ = USUAL[fact.id]
        drawn.append(min(highest, max(lowest, chance.gauss(usual, (highest - lowest) / 6))))
    for demand in demands:
        limit = _limit(demand.comparison, fact)
        step = 1 if fact.type is FactType.INTEGER else abs(limit) / 10
        drawn += [limit + step, limit - step, limit]
    drawn += [chance.uniform(low, high) for _ in range(TRIES)]
    yield from (number for number in drawn if low <= number <= high)


def _limit(comparison: Comparison, fact: Fact) -> float:
    """The number that a comparison is about."""
    match comparison:
        case AtMostUln():
            return comparison.at_most_uln * (_uln(fact) or 0)
        case Is():
            return float(comparison.is_)
        case OneOf():
            return float(comparison.one_of[0])
        case _:
            return float(next(v for k, v in comparison.model_dump().items() if k != "fact"))


def _unit(quantity: Quantity, *, foreign: bool) -> tuple[str, float]:
    """The unit of the person's laboratory, and its factor to the quantity's own."""
    others = [(unit, factor) for unit, factor in quantity.units.items() if factor != 1]
    return others[0] if foreign and others else (quantity.unit, 1)

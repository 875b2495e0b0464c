"""How oral mucositis comes and goes in one subject.

The figures follow ROMAN (NCT03689712): severe mucositis in 54 % of the treated
and 64 % of the others, from day 49 against day 38, for 8 against 18 days; the
difference is drawn somewhat larger, so that 200 subjects show it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.api.demo.chance import Chance
from services.api.protocol.conditions import evaluate
from services.api.protocol.schema import Scale

Json = dict[str, Any]

SEVERE = 3
TRIES = 100
"""How often something usual is drawn before it is said that the scale knows no such grade."""


@dataclass(frozen=True)
class Severe:
    """Severe mucositis of an arm: its share, and day of onset and days of length, mean and SD."""

    share: float
    onset: tuple[float, float]
    length: tuple[float, float]


TREATED = Severe(0.48, (44, 5), (10, 3))
UNTREATED = Severe(0.66, (38, 5), (18, 4))


@dataclass(frozen=True)
class Course:
    """The true grade over time: pairs of day from the first fraction, and grade from then on."""

    steps: tuple[tuple[int, int], ...]

    def grade(self, day: int) -> int:
        """The grade on a day; 0 before the first step."""
        return max((step for step in self.steps if step[0] <= day), default=(day, 0))[1]


HEALTHY = Course(())
"""A mucosa that never changes."""


def course(chance: Chance, *, treated: bool) -> Course:
    """One subject's course, healed before day 100."""
    arm = TREATED if treated else UNTREATED
    erythema = chance.randint(8, 15)
    patchy = erythema + chance.randint(6, 12)
    if chance.happens(arm.share):
        onset = max(patchy + 3, round(chance.gauss(*arm.onset)))
        return Course(((erythema, 1), (patchy, 2), *_severe(chance, arm, onset)))
    peak = chance.weighted({2: 0.78, 1: 0.18, 0: 0.04})
    if peak == 0:
        return HEALTHY
    if peak == 1:
        return Course(((erythema, 1), (erythema + chance.randint(20, 45), 0)))
    healing = patchy + chance.randint(14, 30)
    return Course(((erythema, 1), (patchy, 2), (healing, 1), (healing + chance.randint(7, 14), 0)))


def _severe(chance: Chance, arm: Severe, onset: int) -> tuple[tuple[int, int], ...]:
    length = max(4, round(chance.gauss(*arm.length)))
    healing = onset + length
    better = healing + chance.randint(5, 9)
    worst = ((onset + length // 3, 4), (onset + 2 * length // 3, 3)) if chance.happens(0.12) else ()
    return (
        (onset, SEVERE),
        *worst,
        (healing, 2),
        (better, 1),
        (better + chance.randint(5, 10), 0),
    )


def components(grade: int, chance: Chance, scale: Scale) -> Json:
    """What an assessor sees in a subject of that grade: something usual, graded so by the scale.

    Raises:
        ValueError: the scale gives nothing usual that grade.
    """
    for _ in range(TRIES):
        seen = _USUAL[grade](chance)
        if _graded(seen, scale) == grade:
            return seen
    raise ValueError(f"nothing that is usually seen has grade {grade} on the scale")


def _graded(seen: Json, scale: Scale) -> int | None:
    holding = (row.grade for row in scale.grades if evaluate(row.when, seen, date.min))
    return next(holding, None)


def _normal(_: Chance) -> Json:
    return _seen("normal", False, 0, "none", "solid")


def _erythema(chance: Chance) -> Json:
    return _seen("erythema", False, chance.randint(1, 3), "none", "solid")


def _patchy(chance: Chance) -> Json:
    analgesic = chance.weighted({"none": 0.7, "non_opioid": 0.3})
    diet = chance.weighted({"solid": 0.3, "soft": 0.7})
    return _seen("patchy", chance.happens(0.3), chance.randint(3, 6), analgesic, diet)


def _confluent(chance: Chance) -> Json:
    analgesic = chance.weighted({"non_opioid": 0.4, "opioid": 0.6})
    diet = chance.weighted({"soft": 0.4, "liquid": 0.6})
    return _seen("confluent", chance.happens(0.7), chance.randint(6, 9), analgesic, diet)


def _ulcer(chance: Chance) -> Json:
    diet = chance.weighted({"liquid": 0.6, "none_by_mouth": 0.4})
    return _seen("ulcer_hemorrhage_necrosis", True, chance.randint(8, 10), "opioid", diet)


def _seen(appearance: str, ulceration: bool, pain: int, analgesic: str, diet: str) -> Json:
    return {
        "mucosal_appearance": appearance,
        "ulceration": ulceration,
        "pain_score": pain,
        "analgesic": analgesic,
        "diet": diet,
    }


_USUAL: Mapping[int, Callable[[Chance], Json]] = {
    0: _normal,
    1: _erythema,
    2: _patchy,
    3: _confluent,
    4: _ulcer,
}

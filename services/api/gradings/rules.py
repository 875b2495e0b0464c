"""What follows from gradings: derived grades, what someone should look at, the grade that counts.

The entered grade is primary and is never overwritten. Source: protocol,
grading; `docs/gradings.md`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from services.api.protocol.conditions import evaluate
from services.api.protocol.schema import Grading, ImpossibleCombination, Scale, leaves

PROTOCOL_SCALE = "protocol"

# The conditions of a scale compare components, none of which is a date.
NO_REFERENCE = date.min


def derive(components: Mapping[str, object], grading: Grading) -> dict[str, int | None]:
    """The grade on each of the protocol's scales that follows from the components.

    None where no grade's condition holds, or a missing component leaves open
    whether a grade further up the list holds.
    """
    return {scale.id: _grade(components, scale) for scale in grading.scales}


def mismatch(entered: int, derived: Mapping[str, int | None]) -> bool:
    """Whether the entered grade differs from the one derived on the same, the protocol's, scale.

    A grade that cannot be derived contradicts nothing. The other scales word
    their grades differently and are not compared.
    """
    expected = derived.get(PROTOCOL_SCALE)
    return expected is not None and expected != entered


def impossible(
    components: Mapping[str, object], grading: Grading
) -> tuple[ImpossibleCombination, ...]:
    """The combinations which the protocol calls impossible, and which the components are."""
    return tuple(one for one in grading.impossible if evaluate(one.when, components, NO_REFERENCE))


def _grade(components: Mapping[str, object], scale: Scale) -> int | None:
    for candidate in scale.grades:
        holds = evaluate(candidate.when, components, NO_REFERENCE)
        if holds is not False:
            return candidate.grade if holds else None
    return None


# --- what someone should look at --------------------------------------------------------


class GradingFlag(StrEnum):
    """What someone should look at."""

    DIFFERS_FROM_COMPONENTS = "differs_from_components"
    ABOVE_HIGHEST_GRADE = "above_highest_grade"
    IMPOSSIBLE_COMBINATION = "impossible_combination"
    ASSESSOR_NOT_CERTIFIED = "assessor_not_certified"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A contradiction in a grading: it is flagged, and the service asks about it.

    `code` tells two doubts of one grading apart. `text` names no grade:
    whoever grades the same visit must not learn this one.
    """

    flag: GradingFlag
    code: str
    field: str
    text: str


DIFFERS = Doubt(
    GradingFlag.DIFFERS_FROM_COMPONENTS,
    GradingFlag.DIFFERS_FROM_COMPONENTS.value,
    "grade",
    "The entered grade is not the one that follows from the components: check both.",
)
ABOVE_HIGHEST = Doubt(
    GradingFlag.ABOVE_HIGHEST_GRADE,
    GradingFlag.ABOVE_HIGHEST_GRADE.value,
    "grade",
    "The entered grade is above the highest that the protocol expects at this visit: check it.",
)


def doubts(
    grade: int,
    components: Mapping[str, object],
    derived: Mapping[str, int | None],
    highest: int | None,
    grading: Grading,
) -> Iterator[Doubt]:
    """Each contradiction in a grading; `highest` is what the protocol expects at the visit."""
    if mismatch(grade, derived):
        yield DIFFERS
    if highest is not None and grade > highest:
        yield ABOVE_HIGHEST
    for one in impossible(components, grading):
        first = next(iter(leaves(one.when))).fact
        yield Doubt(GradingFlag.IMPOSSIBLE_COMBINATION, one.id, first, one.text)


# --- the grade that counts at a visit -----------------------------------------------------


class GradeBasis(StrEnum):
    """What the grade that counts at a visit rests on; `unresolved` until it is adjudicated."""

    SINGLE = "single"
    AGREED = "agreed"
    ADJUDICATED = "adjudicated"
    UNRESOLVED = "unresolved"


class Graded(Protocol):
    """What the rule reads of a grading in its current version."""

    @property
    def id(self) -> UUID: ...
    @property
    def version(self) -> int: ...
    @property
    def visit(self) -> str: ...
    @property
    def assessed_at(self) -> datetime: ...
    @property
    def assessed_on(self) -> date: ...
    @property
    def grade(self) -> int: ...


class Adjudicated(Protocol):
    """What the rule reads of an adjudication in its current version; no grade while it is open."""

    @property
    def id(self) -> UUID: ...
    @property
    def visit(self) -> str: ...
    @property
    def grade(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Assessment:
    """A visit's grade, as the analysis reads it.

    `on` (local day), `at` (moment in UTC), `grading` and `version` are those of
    the earliest grading. `grade` is None while unresolved.
    """

    visit: str
    on: date
    at: datetime
    grade: int | None
    basis: GradeBasis
    grading: UUID
    version: int
    adjudication: UUID | None = None


def assessments(
    gradings: Iterable[Graded], adjudications: Iterable[Adjudicated]
) -> list[Assessment]:
    """One subject's assessments, one for each graded visit, in the order of their moments.

    A single grading counts, and so does the grade on which several agree. Once
    they differed only the adjudicator's decision counts, whatever is corrected
    later: nobody's grade wins by adapting to another's.
    """
    opened = {one.visit: one for one in adjudications}
    by_visit: dict[str, list[Graded]] = {}
    for one in gradings:
        by_visit.setdefault(one.visit, []).append(one)
    found = [_assessment(made, opened.get(visit)) for visit, made in by_visit.items()]
    return sorted(found, key=lambda one: (one.at, one.grading))


def _assessment(gradings: list[Graded], adjudication: Adjudicated | None) -> Assessment:
    earliest = min(gradings, key=lambda one: (one.assessed_at, one.id))
    grades = [one.grade for one in gradings]
    grade, basis = _counting(grades, adjudication)
    return Assessment(
        visit=earliest.visit,
        on=earliest.assessed_on,
        at=earliest.assessed_at,
        grade=grade,
        basis=basis,
        grading=earliest.id,
        version=earliest.version,
        adjudication=adjudication.id if adjudication else None,
    )


def _counting(grades: list[int], adjudication: Adjudicated | None) -> tuple[int | None, GradeBasis]:
    if adjudication is not None:
        decided = adjudication.grade is not None
        return adjudication.grade, GradeBasis.ADJUDICATED if decided else GradeBasis.UNRESOLVED
    if differ(grades):
        return None, GradeBasis.UNRESOLVED
    return grades[0], GradeBasis.SINGLE if len(grades) == 1 else GradeBasis.AGREED


@dataclass(frozen=True, slots=True)
class Pair:
    """Two independent gradings of one visit, as first entered, in the order of their making."""

    site: str
    subject_id: UUID
    visit: str
    first_assessor: UUID
    second_assessor: UUID
    first_grade: int
    second_grade: int


def differ(grades: Iterable[int]) -> bool:
    """Whether the assessors of a visit disagree, so that an adjudicator has to decide."""
    return len(set(grades)) > 1

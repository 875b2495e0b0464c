"""Evaluations of eligibility, their criteria and their facts."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from services.api.exports.csv.column import Column, File, Kind, Line, stored
from services.api.exports.csv.files.columns import OF_SUBJECT, file_of, versioned
from services.api.exports.extract import Extract, Part, SubjectRecord

ELIGIBILITY = file_of(
    Part.EVALUATIONS,
    "eligibility",
    "The evaluation of the criteria as a whole",
    stored("eligibility_evaluation", "overall", Kind.CODE, "Verdict", codes="EligibilityOverall"),
    stored("eligibility_evaluation", "evaluated_on", Kind.DATE, "Day it was evaluated"),
    stored("eligibility_evaluation", "evaluation_hash", Kind.ID, "What a signature is bound to"),
    *versioned("eligibility_evaluation"),
)


class Criterion(NamedTuple):
    """One criterion's verdict in an evaluation."""

    version: int
    told: Mapping[str, Any]


def _criteria(_: Extract, record: SubjectRecord) -> Iterator[Criterion]:
    for row in record.current(Part.EVALUATIONS):
        for told in row.criteria:
            yield Criterion(row.version, told)


def _in_criterion(name: str, kind: Kind, label: str, codes: str | None = None) -> Column:
    source = f"eligibility_evaluation.criteria.{name}"
    called = "criterion" if name == "id" else name
    return Column(called, kind, label, source, lambda x: x.row.told.get(name), codes=codes)


CRITERIA = File(
    "eligibility_criteria",
    "Each criterion's verdict in the current evaluation",
    (
        *OF_SUBJECT,
        stored("eligibility_evaluation", "version", Kind.INTEGER, "Version of the evaluation"),
        _in_criterion("id", Kind.CODE, "Criterion", "Criterion"),
        _in_criterion("kind", Kind.CODE, "Inclusion or exclusion", "CriterionKind"),
        _in_criterion("verdict", Kind.CODE, "Verdict", "CriterionVerdict"),
        _in_criterion("flag", Kind.TEXT, "What the investigator is asked to look at"),
        _in_criterion("stale", Kind.BOOLEAN, "Whether a fact it reads was too old to be used"),
    ),
    _criteria,
    (Part.EVALUATIONS,),
)


class Fact(NamedTuple):
    """One fact of an evaluation, as it was given and as it was read."""

    version: int
    fact: str
    given: Any
    normalised: Any

    def part(self, name: str) -> Any:
        """A part of a dated fact as it was given; the value itself of any other."""
        if isinstance(self.given, Mapping):
            return self.given.get(name)
        return self.given if name == "value" else None

    @property
    def read(self) -> Any:
        """The value in the quantity's unit."""
        return self.normalised["value"] if isinstance(self.normalised, Mapping) else self.normalised


def _facts(_: Extract, record: SubjectRecord) -> Iterator[Fact]:
    for row in record.current(Part.EVALUATIONS):
        for name in sorted(row.facts):
            yield Fact(row.version, name, row.facts[name], row.normalised.get(name))


def _fact(name: str, kind: Kind, label: str) -> Column:
    source = f"eligibility_evaluation.facts.{name}"
    return Column(name, kind, label, source, lambda x: x.row.part(name))


def _unit(line: Line) -> object:
    told = line.row.normalised
    return told.get("unit") if isinstance(told, Mapping) else None


FACTS = File(
    "eligibility_facts",
    "Each fact of the current evaluation, as it was given and in its quantity's unit",
    (
        *OF_SUBJECT,
        stored("eligibility_evaluation", "version", Kind.INTEGER, "Version of the evaluation"),
        Column(
            "fact",
            Kind.CODE,
            "Fact",
            "eligibility_evaluation.facts",
            lambda x: x.row.fact,
            codes="Fact",
        ),
        _fact("value", Kind.TEXT, "Value as given"),
        _fact("unit", Kind.TEXT, "Unit as given"),
        _fact("uln", Kind.DECIMAL, "Laboratory's upper limit of normal, in the unit given"),
        _fact("measured_on", Kind.DATE, "Day of the measurement"),
        Column(
            "normalised_value",
            Kind.TEXT,
            "Value in the quantity's unit",
            "eligibility_evaluation.normalised.value",
            lambda x: x.row.read,
        ),
        Column(
            "normalised_unit",
            Kind.TEXT,
            "The quantity's unit",
            "eligibility_evaluation.normalised.unit",
            _unit,
        ),
    ),
    _facts,
    (Part.EVALUATIONS,),
)

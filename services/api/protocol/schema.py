"""The protocol document as frozen types: everything the code knows of a trial.

A document that passes `load.load` is complete (these types) and consistent
(`consistency`); the rest of the service reads these types and never a number of
its own.
"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from services.api.protocol.safety import AdverseEvents
from services.api.protocol.section import Identifier, Section, Text

Scalar = bool | int | float | str


# --- conditions: the closed set of operators --------------------------------------


class Within(Section):
    """A length of time back from the reference date; exactly one unit is given."""

    days: Annotated[int, Field(gt=0)] | None = None
    months: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def one_unit(self) -> Self:
        if (self.days is None) == (self.months is None):
            raise ValueError("give either days or months")
        return self


class Is(Section):
    """The value equals a constant."""

    fact: Identifier
    is_: Scalar = Field(alias="is")


class OneOf(Section):
    """The value is one of several constants."""

    fact: Identifier
    one_of: tuple[Scalar, ...] = Field(min_length=1)


class AtLeast(Section):
    fact: Identifier
    at_least: float


class AtMost(Section):
    fact: Identifier
    at_most: float


class Above(Section):
    fact: Identifier
    above: float


class Below(Section):
    fact: Identifier
    below: float


class AtMostUln(Section):
    """The value is at most so many times the laboratory's upper limit of normal."""

    fact: Identifier
    at_most_uln: Annotated[float, Field(gt=0)]


class HappenedWithin(Section):
    """The date lies within a length of time before the reference date, or after it."""

    fact: Identifier
    happened_within: Within


class AllOf(Section):
    all: tuple["Condition", ...] = Field(min_length=1)


class AnyOf(Section):
    any: tuple["Condition", ...] = Field(min_length=1)


class Not(Section):
    not_: "Condition" = Field(alias="not")


OPERATORS: dict[str, type[Section]] = {
    "is": Is,
    "one_of": OneOf,
    "at_least": AtLeast,
    "at_most": AtMost,
    "above": Above,
    "below": Below,
    "at_most_uln": AtMostUln,
    "happened_within": HappenedWithin,
    "all": AllOf,
    "any": AnyOf,
    "not": Not,
}


def operator(condition: object) -> str | None:
    """The tag of a written or parsed condition, or None when it has no known operator.

    Tags stand in parentheses so that no key of a document can be mistaken for one.
    """
    for name, section in OPERATORS.items():
        if isinstance(condition, section) or (isinstance(condition, dict) and name in condition):
            return f"({name})"
    return None


Condition = Annotated[
    Annotated[Is, Tag("(is)")]
    | Annotated[OneOf, Tag("(one_of)")]
    | Annotated[AtLeast, Tag("(at_least)")]
    | Annotated[AtMost, Tag("(at_most)")]
    | Annotated[Above, Tag("(above)")]
    | Annotated[Below, Tag("(below)")]
    | Annotated[AtMostUln, Tag("(at_most_uln)")]
    | Annotated[HappenedWithin, Tag("(happened_within)")]
    | Annotated[AllOf, Tag("(all)")]
    | Annotated[AnyOf, Tag("(any)")]
    | Annotated[Not, Tag("(not)")],
    Discriminator(
        operator,
        custom_error_type="operator",
        custom_error_message=f"a condition has one operator: {', '.join(OPERATORS)}",
    ),
]


def leaves(
    condition: Condition,
) -> Iterator[Is | OneOf | AtLeast | AtMost | Above | Below | AtMostUln | HappenedWithin]:
    """Every comparison inside a condition, from left to right."""
    match condition:
        case AllOf():
            for part in condition.all:
                yield from leaves(part)
        case AnyOf():
            for part in condition.any:
                yield from leaves(part)
        case Not():
            yield from leaves(condition.not_)
        case _:
            yield condition


# --- the study -----------------------------------------------------------------------


class Outcome(Section):
    """What is measured, and over which time."""

    measure: Text = Field(
        examples=["The incidence of grade ≥3 oral mucositis"], description="What is measured."
    )
    time_frame: Text = Field(
        examples=["Until 90 days after radiotherapy"], description="Over which time."
    )
    description: Text = Field(
        examples=["The proportion of patients with grade 3 or higher"],
        description="How it is measured.",
    )


class Study(Section):
    """What the public registry says of the trial."""

    nct_id: Annotated[str, Field(pattern=r"^NCT\d{8}$")]
    organisation_study_id: Text
    brief_title: Text
    official_title: Text
    phase: Text
    study_type: Text
    allocation: Text
    intervention_model: Text
    masking: Text
    conditions: tuple[Text, ...] = Field(min_length=1)
    sponsor: Text
    collaborators: tuple[Text, ...]
    target_enrolment: Annotated[int, Field(gt=0)]
    start: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    primary_completion: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    completion: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    has_dmc: bool
    time_zone: Text
    primary_outcome: Outcome
    secondary_outcomes: tuple[Outcome, ...]


class Site(Section):
    code: Annotated[str, Field(pattern=r"^[A-Z]{2,4}$")]
    name: Text
    city: Text
    role: Literal["sponsor", "collaborator", "participant"]


class ArmType(StrEnum):
    """What an arm receives, in the words of ClinicalTrials.gov."""

    EXPERIMENTAL = "experimental"
    ACTIVE_COMPARATOR = "active_comparator"
    PLACEBO_COMPARATOR = "placebo_comparator"
    NO_INTERVENTION = "no_intervention"


class Arm(Section):
    """A group to which subjects are allocated."""

    code: Identifier = Field(
        examples=["experimental"], description="The arm's code, by which allocations name it."
    )
    label: Text = Field(
        examples=["Exosome oral spray"], description="What the arm is called in forms and reports."
    )
    type: ArmType = Field(description="What kind of arm it is, in the registry's words.")
    description: Text = Field(
        examples=["1.5 mL three times a day"], description="What its subjects receive."
    )
    receives_study_drug: bool = Field(
        description="Whether exposures are recorded of its subjects; of the others they are"
        " refused."
    )


class Treatment(Section):
    """The study drug's schedule relative to radiotherapy, in days and millilitres."""

    starts_days_before_rt: Annotated[int, Field(ge=0)]
    ends_days_after_rt: Annotated[int, Field(ge=0)]
    applications_per_day: Annotated[int, Field(gt=0)]
    dose_ml: Annotated[float, Field(gt=0)]
    vials_per_day: Annotated[int, Field(gt=0)]
    instructions: Text


# --- randomization ------------------------------------------------------------------


class Level(Section):
    """One value of a stratification factor and the short code it has in a stratum's name."""

    value: bool | str
    code: Annotated[str, Field(pattern=r"^[A-Z]{1,4}$")]
    label: Text


RADIOTHERAPY_FACTORS = ("concurrent_chemotherapy",)
"""The columns of radiotherapy that a stratification factor may be; each is true or false."""


class Factor(Section):
    """A stratification factor and where its value is recorded.

    `site` is the subject's site, `radiotherapy` the plan's own field of that
    name, and `recorded` a value that the site records with the plan because
    this protocol asks for it.
    """

    id: Identifier
    source: Literal["site", "radiotherapy", "recorded"]
    levels: tuple[Level, ...] = Field(min_length=2)

    def level(self, value: object) -> Level | None:
        """The level with this value, if there is one; true is not the text "true", nor 1."""
        for level in self.levels:
            if type(level.value) is type(value) and level.value == value:
                return level
        return None


class Randomization(Section):
    """Stratified permuted blocks.

    Their sizes are no part of the protocol, which those who recruit read
    (ICH E9, section 2.3.2).
    """

    ratio: dict[str, Annotated[int, Field(gt=0)]]
    factors: tuple[Factor, ...] = Field(min_length=1)
    cap: Annotated[int, Field(gt=0)]
    slots_per_stratum: Annotated[int, Field(gt=0)]

    @property
    def recorded_factors(self) -> tuple[Factor, ...]:
        """The factors whose values the site records because the protocol asks for them."""
        return tuple(factor for factor in self.factors if factor.source == "recorded")


# --- eligibility --------------------------------------------------------------------


class Quantity(Section):
    """A measured quantity: its normal unit and the factor from each accepted unit to it."""

    id: Identifier
    unit: Text
    units: dict[str, Annotated[float, Field(gt=0)]]

    @model_validator(mode="after")
    def normal_unit_is_accepted(self) -> Self:
        if self.units.get(self.unit) != 1:
            raise ValueError(f"unit {self.unit} must be among units with factor 1")
        return self


class FactType(StrEnum):
    """How a fact's value is written in a request.

    `date_or_never` is a local date or the word "never"; a `measurement` is an
    object with value, unit, `measured_on` and, where the fact asks for it, `uln`.
    """

    BOOLEAN = "boolean"
    INTEGER = "integer"
    CHOICE = "choice"
    DATE_OR_NEVER = "date_or_never"
    MEASUREMENT = "measurement"


class Fact(Section):
    """One question whose answer a criterion needs.

    `dated` facts are objects that carry `measured_on` and go stale after the
    screening window; every measurement is dated.
    """

    id: Identifier
    type: FactType
    question: Text
    quantity: Identifier | None = None
    unit: str | None = None
    uln: bool = False
    dated: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def type_has_what_it_needs(self) -> Self:
        measured = self.type is FactType.MEASUREMENT
        if measured != (self.quantity is not None):
            raise ValueError("a measurement, and nothing else, names its quantity")
        if measured and not self.dated:
            raise ValueError("a measurement is dated")
        if self.uln and not measured:
            raise ValueError("only a measurement has an upper limit of normal")
        if (self.type is FactType.CHOICE) != bool(self.choices):
            raise ValueError("a choice, and nothing else, lists its choices")
        if (measured or self.type is FactType.INTEGER) and None in (self.minimum, self.maximum):
            raise ValueError("a number states its plausible minimum and maximum")
        return self


class CriterionKind(StrEnum):
    """Whether meeting a criterion admits a subject or keeps them out."""

    INCLUSION = "inclusion"
    EXCLUSION = "exclusion"


class Criterion(Section):
    """One inclusion or exclusion criterion, or a part of a compound one.

    `flag` is a condition that does not change the verdict but asks the
    investigator to look; `flag_text` says at what.
    """

    id: Annotated[str, Field(pattern=r"^[IE]\d{2}[a-z]?$")]
    kind: CriterionKind
    text: Text
    when: Condition
    flag: Condition | None = None
    flag_text: Text | None = None

    @model_validator(mode="after")
    def flag_explains_itself(self) -> Self:
        if (self.flag is None) != (self.flag_text is None):
            raise ValueError("flag and flag_text come together")
        return self


class Eligibility(Section):
    screening_window_days: Annotated[int, Field(gt=0)]
    age_fact: Identifier
    consent_fact: Identifier
    quantities: tuple[Quantity, ...]
    facts: tuple[Fact, ...] = Field(min_length=1)
    criteria: tuple[Criterion, ...] = Field(min_length=1)


# --- visits, gradings, endpoint -------------------------------------------------------


class Anchor(StrEnum):
    """The day a visit is counted from: first or last fraction, planned until it is actual."""

    RT_START = "rt_start"
    RT_END = "rt_end"


class VisitRule(Section):
    """One visit, or one a week during radiotherapy, in days from its anchor (0 = that day).

    With `repeat_every_days` the code holds `{n}`, counted from 1, and the rule
    repeats as long as its earliest day is not after the end of radiotherapy.
    `slot` visits are those whose gradings the endpoint's coverage counts.
    `highest_grade` is the highest grade a subject may have there.
    """

    code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9-]{0,9}(\{n\})?[A-Z0-9-]{0,5}$")]
    label: Text
    anchor: Anchor
    day: int
    earliest: int
    latest: int
    repeat_every_days: Annotated[int, Field(gt=0)] | None = None
    graded: bool = True
    slot: bool = False
    highest_grade: int | None = None

    @model_validator(mode="after")
    def window_holds_its_day(self) -> Self:
        if not self.earliest <= self.day <= self.latest:
            raise ValueError("day must lie between earliest and latest")
        if ("{n}" in self.code) != (self.repeat_every_days is not None):
            raise ValueError("a repeated visit, and no other, has {n} in its code")
        return self


class Visits(Section):
    fractions_per_week: Annotated[int, Field(gt=0, le=7)]
    minimum_hours_between_gradings: Annotated[int, Field(ge=0)]
    schedule: tuple[VisitRule, ...] = Field(min_length=1)


class ScaleGrade(Section):
    grade: Annotated[int, Field(ge=0, le=5)]
    text: Text
    when: Condition


class Scale(Section):
    """A grading scale; the first grade, from the top of the list, whose condition holds counts.

    Conditions read the components by their ids, and every combination of
    components has a grade.
    """

    id: Literal["protocol", "who", "rtog"]
    label: Text
    source: Text
    grades: tuple[ScaleGrade, ...] = Field(min_length=2)


class Component(Section):
    """An observed part of a mucositis assessment: its choices, or its numeric range."""

    id: Identifier
    label: Text
    choices: tuple[bool | str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None


class ImpossibleCombination(Section):
    """Components that contradict each other: the service asks about them with the text.

    A grading with it is stored and flagged. The text names no grade.
    """

    id: Identifier
    text: Text
    when: Condition


class Grading(Section):
    """How oral mucositis is assessed; the entered grade is primary, derived ones stand beside."""

    minimum: int
    maximum: int
    components: tuple[Component, ...] = Field(min_length=1)
    scales: tuple[Scale, ...] = Field(min_length=1)
    impossible: tuple[ImpossibleCombination, ...] = ()


class Endpoint(Section):
    """The rule of the primary and secondary outcome, in calendar days and grades.

    `last_grading_from_day` counts from the last fraction; before it, it is negative.
    """

    severe_grade: int
    any_grade: int
    window_days_after_rt_end: Annotated[int, Field(ge=0)]
    coverage_share: Annotated[float, Field(gt=0, le=1)]
    last_grading_from_day: int


class Assumption(Section):
    """A ruling where the registry record is silent or contradicts itself."""

    id: Identifier
    record: Text
    ruling: Text
    reason: Text
    parameters: tuple[Text, ...]


# --- the whole ---------------------------------------------------------------------


class Protocol(Section):
    """One version of the trial's protocol."""

    version: Annotated[str, Field(pattern=r"^\d+\.\d+$")]
    effective_on: date
    study: Study
    sites: tuple[Site, ...] = Field(min_length=1)
    arms: tuple[Arm, ...] = Field(min_length=2)
    treatment: Treatment
    randomization: Randomization
    eligibility: Eligibility
    visits: Visits
    grading: Grading
    endpoint: Endpoint
    adverse_events: AdverseEvents
    assumptions: tuple[Assumption, ...]

    def scale(self, scale_id: str) -> Scale:
        """The grading scale of that name."""
        return next(scale for scale in self.grading.scales if scale.id == scale_id)


Json = dict[str, Any]

"""Reports by arm as their few readers see them; none names a subject."""

from pydantic import BaseModel, Field

from services.api.reports.schemas import Estimate, Flow, Report


class ArmNamed(BaseModel):
    """Something of one arm."""

    arm: str = Field(examples=["experimental"], description="The arm's code in the protocol.")


class ChiSquareRead(BaseModel):
    """A test with one degree of freedom."""

    statistic: float = Field(
        examples=[3.1], description="Chi-square, which is larger the more the arms differ."
    )
    p: float = Field(description="Two-sided, not adjusted.", examples=[0.08])


class ArmFlow(Flow, ArmNamed):
    """What became of the subjects of one arm."""


class ArmOutcome(ArmNamed):
    """How often an outcome was reached in one arm, of those whose observation is over."""

    evaluable: int = Field(description="With or without the event.", examples=[80])
    events: int = Field(examples=[37], description="How many of them had the event.")
    share: Estimate | None = Field(description="Wilson's interval; null of nobody.")
    not_evaluable: int = Field(description="Left out: too few gradings.", examples=[6])
    early_events: int = Field(
        description="Events of subjects still observed, left out: those without one still wait.",
        examples=[9],
    )
    pending: int = Field(description="Still observed, without an event yet.", examples=[4])


class Assumed(BaseModel):
    """The difference if those who are not evaluable had ended that way."""

    assumption: str = Field(
        examples=["All not evaluable had the event"],
        description="How those who are not evaluable are taken to have ended.",
    )
    difference: Estimate | None = Field(description="Miettinen and Nurminen.")


class Comparison(BaseModel):
    """One outcome by arm; differences are the first arm minus the second."""

    id: str = Field(examples=["primary"], description="Which outcome: `primary` or `secondary`.")
    title: str = Field(examples=["Grade 3 or higher"], description="The outcome in words.")
    arms: list[ArmOutcome] = Field(description="Its figures in each arm.")
    difference: Estimate | None = Field(
        description="The difference of shares, with Miettinen and Nurminen's interval."
    )
    difference_newcombe: Estimate | None = Field(
        description="The same difference of shares with Newcombe's interval, which holds for few"
        " subjects too."
    )
    common_difference: Estimate | None = Field(
        description="Over the strata: Mantel and Haenszel with Sato's variance."
    )
    common_odds_ratio: Estimate | None = Field(description="Over the strata.")
    stratified_test: ChiSquareRead | None = Field(
        description="Cochran, Mantel and Haenszel; null where nothing can vary."
    )
    assumed: list[Assumed] = Field(
        description="The same difference under extreme assumptions about those not evaluable."
    )


class CurvePoint(BaseModel):
    """A curve from a day on."""

    day: int = Field(description="From the first fraction, day 0.", examples=[28])
    at_risk: int = Field(description="How many were watched just before that day.", examples=[76])
    value: Estimate = Field(description="The curve's value from that day on, a share.")


class AtRisk(BaseModel):
    """How many were watched, without a severe grade, when a day began."""

    day: int = Field(description="From the first fraction, day 0.", examples=[28])
    subjects: int = Field(examples=[76], description="How many they were.")


class ArmTimes(ArmNamed):
    """The time to the first severe grade in one arm."""

    subjects: int = Field(description="With a first fraction and a grading.", examples=[97])
    events: int = Field(description="Severe grades.", examples=[45])
    left_first: int = Field(description="Left the study before one.", examples=[5])
    censored: int = Field(description="At the last grading.", examples=[47])
    median_day: int | None = Field(
        description="When half had one; null if fewer had.", examples=[38]
    )
    last_day: int | None = Field(
        description="The longest that anyone was watched; null of nobody.", examples=[136]
    )
    at_risk: list[AtRisk] = Field(description="Every two weeks.")
    free: list[CurvePoint] = Field(description="Free of one: Kaplan and Meier.")
    severe: list[CurvePoint] = Field(description="Had one: Aalen and Johansen.")
    left: list[CurvePoint] = Field(description="Left before one: Aalen and Johansen.")


class Times(BaseModel):
    """The time to the first severe grade by arm."""

    arms: list[ArmTimes] = Field(description="Each arm's curves.")
    log_rank: ChiSquareRead | None = Field(description="Of the severe grades; leaving censors.")


class QuartilesRead(BaseModel):
    """The median and both quartiles."""

    lower: float = Field(
        examples=[0.0], description="A quarter of the subjects lie at or below it."
    )
    median: float = Field(examples=[8.0], description="Half of the subjects lie at or below it.")
    upper: float = Field(
        examples=[21.0], description="Three quarters of the subjects lie at or below it."
    )


class ArmMeasure(ArmNamed):
    """A measure in one arm."""

    subjects: int = Field(examples=[80], description="How many it could be told of.")
    quartiles: QuartilesRead | None = Field(description="Null of nobody.")


class Measure(BaseModel):
    """A measure by arm."""

    id: str = Field(
        examples=["days_severe"],
        description="Which measure, by its name in the endpoint of a subject.",
    )
    title: str = Field(
        examples=["Days at grade 3 or higher"], description="The measure in words, with its unit."
    )
    arms: list[ArmMeasure] = Field(description="Its distribution in each arm.")
    difference: Estimate | None = Field(
        description="Hodges and Lehmann, first arm minus second; null if one has nobody."
    )


class GradeWeek(ArmNamed):
    """The worst grade of each subject graded in one week."""

    period: str = Field(description="`during` or `after` radiotherapy.", examples=["during"])
    week: int = Field(
        description="Which week, counted from the first fraction, or after the last.", examples=[4]
    )
    subjects: int = Field(description="How many were graded in that week.", examples=[88])
    grades: list[int] = Field(
        description="How many have each grade, from the lowest on.", examples=[[10, 20, 30, 20, 8]]
    )


class Endpoints(Report):
    """The endpoints by arm, of the intention-to-treat set."""

    arms: dict[str, str] = Field(
        description="Code and name, in the order of the differences.",
        examples=[{"experimental": "Exosome oral spray", "control": "No intervention"}],
    )
    flow: list[ArmFlow] = Field(
        description="What became of those who were randomized, in each arm."
    )
    comparisons: list[Comparison] = Field(description="The primary and the secondary outcome.")
    times: Times = Field(description="The time to the first severe grade.")
    measures: list[Measure] = Field(description="The measures derived beside the outcomes.")
    grades_by_week: list[GradeWeek] = Field(
        description="How bad oral mucositis was, from week to week."
    )


class ArmEvents(ArmNamed):
    """Adverse events in one arm."""

    subjects: int = Field(description="How many subjects had at least one.", examples=[12])
    share: float | None = Field(description="Of the arm's subjects.", examples=[0.12])
    events: int = Field(examples=[15], description="How many events they had.")
    worst: list[int] = Field(
        description="Subjects by their worst grade, 1 to 5.", examples=[[4, 5, 3, 0, 0]]
    )


class EventRow(BaseModel):
    """Adverse events of one kind by arm."""

    kind: str = Field(description="A group, or a CTCAE term.", examples=["Nausea"])
    arms: list[ArmEvents] = Field(description="Its figures in each arm.")
    difference: Estimate | None = Field(
        description="Of shares, Miettinen and Nurminen; for terms, only if an arm has 5 % or more."
    )


class SafetyByArm(Report):
    """Adverse events by arm, of the intention-to-treat set."""

    arms: dict[str, str] = Field(
        description="Code and name.", examples=[{"experimental": "Exosome oral spray"}]
    )
    subjects: dict[str, int] = Field(
        description="How many were randomized, by the arm's code.",
        examples=[{"experimental": 99, "control": 100}],
    )
    before_randomization: int = Field(
        description="Events that began before randomization, of both arms, left out.", examples=[3]
    )
    groups: list[EventRow] = Field(description="All, serious, related and fatal events.")
    terms: list[EventRow] = Field(description="By term; the most frequent first.")

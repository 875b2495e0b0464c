"""Reports as callers see them."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.core.bodies import Instant


class RandomizationFigures(BaseModel):
    """How many subjects were randomized, and of how many something went wrong.

    Every figure counts subjects; of none is told which arm they are in.
    """

    randomized: int = Field(
        default=0, examples=[41], description="Subjects who were allocated to an arm."
    )
    wrong_stratum: int = Field(
        default=0,
        examples=[1],
        description="Whose correct stratum, as last recorded, is not the one used.",
    )
    ineligible: int = Field(
        default=0, examples=[1], description="Who did not meet the criteria, and stay in the trial."
    )
    duplicate: int = Field(
        default=0, examples=[2], description="Who are the same person as another subject."
    )
    duplicate_not_retained: int = Field(
        default=0,
        examples=[1],
        description="Those of them whose allocation was not the first, so it does not count.",
    )
    late_randomization: int = Field(
        default=0,
        examples=[3],
        description="Randomized later before radiotherapy than the protocol asks for.",
    )
    stratum_changed: int = Field(
        default=0,
        examples=[1],
        description="Whose recorded stratification factor was changed after randomization.",
    )


class SiteFigures(RandomizationFigures):
    """The figures of one site."""

    site: str = Field(examples=["NN"])


class RandomizationReport(BaseModel):
    """Randomization and its errors at the caller's sites, and in all of them together."""

    sites: list[SiteFigures] = Field(description="Each of your sites.")
    total: RandomizationFigures = Field(description="All of your sites together.")


# --- what every report says of itself ----------------------------------------------------


class ReportFormat(StrEnum):
    """JSON for programs; one page of HTML, or a PDF, for people."""

    JSON = "json"
    HTML = "html"
    PDF = "pdf"


class FormatQuery(BaseModel):
    """How the report is told."""

    format: ReportFormat = Field(
        default=ReportFormat.JSON,
        description="`html` is one page that loads nothing else; `pdf` is for print.",
    )


class ReportQuery(FormatQuery):
    """Of which sites, and how."""

    site: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{2,4}$",
        examples=["NN"],
        description="One of your sites; without it, all of them.",
    )


class Estimate(BaseModel):
    """An estimate with its 95 % confidence interval."""

    estimate: float = Field(examples=[-0.12], description="The most likely value.")
    low: float = Field(description="The lower limit of the interval.", examples=[-0.25])
    high: float = Field(description="The upper limit of the interval.", examples=[0.02])


class Report(BaseModel):
    """What every report says of itself."""

    as_of: date = Field(description="The local day up to which data were counted.")
    newest_record: Instant | None = Field(
        description="When the newest of the counted records was made; null without any."
    )
    protocol_version: str = Field(description="Whose rules derived the figures.", examples=["1.0"])
    sites: list[str] = Field(description="Whose subjects are counted.", examples=[["LZ", "NN"]])
    methods: list[str] = Field(
        description="The methods used, with their sources.", examples=[["Wilson 1927"]]
    )
    notes: list[str] = Field(
        description="What a reader must know to judge the figures.",
        examples=[["Nothing is imputed."]],
    )


# --- recruitment -------------------------------------------------------------------------


class SiteRecruitment(BaseModel):
    """One site's inclusions."""

    site: str = Field(examples=["NN"])
    included: int = Field(description="Subjects randomized.", examples=[41])
    first_on: date | None = Field(description="The first one's day.", examples=["2026-01-12"])
    last_on: date | None = Field(description="The last one's day.", examples=["2026-06-30"])


class RecruitmentWeek(BaseModel):
    """One local week, from Monday."""

    week_of: date = Field(description="The Monday on which it begins.", examples=["2026-01-05"])
    included: int = Field(description="Subjects randomized in it.", examples=[3])
    cumulative: int = Field(description="Since the first, up to its end.", examples=[21])
    by_site: dict[str, int] = Field(description="Those of each site.", examples=[{"NN": 3}])


class RecruitmentForecast(BaseModel):
    """When the target is reached if recruitment goes on as in the last weeks."""

    weeks: float = Field(description="How many past weeks it rests on.", examples=[12.0])
    included: int = Field(description="How many were included in them.", examples=[31])
    middle: date = Field(description="As likely before as after.", examples=["2027-05-10"])
    earliest: date = Field(description="Before it with 2.5 %.", examples=["2027-02-01"])
    latest: date = Field(description="After it with 2.5 %.", examples=["2027-10-04"])


class Recruitment(Report):
    """Inclusions against the target, by site and week."""

    included: int = Field(description="Subjects randomized.", examples=[120])
    target: int | None = Field(
        description="The trial's; null unless all sites are counted.", examples=[200]
    )
    planned_from: date | None = Field(
        description="The protocol's start; null without a target.", examples=["2026-01-01"]
    )
    planned_to: date | None = Field(
        description="The end of the protocol's month of primary completion; null without a target.",
        examples=["2027-06-30"],
    )
    by_site: list[SiteRecruitment] = Field(description="Each site's inclusions.")
    weeks: list[RecruitmentWeek] = Field(
        description="Every week since the first inclusion, also those without one."
    )
    forecast: RecruitmentForecast | None = Field(
        description="Null when too little is known, or not all sites are counted."
    )


# --- the flow of subjects ----------------------------------------------------------------


class CriterionCount(BaseModel):
    """How many did not pass a criterion."""

    id: str = Field(
        description="Names the criterion in the protocol: I of an inclusion, E of an exclusion.",
        examples=["I05a"],
    )
    text: str = Field(
        description="The criterion in the protocol's words.",
        examples=["White blood cells of 3.0 or more"],
    )
    subjects: int = Field(description="A subject may fail several.", examples=[2])


class CauseCount(BaseModel):
    """How many gave up for a cause."""

    cause: str = Field(
        examples=["adverse_event"], description="A cause, as `discontinuation` records it."
    )
    subjects: int = Field(examples=[3], description="Subjects who gave that cause.")


class Flow(BaseModel):
    """What became of those who were randomized."""

    randomized: int = Field(description="All allocations.", examples=[100])
    not_retained: int = Field(
        description="Later allocations of the same person, left out below.", examples=[1]
    )
    analysed: int = Field(description="The intention-to-treat set.", examples=[99])
    started_radiotherapy: int = Field(description="Had a first fraction.", examples=[97])
    treatment_ended: list[CauseCount] = Field(
        description="How many gave up the study treatment, by cause."
    )
    study_left: list[CauseCount] = Field(description="How many gave up taking part, by cause.")
    evaluable: int = Field(
        description="Whose time of observation is over, with a primary outcome.", examples=[80]
    )
    not_evaluable: int = Field(
        description="Whose is over without one: too few gradings.", examples=[6]
    )
    under_observation: int = Field(description="Whose is not over.", examples=[13])


class Consort(Report):
    """The flow of subjects through the trial, all arms together."""

    screened: int = Field(description="Subjects with a number.", examples=[250])
    excluded: int = Field(description="Failed screening.", examples=[40])
    criteria: list[CriterionCount] = Field(
        description="The criteria that the excluded did not pass."
    )
    left_before: int = Field(
        description="Withdrew, were lost or died before randomization.", examples=[4]
    )
    waiting: int = Field(description="In screening, or eligible and not randomized.", examples=[6])
    flow: Flow = Field(description="From randomization to the primary outcome.")


# --- completeness ------------------------------------------------------------------------


class SiteCompleteness(BaseModel):
    """How complete the records of one site are."""

    site: str = Field(examples=["NN"])
    subjects: int = Field(description="With a number.", examples=[84])
    visits_done: int = Field(description="Recorded with a date.", examples=[900])
    visits_missed: int = Field(description="Recorded as missed.", examples=[12])
    visits_due: int = Field(description="Their window is open.", examples=[8])
    visits_overdue: int = Field(description="Their window has closed.", examples=[5])
    gradings: int = Field(
        examples=[870], description="Gradings in all, each counted once whatever its versions."
    )
    gradings_signed: int = Field(description="In their current version.", examples=[850])
    gradings_uncertified: int = Field(
        description="By an assessor without a certificate on that day.", examples=[0]
    )
    visits_graded_twice: int = Field(description="By two assessors.", examples=[90])
    adjudications_open: int = Field(
        examples=[2], description="Visits whose gradings differ and still wait for a decision."
    )
    queries_open: int = Field(description="Data queries that are not closed.", examples=[14])
    query_days_median: float | None = Field(
        description="Their age in days; null without any.", examples=[6.0]
    )
    query_days_oldest: int | None = Field(
        description="The oldest one's age in days.", examples=[31]
    )
    gradings_verified: int = Field(
        description="Compared with their source in their current version.", examples=[700]
    )
    adverse_events: int = Field(
        examples=[77],
        description="Adverse events that stand, each counted once whatever its versions.",
    )
    adverse_events_unsigned: int = Field(description="In their current version.", examples=[3])
    subjects_frozen: int = Field(description="Whose records are frozen.", examples=[4])
    subjects_locked: int = Field(description="Whose records are locked.", examples=[0])


class Completeness(Report):
    """How complete the records are, by site."""

    by_site: list[SiteCompleteness] = Field(description="Each site's figures.")


# --- agreement ---------------------------------------------------------------------------


class PairFigures(BaseModel):
    """How well two independent gradings of the same visits agree."""

    pairs: int = Field(examples=[90], description="Visits that two assessors graded independently.")
    agreeing: float | None = Field(
        description="The share with the same grade; null of none.", examples=[0.86]
    )
    kappa_quadratic: Estimate | None = Field(
        description="Weighted by the squared distance of grades; null where it is not defined."
    )
    kappa_linear: Estimate | None = Field(
        description="Weighted by their distance; null where it is not defined."
    )
    table: list[list[int]] = Field(
        description="Pairs by first (row) and second (column) grade, from the lowest on.",
        examples=[[[30, 2, 0, 0, 0], [1, 20, 3, 0, 0], [0, 2, 15, 1, 0], [0, 0, 1, 9, 1], [0] * 5]],
    )


class SitePairs(PairFigures):
    """Those of one site."""

    site: str = Field(examples=["NN"])


class AssessorPairs(PairFigures):
    """Those in which one assessor took part: their grade is the row, the other's the column."""

    assessor: UUID = Field(description="The `id` of the assessor's account.")
    name: str = Field(examples=["Demo assessor"], description="As it stands on the account now.")


class Agreement(Report):
    """Agreement of independent gradings, blind to arm."""

    together: PairFigures = Field(description="All pairs.")
    by_site: list[SitePairs] = Field(description="The pairs of each site.")
    by_assessor: list[AssessorPairs] = Field(
        description="The pairs of each assessor: whose grades run high or low shows here."
    )

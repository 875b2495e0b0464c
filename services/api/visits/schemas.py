"""Visits, gradings and the endpoint as callers see them."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.api.core.bodies import (
    Body,
    ChangeReason,
    Instant,
    LocalDate,
    Omittable,
    Patch,
    Reason,
)
from services.api.core.pagination import Page
from services.api.signatures.schemas import HASH, SignatureRead
from services.api.visits.endpoint_rules import OutcomeStatus
from services.api.visits.rules import Flag, Status


class DateRange(BaseModel):
    """Local calendar dates, both included; an open end is null."""

    model_config = ConfigDict(populate_by_name=True)

    from_: date = Field(alias="from", examples=["2026-03-16"])
    to: date | None = Field(examples=["2026-03-18"])


class VisitRead(BaseModel):
    """A visit as scheduled and as recorded."""

    code: str = Field(examples=["RT1A"])
    label: str = Field(examples=["Radiotherapy week 1, first grading"])
    planned_on: date | None = Field(description="Null when the visit left the schedule.")
    window: DateRange | None
    status: Status
    date: LocalDate | None = Field(description="The local date on which it took place.")
    missed_reason: str | None = Field(examples=["Clinic closed for the holiday"])
    flags: list[Flag] = Field(description="What is unusual about the recorded date.")
    graded: bool = Field(description="Whether the protocol asks for a grading.")
    reason: str | None = Field(
        description="Why the record was changed last.", examples=["Wrong date entered"]
    )
    version: int = Field(description="0 before anything is recorded.", examples=[1])


class VisitList(Page[VisitRead]):
    """Visits of a subject in chronological order."""


class VisitPut(Body):
    """What happened: the date it took place, or why it was missed."""

    date: LocalDate | None = Field(default=None, examples=["2026-03-17"])
    missed_reason: Reason | None = Field(default=None, examples=["Clinic closed for the holiday"])
    reason: ChangeReason

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        """A visit took place or was missed."""
        if (self.date is None) == (self.missed_reason is None):
            raise ValueError("give either date or missed_reason")
        return self


class MucosalAppearance(StrEnum):
    """What the mucosa looks like at its worst place."""

    NORMAL = "normal"
    ERYTHEMA = "erythema"
    PATCHY = "patchy"
    CONFLUENT = "confluent"
    ULCER_HEMORRHAGE_NECROSIS = "ulcer_hemorrhage_necrosis"


class Analgesic(StrEnum):
    """The strongest analgesic the oral pain needs."""

    NONE = "none"
    NON_OPIOID = "non_opioid"
    OPIOID = "opioid"


class Diet(StrEnum):
    """What the subject can eat."""

    SOLID = "solid"
    SOFT = "soft"
    LIQUID = "liquid"
    NONE_BY_MOUTH = "none_by_mouth"


Grade = Annotated[int, Field(ge=0, le=4)]
PainScore = Annotated[int, Field(ge=0, le=10)]


class GradingCreate(Body):
    """An assessor's grading: the components observed and the grade concluded."""

    assessed_at: Instant = Field(examples=["2026-04-07T02:30:00Z"])
    grade: Grade = Field(examples=[2], description="On the protocol's scale; this one counts.")
    mucosal_appearance: MucosalAppearance = Field(examples=["patchy"])
    ulceration: bool = Field(examples=[False])
    pain_score: PainScore = Field(examples=[5], description="Numeric rating scale.")
    analgesic: Analgesic = Field(examples=["none"])
    diet: Diet = Field(examples=["soft"])


class GradingPatch(Patch):
    """A correction by the author."""

    assessed_at: Omittable[Instant] = Field(default=None, examples=["2026-04-07T02:30:00Z"])
    grade: Omittable[Grade] = Field(default=None, examples=[3])
    mucosal_appearance: Omittable[MucosalAppearance] = None
    ulceration: Omittable[bool] = None
    pain_score: Omittable[PainScore] = Field(default=None, examples=[6])
    analgesic: Omittable[Analgesic] = None
    diet: Omittable[Diet] = None
    reason: Reason = Field(examples=["Misread the source record"])


class DerivedGrades(BaseModel):
    """Grades that follow from the components by the protocol's rules."""

    protocol: int = Field(examples=[2])
    who: int = Field(examples=[2])
    rtog: int = Field(examples=[2])


class GradingFlag(StrEnum):
    """What someone should look at."""

    DIFFERS_FROM_COMPONENTS = "differs_from_components"
    ABOVE_HIGHEST_GRADE = "above_highest_grade"


class GradingRead(BaseModel):
    """One version of a grading."""

    id: UUID
    subject_id: UUID
    visit: str = Field(examples=["RT4A"])
    assessor: UUID
    assessed_at: Instant
    assessed_on: date = Field(description="The local date of assessed_at.")
    grade: int = Field(examples=[2])
    mucosal_appearance: MucosalAppearance
    ulceration: bool
    pain_score: int = Field(examples=[5])
    analgesic: Analgesic
    diet: Diet
    derived: DerivedGrades
    flags: list[GradingFlag]
    protocol_version: str = Field(examples=["1.0"])
    reason: str | None = Field(examples=["Misread the source record"])
    recorded_at: Instant
    version: int = Field(examples=[1])
    content_hash: str = Field(description="What a signature covers.", examples=[HASH])
    signature: SignatureRead | None = Field(
        description="The last one; among the versions, each one's own."
    )


class GradingPage(Page[GradingRead]):
    """Gradings in the order of their making."""


class OutcomeRead(BaseModel):
    """One outcome and the grading that decided it."""

    status: OutcomeStatus
    deciding_grading: UUID | None
    deciding_version: int | None = Field(description="The version of that grading.", examples=[1])


class EndpointRead(BaseModel):
    """A subject's primary and secondary outcome and the measures derived with them."""

    subject_id: UUID
    primary: OutcomeRead
    secondary: OutcomeRead
    window: DateRange | None = Field(description="Null before the first fraction.")
    max_grade: int | None = Field(description="In the window.", examples=[3])
    days_to_first_severe: int | None = Field(
        description="From the first fraction, day 0.", examples=[38]
    )
    days_severe: int = Field(description="Days at a severe grade; 0 if none.", examples=[8])
    grade_4: bool = Field(description="Whether the highest grade of the scale occurred.")
    gy_at_onset: float | None = Field(
        description="Estimated cumulative dose at onset, Gy.", examples=[54.0]
    )
    coverage: float | None = Field(
        description="Share of scheduled slots that were graded.", examples=[0.95]
    )
    gaps: list[str] = Field(
        description="Codes of scheduled visits without a grading.", examples=[["RT5B"]]
    )
    protocol_version: str = Field(description="Whose rule was used.", examples=["1.0"])


GradingId = Annotated[
    UUID,
    Path(description="The grading's `id`.", examples=["019c8a55-1b77-7e0a-8c54-7a3f9b2d6e18"]),
]
VisitCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,15}$")]

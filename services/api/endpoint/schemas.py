"""The endpoint as callers see it."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.endpoint.rules import OutcomeStatus
from services.api.gradings.rules import GradeBasis
from services.api.visits.schemas import DateRange


class OutcomeRead(BaseModel):
    """One outcome and, for an event, the assessment that decided it."""

    status: OutcomeStatus = Field(description="What is known of it today.")
    deciding_grading: UUID | None = Field(
        description="The first that reached the grade; of a visit with several, the earliest."
    )
    deciding_version: int | None = Field(
        description="The version of that grading now.", examples=[1]
    )
    deciding_visit: str | None = Field(
        description="At which visit it was made; null while nothing decided.", examples=["RT5A"]
    )
    deciding_basis: GradeBasis | None = Field(
        description="How the visit's gradings became one grade.", examples=["single"]
    )
    deciding_adjudication: UUID | None = Field(
        description="The adjudication that decided between them, if there was one."
    )


class EndpointRead(BaseModel):
    """A subject's primary and secondary outcome and the measures derived with them."""

    subject_id: UUID
    primary: OutcomeRead = Field(
        description="Grade 3 or higher in the window, by the protocol's own threshold."
    )
    secondary: OutcomeRead = Field(
        description="Any grade in the window, by the protocol's own threshold."
    )
    window: DateRange | None = Field(description="Null before the first fraction.")
    left_on: date | None = Field(
        description="The day the subject left the study, which closes the window.",
        examples=["2026-06-02"],
    )
    max_grade: int | None = Field(
        description="The highest grade assessed in the window; null before the first.", examples=[3]
    )
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
        description="Codes of scheduled visits without a grading that can no longer have one.",
        examples=[["RT5B"]],
    )
    unresolved: list[str] = Field(
        description="Codes of visits whose grade is open until adjudicated.", examples=[["RT4A"]]
    )
    last_assessed_on: date | None = Field(
        description="Day of the last assessment in the window.", examples=["2026-08-05"]
    )
    explanation: list[str] = Field(
        description="The same in sentences.",
        examples=[["Assessments count from 2026-03-16 through 2026-07-29."]],
    )
    protocol_version: str = Field(description="Whose rule was used.", examples=["1.0"])

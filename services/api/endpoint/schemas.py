"""The endpoint as callers see it."""

from uuid import UUID

from pydantic import BaseModel, Field

from services.api.endpoint.rules import OutcomeStatus
from services.api.visits.schemas import DateRange


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

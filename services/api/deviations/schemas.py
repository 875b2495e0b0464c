"""Protocol deviations as callers see them."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.api.core.bodies import Body, Instant, LocalDate
from services.api.core.pagination import Page


class DeviationCode(StrEnum):
    """What kind of departure from the protocol it is."""

    LATE_RANDOMIZATION = "late_randomization"
    STRATUM_CHANGED = "stratum_changed"
    RANDOMIZATION_ERROR = "randomization_error"
    VISIT = "visit"
    TREATMENT = "treatment"
    CONSENT = "consent"
    OTHER = "other"


class DeviationCreate(Body):
    """A protocol deviation that a person reports."""

    code: Literal["visit", "treatment", "consent", "other"] = Field(examples=["visit"])
    description: Annotated[str, StringConstraints(min_length=3, max_length=2000)] = Field(
        examples=["Weekly grading skipped, clinic closed for the holiday"]
    )
    occurred_on: LocalDate = Field(examples=["2026-04-06"])


class DeviationRead(BaseModel):
    """A protocol deviation."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    code: DeviationCode
    description: str = Field(examples=["Weekly grading skipped, clinic closed for the holiday"])
    occurred_on: date
    source: Literal["person", "system"] = Field(description="`system`: noticed by the service.")
    recorded_at: Instant


class DeviationPage(Page[DeviationRead]):
    """Deviations of a subject, oldest first."""

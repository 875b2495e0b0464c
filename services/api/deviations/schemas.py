"""Protocol deviations as callers see them."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.api.core.bodies import Body, Instant, LocalDate
from services.api.core.pagination import Page, PageQuery
from services.api.enrolment.schemas import SiteCode


class DeviationCode(StrEnum):
    """What kind of departure from the protocol it is."""

    LATE_RANDOMIZATION = "late_randomization"
    STRATUM_CHANGED = "stratum_changed"
    RANDOMIZATION_ERROR = "randomization_error"
    FRACTION_BEFORE_RANDOMIZATION = "fraction_before_randomization"
    STUDY_DRUG_OVERDOSE = "study_drug_overdose"
    TREATMENT_OUTSIDE_PERIOD = "treatment_outside_period"
    VISIT = "visit"
    TREATMENT = "treatment"
    CONSENT = "consent"
    OTHER = "other"


class ReportableDeviation(StrEnum):
    """The kinds that a person reports; the others the service notices by itself."""

    VISIT = DeviationCode.VISIT.value
    TREATMENT = DeviationCode.TREATMENT.value
    CONSENT = DeviationCode.CONSENT.value
    OTHER = DeviationCode.OTHER.value


class DeviationSource(StrEnum):
    """Who noticed it: a person, or the service (`system`)."""

    PERSON = "person"
    SYSTEM = "system"


class DeviationCreate(Body):
    """A protocol deviation that a person reports."""

    code: ReportableDeviation = Field(
        examples=["visit"], description="What kind of departure it is."
    )
    description: Annotated[str, StringConstraints(min_length=3, max_length=2000)] = Field(
        examples=["Weekly grading skipped, clinic closed for the holiday"],
        description="What happened, in words, without a person's name.",
    )
    occurred_on: LocalDate = Field(examples=["2026-04-06"])


class DeviationRead(BaseModel):
    """A protocol deviation."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    subject_id: UUID = Field(examples=["019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"])
    site: str = Field(examples=["NN"])
    code: DeviationCode = Field(examples=["visit"], description="What kind of departure it is.")
    description: str = Field(
        examples=["Weekly grading skipped, clinic closed for the holiday"],
        description="What happened, in words.",
    )
    occurred_on: date = Field(examples=["2026-04-06"])
    source: DeviationSource = Field(
        examples=["person"], description="Whether a person reported it or the service noticed it."
    )
    recorded_at: Instant


class DeviationPage(Page[DeviationRead]):
    """Deviations in the order of their recording."""


class DeviationQuery(PageQuery):
    """Filters of the list of deviations."""

    site: SiteCode | None = Field(default=None, description="Only this site.", examples=["NN"])
    code: DeviationCode | None = Field(
        default=None, description="Only of this kind.", examples=["treatment_outside_period"]
    )
    source: DeviationSource | None = Field(
        default=None, description="Only reported by people, or only noticed by the service."
    )

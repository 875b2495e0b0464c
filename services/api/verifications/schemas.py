"""Source data verification as callers see it."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.api.core.bodies import Body, Instant, Omittable
from services.api.core.pagination import Page, PageQuery
from services.api.enrolment.schemas import SiteCode
from services.api.verifications.rules import VerificationState

NOTE = "Agrees with the grading sheet in the source file"


class VerificationCreate(Body):
    """A grading that was compared with its source and agrees with it."""

    version: int = Field(
        ge=1,
        le=1_000_000,
        description="The version compared: the grading's current one.",
        examples=[1],
    )
    note: Omittable[
        Annotated[str, StringConstraints(min_length=3, max_length=500, strip_whitespace=True)]
    ] = Field(default=None, description="What it was compared with.", examples=[NOTE])


class VerificationRead(BaseModel):
    """A monitor's statement that a version of a grading agrees with its source."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(examples=["019c8a54-0b7e-7d11-a3c4-1f2e3d4c5b6a"])
    grading_id: UUID = Field(
        description="The grading that was compared.",
        examples=["019c8a52-9a02-7f4b-8d3e-7c6b5a493827"],
    )
    version: int = Field(description="The version that was compared.", examples=[1])
    name: str = Field(description="Who compared it.", examples=["Qin Yuhan"])
    note: str | None = Field(description="What it was compared with.", examples=[NOTE])
    recorded_at: Instant = Field(examples=["2026-04-10T02:15:00Z"])


class VerificationPage(Page[VerificationRead]):
    """The verifications of a grading, oldest first."""


class GradingToVerify(BaseModel):
    """A grading on the monitor's work list: where it stands in source data verification."""

    model_config = ConfigDict(from_attributes=True)

    grading_id: UUID = Field(
        description="The grading to compare: read it at `/v1/gradings/{id}`.",
        examples=["019c8a52-9a02-7f4b-8d3e-7c6b5a493827"],
    )
    site: str = Field(examples=["NN"])
    subject_id: UUID = Field(examples=["019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"])
    visit: str = Field(description="The visit at which it was made.", examples=["RT1A"])
    current: int = Field(description="The grading's current version.", examples=[2])
    verified: int | None = Field(
        description="The last version that was compared; null where none was.", examples=[1]
    )
    state: VerificationState = Field(
        description="`verified` as it stands, `outdated` by a correction since, or `missing`.",
        examples=["outdated"],
    )


class GradingToVerifyPage(Page[GradingToVerify]):
    """Gradings in the order of their making, each with its state of verification."""


class WorkFilter(PageQuery):
    """Filters of the work list of source data verification."""

    site: SiteCode | None = Field(default=None, description="Only this site.", examples=["NN"])
    state: VerificationState | None = Field(
        default=None, description="Only this state.", examples=["missing"]
    )

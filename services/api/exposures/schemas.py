"""Exposures as callers see them."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field

from services.api.core.bodies import Body, Instant, LocalDate, Omittable, Patch, Reason
from services.api.core.pagination import Page
from services.api.exposures.rules import MOST_APPLICATIONS, ExposureFlag

ExposureId = Annotated[
    UUID,
    Path(
        description="The exposure's `id`; one of another site does not exist for you.",
        examples=["019c8a52-9c41-7e18-8d20-4b6f1a9e3c58"],
    ),
]
Applications = Annotated[
    int,
    Field(
        ge=0,
        le=MOST_APPLICATIONS,
        examples=[2],
        description="How often the study drug was applied that day. More than the protocol's"
        " number is stored and noted as a deviation.",
    ),
]
MISSED = "Slept through the midday dose"


class ExposureCreate(Body):
    """The study drug of one local day."""

    day: LocalDate = Field(examples=["2026-03-17"], description="The local day; it stays.")
    applications: Applications
    missed_reason: Reason | None = Field(
        default=None,
        examples=[MISSED],
        description="Why fewer were taken than the protocol asks for; then it is needed.",
    )


class ExposurePatch(Patch):
    """A correction of one day's study drug."""

    removable: ClassVar[frozenset[str]] = frozenset({"missed_reason"})

    applications: Omittable[Applications] = None
    missed_reason: Reason | None = Field(
        default=None, examples=[MISSED], description="Null when none was missed after all."
    )
    reason: Reason = Field(examples=["Vials counted again"])


class ExposureRead(BaseModel):
    """The study drug of one local day, in its current version."""

    id: UUID
    subject_id: UUID
    site: str = Field(examples=["NN"])
    day: date = Field(examples=["2026-03-17"])
    applications: int = Field(
        examples=[2], description="How often the study drug was applied that day."
    )
    missed_reason: str | None = Field(examples=[MISSED])
    volume_ml: float = Field(
        examples=[3.0], description="Applications times the protocol's dose, in millilitres."
    )
    flags: list[ExposureFlag] = Field(
        description="What departs from the protocol's treatment, by radiotherapy's dates of today,"
        " or was taken after the end of treatment, as it is recorded today."
    )
    protocol_version: str = Field(examples=["1.0"])
    reason: str | None = Field(examples=[None], description="Why it was changed last.")
    recorded_at: Instant
    version: int = Field(examples=[1])


class ExposurePage(Page[ExposureRead]):
    """The study drug of a subject, in the order of recording."""

"""Radiotherapy as callers see it."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.api.core.bodies import Body, ChangeReason, Instant, LocalDate

Dose = Annotated[float, Field(ge=0, le=200, description="Gy")]
Fractions = Annotated[int, Field(ge=0, le=100)]


class RadiotherapyPut(Body):
    """The whole plan and delivery as it is known now; what is left out is not known."""

    planned_dose_gy: Annotated[float, Field(ge=1, le=200, description="Gy", examples=[66])]
    planned_fractions: Annotated[int, Field(ge=1, le=100, examples=[33])]
    planned_start: LocalDate = Field(examples=["2026-03-16"])
    concurrent_chemotherapy: bool = Field(examples=[True], description="A stratification factor.")
    first_fraction_on: LocalDate | None = Field(default=None, examples=["2026-03-16"])
    last_fraction_on: LocalDate | None = None
    delivered_dose_gy: Dose | None = Field(default=None, examples=[66])
    delivered_fractions: Fractions | None = Field(default=None, examples=[33])
    reason: ChangeReason


class RadiotherapyRead(BaseModel):
    """Radiotherapy as planned and delivered; everything is null before it is recorded."""

    model_config = ConfigDict(from_attributes=True)

    planned_dose_gy: float | None = Field(default=None, examples=[66])
    planned_fractions: int | None = Field(default=None, examples=[33])
    planned_start: date | None = Field(default=None, examples=["2026-03-16"])
    concurrent_chemotherapy: bool | None = Field(default=None, examples=[True])
    first_fraction_on: date | None = None
    last_fraction_on: date | None = None
    delivered_dose_gy: float | None = Field(default=None, examples=[66])
    delivered_fractions: int | None = Field(default=None, examples=[33])
    protocol_version: str | None = Field(default=None, examples=["1.0"])
    reason: str | None = Field(default=None, examples=["First fraction delivered"])
    recorded_at: Instant | None = None
    version: int = Field(default=0, description="0 before anything is recorded.", examples=[1])

"""Certificates as callers see them."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.api.core.bodies import Body, Instant, LocalDate, Omittable, Patch, Reason
from services.api.core.pagination import Page, PageQuery

ID = "019c8a54-0a4e-7f61-8b3d-5c7e9f1a2b3c"
ASSESSOR = "019c8a50-22bb-7e4d-9f10-3c5d7e9f0a1b"
TRAINING = "Calibration course on oral mucositis, 20 photographs, kappa 0.84"

Training = Annotated[str, StringConstraints(min_length=3, max_length=500)]


class CertificateCreate(Body):
    """An assessor's training in grading oral mucositis."""

    assessor: UUID = Field(
        examples=[ASSESSOR], description="The `id` of the assessor's or investigator's account."
    )
    valid_from: LocalDate = Field(
        examples=["2026-01-12"], description="The first day on which gradings are covered."
    )
    valid_until: LocalDate = Field(
        examples=["2028-01-11"], description="The last day on which gradings are covered."
    )
    training: Training = Field(examples=[TRAINING], description="What was passed.")

    @model_validator(mode="after")
    def days_in_order(self) -> Self:
        """A certificate is valid for one day at least."""
        if self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from")
        return self


class CertificatePatch(Patch):
    """A correction, or an early end."""

    valid_from: Omittable[LocalDate] = Field(
        default=None, examples=["2026-01-12"], description="The first day, corrected."
    )
    valid_until: Omittable[LocalDate] = Field(
        default=None, examples=["2026-09-30"], description="The last day; an earlier one revokes."
    )
    training: Omittable[Training] = Field(
        default=None, examples=[TRAINING], description="What was passed, corrected."
    )
    reason: Reason = Field(
        examples=["Missed the yearly calibration"], description="Why the certificate changes."
    )


class CertificateRead(BaseModel):
    """A certificate in one version."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(examples=[ID])
    assessor: UUID = Field(examples=[ASSESSOR], description="The account that it certifies.")
    valid_from: date = Field(examples=["2026-01-12"], description="The first day it covers.")
    valid_until: date = Field(examples=["2028-01-11"], description="The last day it covers.")
    training: str = Field(examples=[TRAINING], description="What was passed.")
    reason: str | None = Field(
        examples=["Missed the yearly calibration"], description="Why it was changed last."
    )
    recorded_by: UUID = Field(
        examples=["019c8a50-33cc-7f5e-8a21-4d6e8f0a1b2c"], description="Who recorded this version."
    )
    recorded_at: Instant = Field(
        examples=["2026-01-12T08:10:00Z"], description="When this version was recorded."
    )
    version: int = Field(examples=[1], description="Counts the changes, from 1.")


class CertificatePage(Page[CertificateRead]):
    """Certificates in the order in which they were first recorded."""


class CertificateQuery(PageQuery):
    """Filters of the list of certificates."""

    assessor: UUID | None = Field(
        default=None, description="Only this account's.", examples=[ASSESSOR]
    )


CertificateId = Annotated[
    UUID, Path(description="The certificate's `id`, as the list gives it.", examples=[ID])
]

"""Radiotherapy as planned and delivered."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.api.core.records import Versioned, of_subject, version_checks


class Radiotherapy(Versioned, table=True):
    """The plan, and what was delivered of it; doses in Gy."""

    __tablename__ = "radiotherapy"
    __table_args__ = (
        of_subject(),
        *version_checks("radiotherapy"),
        CheckConstraint("planned_dose_gy BETWEEN 1 AND 200", name="radiotherapy_dose_plausible"),
        CheckConstraint("planned_fractions BETWEEN 1 AND 100", name="radiotherapy_fractions"),
        CheckConstraint(
            "delivered_dose_gy IS NULL OR delivered_dose_gy BETWEEN 0 AND 200",
            name="radiotherapy_delivered_plausible",
        ),
        CheckConstraint(
            "delivered_fractions IS NULL OR delivered_fractions BETWEEN 0 AND 100",
            name="radiotherapy_delivered_fractions",
        ),
        CheckConstraint(
            "last_fraction_on IS NULL OR last_fraction_on >= first_fraction_on",
            name="radiotherapy_first_before_last",
        ),
        CheckConstraint(
            "last_fraction_on IS NULL OR first_fraction_on IS NOT NULL",
            name="radiotherapy_last_needs_first",
        ),
    )

    subject_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    planned_dose_gy: float
    planned_fractions: int
    planned_start: date
    concurrent_chemotherapy: bool
    first_fraction_on: date | None = None
    last_fraction_on: date | None = None
    delivered_dose_gy: float | None = None
    delivered_fractions: int | None = None
    stratification: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True))
    )
    # Null in versions recorded before interruptions were; a list in all others.
    interruptions: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)

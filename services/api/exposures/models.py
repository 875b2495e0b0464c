"""Study drug taken, day by day."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field

from services.api.core.records import Versioned, of_subject, version_checks
from services.api.exposures.rules import MOST_APPLICATIONS


class Exposure(Versioned, table=True):
    """One version of the study drug that a subject took on one local day."""

    __tablename__ = "exposure"
    __table_args__ = (
        of_subject(),
        *version_checks("exposure"),
        ForeignKeyConstraint(
            ["subject_id"], ["allocation.subject_id"], name="exposure_of_allocation"
        ),
        CheckConstraint(
            f"applications BETWEEN 0 AND {MOST_APPLICATIONS}", name="exposure_applications_known"
        ),
        # Every version of a record has its day, so the version tells one record from another.
        UniqueConstraint("subject_id", "day", "version", name="exposure_once_a_day"),
    )

    id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    day: date
    applications: int
    missed_reason: str | None = None

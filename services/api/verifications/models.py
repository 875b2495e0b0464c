"""Gradings compared with their source."""

from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field

from services.api.core.making import new_id
from services.api.core.records import OfSubject, of_subject


class Verification(OfSubject, table=True):
    """A monitor's statement that one version of a grading agrees with its source.

    It holds for that version only: a correction leaves it behind.
    """

    __tablename__ = "grading_verification"
    __table_args__ = (
        of_subject(),
        ForeignKeyConstraint(
            ["site", "subject_id", "grading_id", "version"],
            ["grading.site", "grading.subject_id", "grading.id", "grading.version"],
            name="grading_verification_of_version",
        ),
        UniqueConstraint("grading_id", "version", name="grading_verified_once"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    grading_id: UUID
    version: int
    name: str
    note: str | None = None

"""Adjudications of visits whose gradings differ, each a chain of versions."""

from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from services.api.core.records import Versioned, of_subject, version_checks


class Adjudication(Versioned, table=True):
    """One version of an adjudication: opened by the service, then decided, then corrected.

    The first version has no grade. `recorded_by` is whose grading made the
    gradings differ, and from the second version on the adjudicator.
    """

    __tablename__ = "adjudication"
    __table_args__ = (
        of_subject(),
        *version_checks("adjudication"),
        CheckConstraint("grade BETWEEN 0 AND 4", name="adjudication_grade_known"),
        CheckConstraint(
            "(version = 1) = (grade IS NULL)", name="adjudication_decided_from_version_two"
        ),
        Index("adjudication_subject_index", "site", "subject_id"),
        Index(
            "adjudication_once_per_visit",
            "subject_id",
            "visit",
            unique=True,
            postgresql_where=text("version = 1"),
        ),
    )

    id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    visit: str
    grade: int | None = None

"""Recorded visits, each a chain of versions."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from services.api.core.records import Versioned, of_subject, version_checks


class Visit(Versioned, table=True):
    """One version of what happened at a visit: its local date, or why it was missed."""

    __tablename__ = "visit"
    __table_args__ = (
        of_subject(),
        *version_checks("visit"),
        CheckConstraint(
            "(visited_on IS NULL) <> (missed_reason IS NULL)", name="visit_done_or_missed"
        ),
    )

    subject_id: UUID = Field(primary_key=True)
    code: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    visited_on: date | None = None
    missed_reason: str | None = None

"""Recorded visits, each a chain of versions."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

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


class OverdueSearch(SQLModel, table=True):
    """How far the search for overdue visits has come: one row.

    Every subject is looked at once a local day, in the order of their ids;
    `after` is the last one on `day`, null when it has looked at all.
    """

    __tablename__ = "overdue_search"
    __table_args__ = (CheckConstraint("id = 1", name="overdue_search_single"),)

    id: int = Field(default=1, primary_key=True)
    day: date
    after: UUID | None = None

"""Freezing and locking: each change of state is a version, and the last one counts.

PostgreSQL itself refuses writes to a frozen or locked record: the trigger
`refuse_locked` of every clinical table reads these two tables.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from services.api.core.making import recorded_now
from services.api.core.records import OfSubject, of_subject
from services.api.locks.rules import LockState

_STATES = ", ".join(repr(state.value) for state in LockState)


def _checks(table: str) -> tuple[CheckConstraint, ...]:
    return (
        CheckConstraint(f"state IN ({_STATES})", name=f"{table}_state_known"),
        CheckConstraint("version >= 1", name=f"{table}_version_from_one"),
    )


class SubjectLock(OfSubject, table=True):
    """One change of what may be written about a subject; without any, the record is open."""

    __tablename__ = "subject_lock"
    __table_args__ = (of_subject(), *_checks("subject_lock"))

    subject_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    state: str
    reason: str
    name: str


class StudyLock(SQLModel, table=True):
    """One change of what may be written about any subject; without any, the trial is open."""

    __tablename__ = "study_lock"
    __table_args__ = _checks("study_lock")

    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    state: str
    reason: str
    name: str
    recorded_by: UUID
    recorded_at: datetime = Field(default_factory=recorded_now)

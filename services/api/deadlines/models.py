"""Deadlines of safety reporting, what was sent to meet them, and the reminders given."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

from services.api.core.making import new_id
from services.api.core.records import OfSubject, Versioned, of_subject, version_checks
from services.api.deadlines.cases import LapseCause
from services.api.deadlines.rules import Reminder, SubmissionKind
from services.api.protocol.safety import Recipient

OPEN = "met_by IS NULL AND lapsed_at IS NULL"


def _one_of(column: str, values: type[StrEnum] | tuple[str, ...]) -> str:
    """A CHECK expression: the column holds one of the values."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


def _of_version() -> ForeignKeyConstraint:
    """The key that ties a row to a version of an adverse event of its subject."""
    columns = ["site", "subject_id", "event_id", "event_version"]
    event = ["site", "subject_id", "id", "version"]
    return ForeignKeyConstraint(columns, [f"adverse_event.{column}" for column in event])


class SafetyDeadline(OfSubject, table=True):
    """One version of one report owed: derived from the case, and kept as it was derived.

    The case, the clock, the recipient, whether it is the follow-up, and how
    often the clock was started tell one deadline from another.
    """

    __tablename__ = "safety_deadline"
    __table_args__ = (
        of_subject(),
        _of_version(),
        CheckConstraint("version >= 1", name="safety_deadline_version_from_one"),
        CheckConstraint("opening >= 1", name="safety_deadline_opening_from_one"),
        CheckConstraint(_one_of("recipient", Recipient), name="safety_deadline_recipient_known"),
        CheckConstraint(
            "(met_by IS NULL) = (met_at IS NULL)", name="safety_deadline_met_by_a_submission"
        ),
        CheckConstraint(
            "(lapsed_at IS NULL) = (lapsed_because IS NULL)",
            name="safety_deadline_lapsed_for_cause",
        ),
        CheckConstraint(
            _one_of("lapsed_because", LapseCause), name="safety_deadline_lapsed_because_known"
        ),
        CheckConstraint(
            "met_by IS NULL OR lapsed_at IS NULL", name="safety_deadline_met_or_lapsed"
        ),
        UniqueConstraint(
            "case_id",
            "clock",
            "recipient",
            "follow_up",
            "opening",
            "version",
            name="safety_deadline_once",
        ),
        UniqueConstraint("site", "subject_id", "id", "version"),
        Index("safety_deadline_subject_index", "site", "subject_id"),
        Index("safety_deadline_open_index", "clock", "due_at", postgresql_where=OPEN),
    )

    id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    protocol_version: str = Field(foreign_key="protocol_version.version")
    case_id: UUID
    clock: str
    recipient: str
    follow_up: bool
    opening: int
    event_id: UUID
    event_version: int
    day_zero: datetime
    due_at: datetime
    due_on: date | None = None
    provisional: bool
    met_by: UUID | None = None
    met_at: datetime | None = None
    lapsed_at: datetime | None = None
    lapsed_because: str | None = None


class SafetySubmission(Versioned, table=True):
    """One version of the record that a case was reported to somebody.

    `event_version` is what was told, `receipt` how it was acknowledged. One
    that was recorded in error is `withdrawn`, and meets nothing any more.
    """

    __tablename__ = "safety_submission"
    __table_args__ = (
        of_subject(),
        _of_version(),
        *version_checks("safety_submission"),
        CheckConstraint(_one_of("recipient", Recipient), name="safety_submission_recipient_known"),
        CheckConstraint(_one_of("kind", SubmissionKind), name="safety_submission_kind_known"),
        Index("safety_submission_case_index", "case_id", "id"),
        Index("safety_submission_subject_index", "site", "subject_id"),
    )

    id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    case_id: UUID
    event_id: UUID
    event_version: int
    recipient: str
    kind: str
    submitted_at: datetime
    receipt: str | None = None
    withdrawn: bool = False


class SafetyReminder(OfSubject, table=True):
    """A reminder that was given: of one deadline as it was due then, once for each lead."""

    __tablename__ = "safety_reminder"
    __table_args__ = (
        of_subject(),
        ForeignKeyConstraint(
            ["site", "subject_id", "deadline_id", "deadline_version"],
            [f"safety_deadline.{column}" for column in ("site", "subject_id", "id", "version")],
            name="safety_reminder_of_deadline",
        ),
        CheckConstraint(_one_of("kind", Reminder), name="safety_reminder_kind_known"),
        CheckConstraint(
            "(kind = 'near') = (lead_hours > 0) AND lead_hours >= 0",
            name="safety_reminder_lead_of_near",
        ),
        UniqueConstraint(
            "deadline_id", "due_at", "kind", "lead_hours", name="safety_reminder_once"
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    deadline_id: UUID
    deadline_version: int
    kind: str
    lead_hours: int
    due_at: datetime
    reminded_at: datetime

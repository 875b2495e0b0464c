"""Subjects, their consents, eligibility, radiotherapy and protocol deviations."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from services.api.core.making import new_id, recorded_now
from services.api.core.records import OfSubject, of_subject
from services.api.enrolment.rules import LEFT, SubjectStatus


def one_of(column: str, values: list[str]) -> str:
    """A CHECK expression: the column holds one of the values."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Subject(SQLModel, table=True):
    """A trial participant: a number and a year of birth, nothing that names a person."""

    __tablename__ = "subject"
    __table_args__ = (
        UniqueConstraint("site", "id"),
        UniqueConstraint("site", "number"),
        CheckConstraint("sex IN ('female', 'male')", name="subject_sex_known"),
        CheckConstraint("year_of_birth BETWEEN 1900 AND 2199", name="subject_born_plausibly"),
        CheckConstraint(
            one_of("status", [status.value for status in SubjectStatus]),
            name="subject_status_known",
        ),
        CheckConstraint(
            f"left_on IS NULL OR {one_of('status', sorted(LEFT))}",
            name="subject_left_on_a_day",
        ),
        CheckConstraint(
            f"died_on IS NULL OR status = '{SubjectStatus.DIED.value}'",
            name="subject_died_on_a_day",
        ),
        CheckConstraint("number ~ ('^' || site || '-[0-9]{4}$')", name="subject_number_of_site"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    site: str = Field(foreign_key="site.code")
    number: str
    year_of_birth: int
    sex: str
    status: str = SubjectStatus.SCREENING.value
    left_on: date | None = None
    died_on: date | None = None
    protocol_version: str = Field(foreign_key="protocol_version.version")
    version: int = 1
    recorded_by: UUID
    created_at: datetime
    recorded_at: datetime = Field(default_factory=recorded_now)


class PersonDigest(SQLModel, table=True):
    """Keyed digests of national identifiers across the trial; the app may add, never read."""

    __tablename__ = "person_digest"

    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)


class Consent(OfSubject, table=True):
    """A signed informed consent; `version` names the approved consent form."""

    __tablename__ = "consent"
    __table_args__ = (
        of_subject(),
        UniqueConstraint("subject_id", "version", name="consent_once_per_version"),
        UniqueConstraint("site", "subject_id", "id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: str
    signed_on: date


class ConsentWithdrawal(OfSubject, table=True):
    """The end of a consent; what was recorded before stays."""

    __tablename__ = "consent_withdrawal"
    __table_args__ = (
        of_subject(),
        ForeignKeyConstraint(
            ["site", "subject_id", "consent_id"],
            ["consent.site", "consent.subject_id", "consent.id"],
        ),
    )

    consent_id: UUID = Field(primary_key=True)
    withdrawn_on: date
    reason: str

"""Certificates of assessors' training, each a chain of versions."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from services.api.core.making import recorded_now
from services.api.core.records import version_checks


class Certificate(SQLModel, table=True):
    """One version of a certificate: who was trained in grading, and the days it is valid for.

    `assessor` is an account and stays the same in every version; both days are
    included. A certificate is no site's: its assessor may work at several.
    """

    __tablename__ = "certificate"
    __table_args__ = (
        *version_checks("certificate"),
        CheckConstraint("valid_from <= valid_until", name="certificate_days_in_order"),
        Index("certificate_assessor_index", "assessor"),
    )

    id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    assessor: UUID = Field(foreign_key="account.id")
    valid_from: date
    valid_until: date
    training: str
    reason: str | None = None
    recorded_by: UUID
    recorded_at: datetime = Field(default_factory=recorded_now)

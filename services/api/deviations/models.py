"""Departures from the protocol."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from services.api.core.making import new_id
from services.api.core.records import OfSubject, of_subject


class Deviation(OfSubject, table=True):
    """A departure from the protocol, reported by a person or noticed by the service."""

    __tablename__ = "deviation"
    __table_args__ = (
        of_subject(),
        CheckConstraint("source IN ('person', 'system')", name="deviation_source_known"),
        Index("deviation_site_index", "site", "id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    code: str
    description: str
    occurred_on: date
    source: str

"""Versions of the reference safety information."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from services.api.core.making import new_id, recorded_now


class ReferenceDocument(SQLModel, table=True):
    """Which serious reactions are expected from its day on, and up to which grade; of no site.

    `expected` is a list of `term` and `max_grade`; the terms are those of
    `dictionary_version`. A document never changes: the next version replaces it.
    """

    __tablename__ = "reference_document"
    __table_args__ = (
        UniqueConstraint("version"),
        CheckConstraint(
            "jsonb_typeof(expected) = 'array'", name="reference_document_expects_a_list"
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: str
    title: str
    effective_on: date
    dictionary_version: str
    expected: list[dict[str, Any]] = Field(sa_type=JSONB)
    recorded_by: UUID
    recorded_at: datetime = Field(default_factory=recorded_now)

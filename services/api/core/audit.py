"""The audit trail: one row per change, written by triggers in the change's own transaction.

The app role can neither write, change nor remove a row; the triggers run as
the owner. Source: ICH E6(R3) 4.2.2; 21 CFR 11.10(e).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's xid8: the transaction that wrote the row."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The column's type in DDL."""
        return "xid8"


ischema_names["xid8"] = TransactionId


class AuditEvent(SQLModel, table=True):
    """Who changed which row when, from what to what, and why."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("audit_event_subject_index", "site", "subject_id", "id"),)

    id: int | None = Field(
        default=None, primary_key=True, sa_type=BigInteger, sa_column_args=(Identity(always=True),)
    )
    at: datetime
    site: str | None
    subject_id: UUID | None
    record: str
    record_id: str
    operation: str
    old: dict[str, Any] | None = Field(sa_type=JSONB)
    new: dict[str, Any] | None = Field(sa_type=JSONB)
    actor: str | None
    role: str | None
    request_id: str | None
    reason: str | None
    transaction: int = Field(sa_type=TransactionId)

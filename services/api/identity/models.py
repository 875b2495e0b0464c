"""Accounts: people and the machine clients of hospital systems."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, String
from sqlmodel import Field, SQLModel

from services.api.core.db import new_id


class Account(SQLModel, table=True):
    """Who may sign in: a person by password, a client by secret; never deleted."""

    __tablename__ = "account"
    __table_args__ = (CheckConstraint("kind IN ('user', 'client')", name="account_kind_known"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str
    username: str = Field(unique=True)
    name: str
    role: str
    sites: list[str] = Field(sa_type=ARRAY(String))
    secret_hash: str
    active: bool = True
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

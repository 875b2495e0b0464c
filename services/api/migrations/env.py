"""Runs the revisions: one transaction each, on the connection that `migrate.py` hands over."""

from typing import Any

from alembic import context
from sqlalchemy import String
from sqlalchemy.types import TypeEngine
from sqlmodel import AutoString

from services.api.models import metadata


def differs(
    _: object, __: object, ___: object, inspected: TypeEngine[Any], declared: TypeEngine[Any]
) -> bool | None:
    """Whether a column's type drifted; text and varchar are the same to PostgreSQL and to us."""
    texts = isinstance(inspected, String) and isinstance(declared, String | AutoString)
    return False if texts else None


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transaction_per_migration=True,
    compare_type=differs,
)
with context.begin_transaction():
    context.run_migrations()

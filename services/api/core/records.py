"""What clinical records share: their site, their subject, and versions instead of changes.

A correction never changes a row: it is the next version of the record, with
its author and reason, and the highest version counts (ICH E6(R3) 4.2.2).
"""

from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Select, bindparam
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, SQLModel, col, select

from services.api.core.auth import Caller
from services.api.core.db import because
from services.api.core.errors import Invalid
from services.api.core.making import recorded_now

Query = TypeVar("Query", bound=Select[Any])


def of_subject() -> ForeignKeyConstraint:
    """The composite key that keeps a child at its subject's site."""
    return ForeignKeyConstraint(["site", "subject_id"], ["subject.site", "subject.id"])


class OfSubject(SQLModel):
    """A row about one subject."""

    site: str
    subject_id: UUID
    recorded_by: UUID
    recorded_at: datetime = Field(default_factory=recorded_now)


class Versioned(OfSubject):
    """One version of a record about a subject; `reason` says why from the second version on."""

    version: int
    reason: str | None = None
    protocol_version: str = Field(foreign_key="protocol_version.version")


def version_checks(table: str) -> tuple[CheckConstraint, ...]:
    """The constraints of a versioned table."""
    return (
        CheckConstraint("version >= 1", name=f"{table}_version_from_one"),
        CheckConstraint("version = 1 OR reason IS NOT NULL", name=f"{table}_change_has_reason"),
    )


def latest(session: Session, model: Any, **key: Any) -> Any:
    """The current version of one record, or None."""
    return session.execute(_latest(model, *key), key).scalars().first()


@cache
def _latest(model: Any, *names: str) -> Select[Any]:
    """The query, built once: building costs more than asking."""
    query = select(model).where(*(getattr(model, name) == bindparam(name) for name in names))
    return query.order_by(col(model.version).desc()).limit(1)


def current(model: type[Any]) -> Any:
    """A query of the current versions only, for tables keyed by (id, version)."""
    newer = aliased(model)
    superseded = (
        select(newer.id).where(newer.id == model.id, newer.version == model.version + 1).exists()
    )
    return select(model).where(~superseded)


def last_of_each(query: Query, record: Any, *key: str) -> Query:
    """The query, of whose rows only the last version of each record is left.

    `record` is the model or the table's columns; `key` names, of them, those that name a record.
    For what is read of many records at once: one sort, by the key of the table where `key` is its
    beginning. What every version shares may be asked for beforehand; anything else would find the
    last version of those that have it.
    """
    columns = [getattr(record, name) for name in key]
    return query.ext(distinct_on(*columns)).order_by(*columns, record.version.desc())


def change(session: Session, caller: Caller, row: Any) -> None:
    """Store a record's first or next version, and give the audit trail its reason.

    Raises:
        Invalid: a change without a reason.
    """
    if row.version > 1 and not row.reason:
        raise Invalid.at(
            "/reason", "missing", "Say in 3 to 500 characters why the recorded data changes"
        )
    row.recorded_by = caller.id
    because(session, row.reason)
    session.add(row)
    session.flush()

"""Keyset pagination: constant cost at any depth, stable under inserts.

Rows come in the order of their UUIDv7, which is the order of their making; the
cursor is the last id of the page before.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col
from sqlmodel.sql.expression import SelectOfScalar

from services.api.core.errors import BadCursor

Item = TypeVar("Item")
Row = TypeVar("Row")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(
        description="Give it back as `cursor` for the next page; null on the last one.",
        examples=["AZq_AMDecACAAAAAAAAAAA"],
    )


class PageQuery(BaseModel):
    """`limit` and `cursor`; a list with filters extends it. Unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=50, ge=1, le=200, description="Rows on a page.")
    cursor: str | None = Field(
        default=None, max_length=64, description="`next_cursor` of the page before."
    )


PageDep = Annotated[PageQuery, Query()]


def encode(last: UUID) -> str:
    """The opaque cursor after a row."""
    return base64.urlsafe_b64encode(last.bytes).rstrip(b"=").decode()


def decode(cursor: str) -> UUID:
    """The row after which to go on.

    Raises:
        BadCursor: it is not one of ours.
    """
    try:
        last = UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise BadCursor from None
    if encode(last) != cursor:
        raise BadCursor
    return last


def page(
    session: Session,
    query: SelectOfScalar[Row],
    key: Any,
    asked: PageQuery,
) -> tuple[Sequence[Row], str | None]:
    """The rows of one page in the order of `key`, and the cursor of the next."""
    if asked.cursor is not None:
        query = query.where(col(key) > decode(asked.cursor))
    rows = session.exec(query.order_by(col(key)).limit(asked.limit + 1)).all()
    if len(rows) <= asked.limit:
        return rows, None
    shown = rows[: asked.limit]
    return shown, encode(getattr(shown[-1], key.key))


def read(rows: Sequence[Row], into: Callable[[Row], Item]) -> list[Item]:
    """The rows as the items of an answer."""
    return [into(row) for row in rows]

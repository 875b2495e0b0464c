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
from sqlalchemy import Select
from sqlmodel import Session, col
from sqlmodel.sql.expression import SelectOfScalar

from services.api.core.errors import BadCursor

Item = TypeVar("Item")


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


def page(
    session: Session, query: Select[Any] | SelectOfScalar[Any], key: Any, asked: PageQuery
) -> tuple[Sequence[Any], str | None]:
    """The rows of one page in the order of `key`, a UUID column, and the cursor of the next.

    Raises:
        BadCursor: it is not one of ours.
    """
    if asked.cursor is not None:
        query = query.where(col(key) > last_id(asked.cursor))
    statement: Any = query.order_by(col(key)).limit(asked.limit + 1)
    rows = session.exec(statement).all()
    shown = rows[: asked.limit]
    more = len(rows) > asked.limit
    return shown, encode(getattr(shown[-1], key.key).bytes) if more else None


def part(
    items: Sequence[Item], key: Callable[[Item], object], asked: PageQuery
) -> tuple[Sequence[Item], str | None]:
    """One page of a short list that is derived whole, by the key that names each item.

    Raises:
        BadCursor: it names none of the items.
    """
    keys = [str(key(item)).encode() for item in items]
    begin = 0
    if asked.cursor is not None:
        last = decode(asked.cursor)
        if last not in keys:
            raise BadCursor
        begin = keys.index(last) + 1
    end = begin + asked.limit
    return items[begin:end], encode(keys[end - 1]) if end < len(items) else None


def last_id(cursor: str) -> UUID:
    """The row after which to go on.

    Raises:
        BadCursor: it is not one of ours.
    """
    try:
        return UUID(bytes=decode(cursor))
    except ValueError:
        raise BadCursor from None


def encode(last: bytes) -> str:
    """The opaque cursor after a row."""
    return base64.urlsafe_b64encode(last).rstrip(b"=").decode()


def decode(cursor: str) -> bytes:
    """What a cursor of ours holds.

    Raises:
        BadCursor: it is not one of ours.
    """
    try:
        last = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise BadCursor from None
    if encode(last) != cursor:
        raise BadCursor
    return last

"""Keyset pagination: constant cost at any depth, stable under inserts.

Rows come in the order of their UUIDv7 or their number, which is the order of
their making; the cursor is the last id of the page before.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Integer, Select
from sqlmodel import Session, col
from sqlmodel.sql.expression import SelectOfScalar

from services.api.core.errors import BadCursor

Item = TypeVar("Item")
NUMBER_BYTES = 8
"""Of PostgreSQL's bigint."""


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
    """The rows of one page in the order of `key`, and the cursor of the next page.

    `key` is a column of UUIDs or of numbers, by whose name each row has it.

    Raises:
        BadCursor: it is not one of ours.
    """
    if asked.cursor is not None:
        read = last_number if isinstance(key.type, Integer) else last_id
        query = query.where(col(key) > read(asked.cursor))
    statement: Any = query.order_by(col(key)).limit(asked.limit + 1)
    rows = session.exec(statement).all()
    shown = rows[: asked.limit]
    more = len(rows) > asked.limit
    return shown, cursor_after(getattr(shown[-1], key.key)) if more else None


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
    """The row after which to go on, where rows are named by a UUID.

    Raises:
        BadCursor: it is not one of ours.
    """
    try:
        return UUID(bytes=decode(cursor))
    except ValueError:
        raise BadCursor from None


def last_number(cursor: str) -> int:
    """The row after which to go on, where rows are numbered.

    Raises:
        BadCursor: it is not one of ours.
    """
    last = decode(cursor)
    if len(last) != NUMBER_BYTES:
        raise BadCursor
    return int.from_bytes(last, signed=True)


def cursor_after(last: UUID | int) -> str:
    """The cursor that goes on after a row with that key."""
    return encode(
        last.bytes if isinstance(last, UUID) else last.to_bytes(NUMBER_BYTES, signed=True)
    )


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

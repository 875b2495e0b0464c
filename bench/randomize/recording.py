"""What the service says to PostgreSQL during one request, and what it is told."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg import Binary
from sqlalchemy import Connection, Engine, event

PLACEHOLDER = re.compile(r"%\((\w+)\)s|%s|%%")
LITERAL = re.compile(r"'((?:[^']|'')*)'")
BEGIN = "BEGIN"


class NotRecordable(Exception):
    """The service speaks to PostgreSQL in a way that the recorder does not know."""


class Moment(str):
    """A time of this allocation, as text; nobody can know it before."""

    __slots__ = ()


Value = str | None
"""As PostgreSQL writes it; None is NULL."""


@dataclass(frozen=True)
class Statement:
    """A statement in pieces, the values that stand between them, and the row that came back."""

    pieces: tuple[str, ...]
    names: tuple[str, ...]
    values: tuple[Value, ...]
    row: Mapping[str, Value]
    """Empty, unless exactly one row came back."""

    @classmethod
    def of(cls, text: str, given: Any, cursor: Any) -> "Statement":
        """What a cursor was given, and what it holds now.

        A BEGIN brings the caller's context in its text: its literals are the values.
        """
        pieces, named = _begin(text) if text.startswith(BEGIN) else _parametrized(text, given)
        names, values = zip(*named, strict=True) if named else ((), ())
        return cls(tuple(pieces), names, values, _only_row(cursor.pgresult))


@dataclass(frozen=True)
class Recorded:
    """One request's statements, and what else was known of it: sent, or answered."""

    known: Mapping[str, str]
    statements: tuple[Statement, ...]


@contextmanager
def recording(engine: Engine) -> Iterator[list[Statement]]:
    """A list that fills with the statements of an engine, COMMIT among them.

    Raises:
        NotRecordable: a statement was sent for many rows at once.
    """
    heard: list[Statement] = []

    def hear(_: Connection, cursor: Any, text: str, given: Any, __: Any, many: bool) -> None:
        if many:
            raise NotRecordable(f"sent for many rows at once: {text}")
        heard.append(Statement.of(text, given, cursor))

    def end(_: Connection) -> None:
        heard.append(Statement(("COMMIT",), (), (), {}))

    listeners: dict[str, Callable[..., None]] = {"after_cursor_execute": hear, "commit": end}
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    try:
        yield heard
    finally:
        for name, listener in listeners.items():
            event.remove(engine, name, listener)


def _begin(text: str) -> tuple[list[str], list[tuple[str, Value]]]:
    parts = LITERAL.split(text)
    return parts[::2], [("literal", one.replace("''", "'")) for one in parts[1::2]]


def _parametrized(text: str, given: Any) -> tuple[list[str], list[tuple[str, Value]]]:
    pieces, named, end = [""], list[tuple[str, Value]](), 0
    for mark in PLACEHOLDER.finditer(text):
        pieces[-1] += text[end : mark.start()]
        end = mark.end()
        if mark.group() == "%%":
            pieces[-1] += "%"
        else:
            name = mark.group(1)
            named.append((name or "", _as_text(given[name or len(named)])))
            pieces.append("")
    pieces[-1] += text[end:]
    return pieces, named


def _as_text(value: Any) -> Value:
    """A parameter as PostgreSQL writes its value."""
    match value:
        case None:
            return None
        case bool():
            return "t" if value else "f"
        case bytes():
            return rf"\x{value.hex()}"
        case list():
            return "{" + ",".join(str(_as_text(one)) for one in value) + "}"
        case Binary():
            return _as_text(value.obj)
        case datetime():
            return Moment(value.isoformat())
        case str() | int() | float() | date() | UUID():
            return str(value)
        case _:
            raise NotRecordable(f"a parameter of type {type(value).__name__}")


def _only_row(result: Any) -> dict[str, Value]:
    if result is None or result.ntuples != 1:
        return {}
    return {
        result.fname(column).decode(): _decoded(result.get_value(0, column))
        for column in range(result.nfields)
    }


def _decoded(value: bytes | None) -> Value:
    return None if value is None else value.decode()

"""What a file of the CSV export is made of: its columns, and how a value stands in a cell."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from services.api.exports.extract import Extract, Part, SubjectRecord


class Kind(StrEnum):
    """How the values of a column are written."""

    ID = "id"
    CODE = "code"
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    JSON = "json"


class Line(NamedTuple):
    """What a line is read from: the trial, the subject's record, and one thing in it."""

    extract: Extract
    record: SubjectRecord
    row: Any


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what it is called, how it is written, what it means, and where it comes from.

    `source` is the column of the database it is read from, or how it follows
    from others; `codes` names the list of its values.
    """

    name: str
    kind: Kind
    label: str
    source: str
    read: Callable[[Line], object]
    unit: str | None = None
    codes: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file: a line for each thing of its kind, in the order of the subjects' numbers."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    rows: Callable[[Extract, SubjectRecord], Iterable[Any]]
    parts: tuple[Part, ...] = field(default=())


def stored(
    table: str,
    name: str,
    kind: Kind,
    label: str,
    *,
    called: str | None = None,
    unit: str | None = None,
    codes: str | None = None,
) -> Column:
    """A column of the row as it is stored, under its own name or the one it is `called`."""

    def read(line: Line) -> object:
        return getattr(line.row, name)

    return Column(called or name, kind, label, f"{table}.{name}", read, unit, codes)


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
"""How a text begins that a spreadsheet takes for a formula (OWASP, CSV injection), or that an
apostrophe was put before: so that taking one away gives every text back."""


def cell(kind: Kind, value: object) -> str:
    """A value as the text of a cell; an empty cell is no value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if kind is Kind.JSON:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if isinstance(value, list | tuple | frozenset):
        return ";".join(sorted(map(str, value)))
    text = str(value)
    return f"'{text}" if kind is Kind.TEXT and text.startswith(_FORMULA) else text

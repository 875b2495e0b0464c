"""Columns that many files have, and the plain kind of file."""

from typing import Any

from services.api.exports.csv.column import Column, File, Kind, Line, stored
from services.api.exports.extract import Part

OF_SUBJECT = (
    Column(
        "subject", Kind.ID, "Subject number", "subject.number", lambda x: x.record.subject.number
    ),
    Column(
        "site", Kind.CODE, "Site", "subject.site", lambda x: x.record.subject.site, codes="Site"
    ),
)
"""What every line about a subject begins with."""


def id_of(table: str, called: str, label: str, name: str = "id") -> Column:
    """A record's id, under the name that tells whose it is."""
    return stored(table, name, Kind.ID, label, called=called)


def _role(line: Line) -> object:
    user = line.extract.users.get(line.row.recorded_by)
    return None if user is None else user.role


def made(table: str) -> tuple[Column, ...]:
    """Who recorded a row and when, in real time."""
    return (
        stored(table, "recorded_at", Kind.DATETIME, "Recorded at"),
        stored(table, "recorded_by", Kind.ID, "Account that recorded it"),
        Column(
            "recorded_by_role",
            Kind.CODE,
            "Role of that account now",
            "account.role; empty for the service itself",
            _role,
            codes="Role",
        ),
    )


def versioned(table: str) -> tuple[Column, ...]:
    """The version of a record, why it was made, and by whom."""
    return (
        stored(table, "version", Kind.INTEGER, "Version; earlier ones are in superseded"),
        stored(table, "reason", Kind.TEXT, "Why this version was made"),
        stored(table, "protocol_version", Kind.TEXT, "Protocol version"),
        *made(table),
    )


def current(part: Part) -> Any:
    """Reads the current version of each record of a part."""
    return lambda _, record: record.current(part)


def file_of(part: Part, name: str, meaning: str, *columns: Column) -> File:
    """A file with a line for each record of a part."""
    return File(name, meaning, (*OF_SUBJECT, *columns), current(part), (part,))

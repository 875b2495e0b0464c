"""What was recorded before it was corrected."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from services.api.exports.csv.column import Column, File, Kind, cell
from services.api.exports.csv.files.columns import OF_SUBJECT
from services.api.exports.extract import Extract, Part, SubjectRecord

REVISED = tuple(part for part in Part if part.source.versioned)


class Former(NamedTuple):
    """One value of a version that is no longer the current one."""

    table: str
    record_id: str
    column: str
    value: Any
    row: Any


_OF_VERSION = frozenset(
    {"id", "site", "subject_id", "version", "reason", "recorded_at", "recorded_by"}
)


def _former(_: Extract, record: SubjectRecord) -> Iterator[Former]:
    for part in REVISED:
        current = {id(row) for row in record.current(part)}
        source = part.source
        for row in record.all(part):
            if id(row) in current:
                continue
            named = ";".join(str(getattr(row, name)) for name in source.key)
            for column in source.columns:
                if column.name not in _OF_VERSION:
                    value = getattr(row, column.name)
                    told = cell(Kind.JSON, value) if isinstance(value, list | dict) else value
                    yield Former(source.name, named, column.name, told, row)


def _of_former(name: str, kind: Kind, label: str) -> Column:
    return Column(name, kind, label, f"….{name}", lambda x: getattr(x.row.row, name))


SUPERSEDED = File(
    "superseded",
    "Every value of every version that was corrected since, one a line",
    (
        *OF_SUBJECT,
        Column("table", Kind.CODE, "Record", "the table", lambda x: x.row.table),
        Column(
            "record_id",
            Kind.ID,
            "Its id, or a visit's code, or the subject's id of what there is one of",
            "key",
            lambda x: x.row.record_id,
        ),
        _of_former("version", Kind.INTEGER, "Version"),
        Column("column", Kind.CODE, "Column", "the column", lambda x: x.row.column),
        Column(
            "value",
            Kind.TEXT,
            "Value then; JSON where it is a list",
            "value",
            lambda x: x.row.value,
        ),
        Column(
            "reason",
            Kind.TEXT,
            "Why that version had been made",
            "….reason",
            lambda x: getattr(x.row.row, "reason", None),
        ),
        _of_former("recorded_at", Kind.DATETIME, "Recorded at"),
        _of_former("recorded_by", Kind.ID, "Account that recorded it"),
    ),
    _former,
    REVISED,
)

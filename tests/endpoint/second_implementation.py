"""The endpoint a second time: in SQL, from docs/endpoint.md and the protocol document alone.

Nothing here imports the service. The numbers come from the document's file and not from the
service's reading of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from tests.endpoint.history import History

Json = dict[str, Any]
Row = tuple[object, ...]

SECOND = Path(__file__).parent / "second"
QUERY = (SECOND / "endpoint.sql").read_text()


@dataclass(frozen=True)
class Derived:
    """What is compared of one subject's endpoint."""

    subject: UUID
    primary_status: str
    primary_grading: UUID | None
    primary_version: int | None
    primary_basis: str | None
    primary_adjudication: UUID | None
    secondary_status: str
    secondary_grading: UUID | None
    secondary_version: int | None
    secondary_basis: str | None
    secondary_adjudication: UUID | None
    window_from: date | None
    window_to: date | None
    max_grade: int | None
    grade_4: bool
    days_to_first_severe: int | None
    days_severe: int
    gy_at_onset: float | None
    coverage: float | None
    gaps: list[str]
    last_assessed_on: date | None
    unresolved: list[str]


def load(connection: Connection[Any], document: Json, histories: Iterable[History]) -> None:
    """Make the schema `second` and copy a protocol document's numbers and the histories there."""
    connection.execute((SECOND / "tables.sql").read_bytes())
    _copy(connection, "rule", [_rule(document)])
    _copy(connection, "visit_rule", _visit_rules(document))
    known = list(histories)
    _copy(connection, "subject", ((one.subject, one.today, one.left_on) for one in known))
    _copy(connection, "radiotherapy", _radiotherapy(known))
    _copy(connection, "interruption", _interruptions(known))
    _copy(connection, "grading", _gradings(known))
    _copy(connection, "adjudication", _adjudications(known))
    connection.execute("ANALYZE")


def derive(connection: Connection[Any], query: str = QUERY) -> dict[UUID, Derived]:
    """The endpoint of every subject in the schema `second`, by one query."""
    with connection.cursor(row_factory=class_row(Derived)) as cursor:
        return {row.subject: row for row in cursor.execute(query.encode())}


def _copy(connection: Connection[Any], table: str, rows: Iterable[Row]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY second.{table} FROM STDIN".encode()) as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _rule(document: Json) -> Row:
    endpoint = document["endpoint"]
    return (
        document["study"]["time_zone"],
        document["visits"]["fractions_per_week"],
        endpoint["severe_grade"],
        endpoint["any_grade"],
        document["grading"]["maximum"],
        endpoint["window_days_after_rt_end"],
        endpoint["coverage_share"],
        endpoint["last_grading_from_day"],
    )


def _visit_rules(document: Json) -> Iterator[Row]:
    for place, visit in enumerate(document["visits"]["schedule"]):
        named = ("code", "anchor", "day", "earliest", "latest")
        yield (
            place,
            *(visit[name] for name in named),
            visit.get("repeat_every_days"),
            visit.get("slot", False),
        )


def _radiotherapy(histories: Iterable[History]) -> Iterator[Row]:
    for history in histories:
        if (course := history.course) is not None:
            yield (
                history.subject,
                course.planned_start,
                course.planned_fractions,
                course.planned_dose_gy,
                course.first,
                course.last,
                course.delivered_dose_gy,
            )


def _interruptions(histories: Iterable[History]) -> Iterator[Row]:
    for history in histories:
        for one in history.interruptions:
            yield history.subject, one.since, one.to


def _gradings(histories: Iterable[History]) -> Iterator[Row]:
    for history in histories:
        for one in history.gradings:
            yield (
                one.id,
                one.version,
                history.subject,
                one.visit,
                one.assessor,
                one.at,
                one.grade,
            )


def _adjudications(histories: Iterable[History]) -> Iterator[Row]:
    for history in histories:
        for one in history.adjudications:
            yield one.id, history.subject, one.visit, one.grade

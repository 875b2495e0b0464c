"""The trail as text/csv (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
import json
from collections.abc import Iterable, Iterator

from services.api.audit.schemas import AuditEventRead
from services.api.core.bodies import rfc3339

COLUMNS = (
    "id",
    "at",
    "actor_id",
    "actor_name",
    "actor_role",
    "action",
    "site",
    "subject_id",
    "subject_number",
    "record",
    "record_id",
    "changes",
    "detail",
    "reason",
    "request_id",
    "summary",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def lines(pages: Iterable[list[AuditEventRead]]) -> Iterator[str]:
    """The heading, then the events of each page, as text."""
    yield _text([COLUMNS])
    for events in pages:
        yield _text(map(_row, events))


def _text(rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([map(_cell, row) for row in rows])
    return out.getvalue()


def _cell(value: object) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _row(event: AuditEventRead) -> tuple[object, ...]:
    changes = [change.model_dump(mode="json") for change in event.changes]
    return (
        event.id,
        rfc3339(event.at),
        event.actor.id if event.actor else None,
        event.actor.name if event.actor else None,
        event.actor.role if event.actor else None,
        event.action,
        event.site,
        event.subject.id if event.subject else None,
        event.subject.number if event.subject else None,
        event.record,
        event.record_id,
        json.dumps(changes, ensure_ascii=False) if changes else None,
        json.dumps(event.detail, ensure_ascii=False) if event.detail else None,
        event.reason,
        event.request_id,
        event.summary,
    )

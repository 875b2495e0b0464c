"""The trail as a table: RFC 4180, and nothing in it is a formula."""

import csv
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.api.audit.schemas import ActorRead, AuditedSubject, AuditEventRead, ChangeRead
from services.api.audit.spreadsheet import COLUMNS, lines

EVENT = AuditEventRead(
    id=7,
    at=datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC),
    actor=ActorRead(id="a", name='Lan, "Wei"\nx', role="monitor"),
    action="grading corrected",
    site="NN",
    subject=AuditedSubject(id=UUID(int=1), number="NN-0001"),
    record="grading",
    record_id="r",
    changes=[ChangeRead(field="grade", old=2, new=3)],
    detail=None,
    reason="ok",
    request_id="q",
    summary="s",
)


def table(*events: AuditEventRead) -> list[dict[str, str]]:
    text = "".join(lines([[*events]]))
    assert text.count("\r\n") == len(events) + 1
    return list(csv.DictReader(text.splitlines(keepends=True)))


def test_a_row_has_a_cell_for_everything_that_an_event_tells() -> None:
    (row,) = table(EVENT)
    assert tuple(row) == COLUMNS
    assert row["at"] == "2026-11-22T01:02:03Z"
    assert row["actor_name"] == 'Lan, "Wei"\nx'
    assert (row["subject_id"], row["subject_number"]) == (str(UUID(int=1)), "NN-0001")
    assert row["changes"] == '[{"field": "grade", "old": 2, "new": 3}]'
    assert row["detail"] == ""


def test_what_is_not_there_is_an_empty_cell() -> None:
    (row,) = table(EVENT.model_copy(update={"actor": None, "subject": None, "changes": []}))
    assert {row[name] for name in ("actor_id", "actor_role", "subject_id", "changes")} == {""}


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_taken_for_a_formula(begin: str) -> None:
    formula = f"{begin}HYPERLINK(1)"
    actor = ActorRead(id=formula, name=formula, role=formula)
    texts = {"reason": formula, "request_id": formula, "summary": formula, "record_id": formula}
    (row,) = table(EVENT.model_copy(update={**texts, "actor": actor}))
    for name in (*texts, "actor_id", "actor_name", "actor_role"):
        assert row[name] == f"'{formula}"

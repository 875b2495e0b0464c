"""Signatures on versions of records."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from services.api.exports.csv.column import Column, File, Kind, Line
from services.api.exports.csv.files.columns import OF_SUBJECT
from services.api.exports.extract import Extract, Part, SubjectRecord


class Signed(NamedTuple):
    """A signature on a record of one kind."""

    record: str
    record_id: UUID
    row: Any


def _signatures(_: Extract, record: SubjectRecord) -> Iterator[Signed]:
    for row in record.all(Part.EVALUATION_SIGNATURES):
        yield Signed("eligibility_evaluation", row.subject_id, row)
    for row in record.all(Part.GRADING_SIGNATURES):
        yield Signed("grading", row.grading_id, row)
    for row in record.all(Part.ADVERSE_EVENT_SIGNATURES):
        yield Signed("adverse_event", row.adverse_event_id, row)


def _signed(name: str, kind: Kind, label: str, codes: str | None = None) -> Column:
    return Column(
        name, kind, label, f"…_signature.{name}", lambda x: getattr(x.row.row, name), codes=codes
    )


def _hash(line: Line) -> object:
    row = line.row.row
    return row.evaluation_hash if hasattr(row, "evaluation_hash") else row.content_hash


SIGNATURES = File(
    "signatures",
    "Signatures on versions of records, by the signer's account and role",
    (
        *OF_SUBJECT,
        _signed("id", Kind.ID, "Signature's id"),
        Column("record", Kind.CODE, "What was signed", "the table", lambda x: x.row.record),
        Column("record_id", Kind.ID, "Its id", "the record's id", lambda x: x.row.record_id),
        _signed("version", Kind.INTEGER, "Version that was signed"),
        _signed("meaning", Kind.CODE, "What was stated", "SignatureMeaning"),
        _signed("signer_role", Kind.CODE, "Role of the signer", "Role"),
        _signed("recorded_by", Kind.ID, "Account of the signer"),
        _signed("signed_at", Kind.DATETIME, "Signed at"),
        Column(
            "content_hash", Kind.ID, "Hash of what was signed", "…_signature.content_hash", _hash
        ),
    ),
    _signatures,
    (
        Part.EVALUATION_SIGNATURES,
        Part.GRADING_SIGNATURES,
        Part.ADVERSE_EVENT_SIGNATURES,
    ),
)

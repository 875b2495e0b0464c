"""Data queries and locks."""

from services.api.exports.csv.column import Column, File, Kind, Line, stored
from services.api.exports.csv.files.columns import OF_SUBJECT, current, file_of, id_of, made
from services.api.exports.extract import Part


def _last_step(line: Line) -> object:
    steps = [one.step for one in line.record.all(Part.QUERY_STEPS) if one.id == line.row.id]
    return steps[-1] if steps else None


def _steps(line: Line) -> object:
    return sum(one.id == line.row.id for one in line.record.all(Part.QUERY_STEPS))


QUERIES = File(
    "queries",
    "Data queries; what was asked and answered is not exported",
    (
        *OF_SUBJECT,
        id_of("data_query", "query_id", "Query's id"),
        stored("data_query", "record", Kind.CODE, "About which record", codes="RecordKind"),
        stored("data_query", "record_id", Kind.ID, "Its id"),
        stored("data_query", "field", Kind.CODE, "About which field"),
        stored("data_query", "origin", Kind.CODE, "Who asks", codes="QueryOrigin"),
        stored("data_query", "code", Kind.CODE, "What the service noticed"),
        stored("data_query", "raised_at", Kind.DATETIME, "Raised at, in the trial's time"),
        Column("last_step", Kind.CODE, "Last step", "data_query_step.step", _last_step),
        Column("steps", Kind.INTEGER, "Steps so far", "data_query_step", _steps),
        *made("data_query"),
    ),
    current(Part.QUERIES),
    (Part.QUERIES, Part.QUERY_STEPS),
)

LOCKS = file_of(
    Part.LOCKS,
    "locks",
    "The lock of each subject who ever had one of their own; a lock of the whole trial is in no"
    " export",
    stored("subject_lock", "state", Kind.CODE, "State", codes="LockState"),
    stored("subject_lock", "reason", Kind.TEXT, "Reason"),
    stored("subject_lock", "version", Kind.INTEGER, "Version; earlier ones are in superseded"),
    *made("subject_lock"),
)

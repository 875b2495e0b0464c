"""The outcome of every subject."""

from collections.abc import Iterator
from typing import Any

from services.api.exports.csv.column import Column, File, Kind, Line
from services.api.exports.csv.files.columns import OF_SUBJECT
from services.api.exports.extract import OF_OUTCOME, Extract, SubjectRecord


def _outcomes(extract: Extract, record: SubjectRecord) -> Iterator[Any]:
    yield extract.outcome(record)


def _derived(name: str, kind: Kind, label: str, read: Any, **more: str) -> Column:
    return Column(name, kind, label, "derived: docs/endpoint.md", read, **more)


def _deciding(line: Line) -> object:
    deciding = line.row.primary.deciding
    return deciding.grading if deciding else None


ENDPOINTS = File(
    "endpoints",
    "The outcome of every subject as of the day in as_of",
    (
        *OF_SUBJECT,
        _derived("as_of", Kind.DATE, "Day by which it was derived", lambda x: x.extract.today),
        _derived(
            "primary_status",
            Kind.CODE,
            "Primary outcome",
            lambda x: x.row.primary.status.value,
            codes="OutcomeStatus",
        ),
        _derived("deciding_grading", Kind.ID, "Grading that made it an event", _deciding),
        _derived(
            "secondary_status",
            Kind.CODE,
            "Secondary outcome",
            lambda x: x.row.secondary.status.value,
            codes="OutcomeStatus",
        ),
        _derived(
            "window_from",
            Kind.DATE,
            "First day that counts",
            lambda x: x.row.window and x.row.window.from_,
        ),
        _derived(
            "window_to",
            Kind.DATE,
            "Last day that counts; empty until the last fraction",
            lambda x: x.row.window and x.row.window.to,
        ),
        _derived("max_grade", Kind.INTEGER, "Highest grade", lambda x: x.row.max_grade),
        _derived(
            "days_to_first_severe",
            Kind.INTEGER,
            "Days from the first fraction to the first severe grade",
            lambda x: x.row.days_to_first_severe,
            unit="d",
        ),
        _derived(
            "days_severe",
            Kind.INTEGER,
            "Days at a severe grade",
            lambda x: x.row.days_severe,
            unit="d",
        ),
        _derived("grade_4", Kind.BOOLEAN, "Whether grade 4 was reached", lambda x: x.row.grade_4),
        _derived(
            "gy_at_onset",
            Kind.DECIMAL,
            "Estimated dose at the first severe grade",
            lambda x: x.row.gy_at_onset,
            unit="Gy",
        ),
        _derived("slots", Kind.INTEGER, "Visits that should be graded", lambda x: x.row.slots),
        _derived("kept", Kind.INTEGER, "Of these, with a grading in time", lambda x: x.row.kept),
        _derived(
            "gaps",
            Kind.CODE,
            "Visits that can have none any more",
            lambda x: x.row.gaps,
            codes="Visit",
        ),
    ),
    _outcomes,
    OF_OUTCOME,
)

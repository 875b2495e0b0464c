"""What one subject's story leaves in the database: once, however often it was sent."""

from tests.make import Api

ONCE = {
    "subject": 1,
    "consent": 1,
    "eligibility_evaluation": 1,
    "eligibility_signature": 1,
    "radiotherapy": 2,
    "allocation": 1,
    "visit": 1,
    "grading": 1,
    "adverse_event": 1,
    "deviation": 0,
}
"""Rows by table, each version being a row of its own."""

TOLD = [
    "subject.screened",
    "subject.eligible",
    "radiotherapy.recorded",
    "subject.randomized",
    "radiotherapy.recorded",
    "subject.on_treatment",
    "visit.recorded",
    "grading.recorded",
    "adverse_event.reported",
    "deadline.opened",
]
"""What the feed tells of it."""


def kept(api: Api) -> dict[str, int]:
    """The rows that there are."""
    return {table: api.count(table) for table in ONCE}

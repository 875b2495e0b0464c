"""Where the record that an event is about is found."""

from uuid import UUID

_PATHS = {
    "subject": "/v1/subjects/{subject}",
    "radiotherapy": "/v1/subjects/{subject}/radiotherapy",
    "visit": "/v1/subjects/{subject}/visits/{record}",
    "grading": "/v1/gradings/{record}",
    "adjudication": "/v1/adjudications/{record}",
    "endpoint": "/v1/subjects/{subject}/endpoint",
    "adverse_event": "/v1/adverse-events/{record}",
    "deadline": "/v1/safety/deadlines/{record}",
    "query": "/v1/queries/{record}",
    "stopping_rule": "/v1/safety/stopping-rules",
}
"""By the kind of record; what has no address of its own is found by its subject."""


def record_path(kind: str, record_id: str, subject_id: UUID | None) -> str | None:
    """The address of the record, or None if it has none of its own."""
    path = _PATHS.get(kind)
    return None if path is None else path.format(subject=subject_id, record=record_id)


def subject_path(subject_id: UUID | None) -> str | None:
    """The address of the subject whom the event is about, if it is about one."""
    return None if subject_id is None else f"/v1/subjects/{subject_id}"

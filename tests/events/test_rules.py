"""Where the record of an event is found."""

from uuid import UUID

import pytest

from services.api.core.events import EventType
from services.api.document import openapi_text
from services.api.events.rules import record_path, subject_path

SUBJECT = UUID(int=7)


@pytest.mark.parametrize(
    ("kind", "record", "path"),
    [
        ("subject", str(SUBJECT), f"/v1/subjects/{SUBJECT}"),
        ("visit", "RT1A", f"/v1/subjects/{SUBJECT}/visits/RT1A"),
        ("grading", "x", "/v1/gradings/x"),
        ("adverse_event", "x", "/v1/adverse-events/x"),
        ("submission", "x", None),
    ],
)
def test_a_record_is_found_at_its_own_address(kind: str, record: str, path: str | None) -> None:
    assert record_path(kind, record, SUBJECT) == path


def test_an_event_of_no_subject_leads_to_none() -> None:
    assert subject_path(None) is None


def test_every_address_is_one_that_the_service_has() -> None:
    paths = {part for part in openapi_text().split('"') if part.startswith("/v1/")}
    begun = {path.partition("{")[0] for path in paths}
    for kind in {one.value.partition(".")[0] for one in EventType}:
        path = record_path(kind, "RECORD", SUBJECT)
        if path is not None:  # others are found by their subject
            assert path.partition("RECORD")[0].partition(str(SUBJECT))[0] in begun, kind

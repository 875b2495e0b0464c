"""Signatures on what stands."""

from uuid import UUID

from services.api.exports.extract import Part
from services.api.exports.fhir import provenance
from tests.exports.fhir.conforming import faults
from tests.exports.fhir.rows import (
    ASSESSOR,
    AT,
    INVESTIGATOR,
    NAMES,
    event,
    grading,
    people,
    record,
    row,
)

SIGNED = row(
    id=UUID(int=50),
    grading_id=UUID(int=10),
    version=1,
    recorded_by=ASSESSOR,
    signer_role="assessor",
    signed_at=AT,
)
REVIEWED = row(
    id=UUID(int=51),
    adverse_event_id=UUID(int=20),
    version=1,
    signer_role="investigator",
    signed_at=AT,
)


def test_a_signature_names_what_was_signed_by_which_role() -> None:
    parts = {
        Part.GRADINGS: [grading()],
        Part.GRADING_SIGNATURES: [SIGNED],
        Part.ADVERSE_EVENTS: [event()],
        Part.ADVERSE_EVENT_SIGNATURES: [REVIEWED],
    }
    told = list(provenance.resources(record(parts=parts), NAMES, people()))
    assert [fault for one in told for fault in faults(one)] == []
    assert [
        (one["target"][0]["reference"], one["agent"][0]["who"]["reference"]) for one in told
    ] == [
        (f"Observation/{UUID(int=10)}", f"PractitionerRole/{ASSESSOR}"),
        (f"AdverseEvent/{UUID(int=20)}", f"PractitionerRole/{INVESTIGATOR}"),
    ]
    assert told[0]["signature"][0]["when"] == "2026-03-02T01:30:00Z"


def test_a_signature_on_a_version_that_was_corrected_signs_nothing_that_stands() -> None:
    parts = {
        Part.GRADINGS: [grading(), grading(version=2)],
        Part.GRADING_SIGNATURES: [SIGNED],
    }
    assert list(provenance.resources(record(parts=parts), NAMES, people())) == []

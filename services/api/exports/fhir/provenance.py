"""Who signed what: Provenance of the signatures on gradings and adverse events."""

from collections.abc import Iterator
from typing import Any

from services.api.exports.extract import Part, SubjectRecord
from services.api.exports.fhir.elements import (
    PSEUDONYMISED,
    Json,
    Names,
    coding,
    instant,
    kept,
    reference,
    resource,
)
from services.api.exports.fhir.people import People

PARTS = (Part.GRADING_SIGNATURES, Part.ADVERSE_EVENT_SIGNATURES)

_SIGNATURE_TYPES = "urn:iso-astm:E1762-95:2013"
_AUTHOR = coding(_SIGNATURE_TYPES, "1.2.840.10065.1.12.1.1", "Author's Signature")
_REVIEWER = coding(_SIGNATURE_TYPES, "1.2.840.10065.1.12.1.13", "Review Signature")


def resources(record: SubjectRecord, names: Names, people: People) -> Iterator[Json]:
    """A signature is on the version that it was made on, which a later one does not inherit."""
    current = {
        (one.id, one.version)
        for part in (Part.GRADINGS, Part.ADVERSE_EVENTS)
        for one in record.current(part)
    }
    for one in record.all(Part.GRADING_SIGNATURES):
        if (one.grading_id, one.version) in current:
            target = reference("Observation", one.grading_id)
            yield from _signed(one, target, _AUTHOR, names, people)
    for one in record.all(Part.ADVERSE_EVENT_SIGNATURES):
        if (one.adverse_event_id, one.version) in current:
            target = reference("AdverseEvent", one.adverse_event_id)
            yield from _signed(one, target, _REVIEWER, names, people)


def _signed(
    signature: Any, target: Json, kind: Json, names: Names, people: People
) -> Iterator[Json]:
    who = people.reference(signature.recorded_by)
    if who is None:
        return
    yield resource(
        "Provenance",
        signature.id,
        meta=PSEUDONYMISED,
        target=[target],
        occurredDateTime=instant(signature.signed_at),
        recorded=instant(signature.recorded_at),
        patient=reference("Patient", signature.subject_id),
        agent=[{"role": [names.concept("role", signature.signer_role)], "who": who}],
        signature=[kept(type=[kind], when=instant(signature.signed_at), who=who)],
    )

"""What the service can do in FHIR's own words: CapabilityStatement."""

from services.api.exports.fhir.elements import HL7, Json, Names, coding, concept, resource
from services.api.protocol.schema import Protocol

VERSION = "5.0.0"
BUNDLE, LINES = "application/fhir+json", "application/fhir+ndjson"

EXPORTED = {
    "AdverseEvent": "Adverse events in their current version; nullified ones are entered-in-error.",
    "CodeSystem": "The trial's own codes.",
    "Consent": "Signed consents, and until when they held.",
    "Encounter": "Recorded visits; missed ones are cancelled.",
    "EvidenceVariable": "The arms, and the outcomes that are derived.",
    "Group": "The eligibility criteria.",
    "Location": "The sites.",
    "Medication": "The study drug.",
    "MedicationAdministration": "The study drug taken, day by day.",
    "Observation": "Gradings, adjudicated grades, radiotherapy's doses, derived outcomes.",
    "Organization": "The sites, the sponsor and its collaborators.",
    "Patient": "Sex and year of birth, and no identifier.",
    "PractitionerRole": "The roles of those who recorded something, without names.",
    "Procedure": "Radiotherapy.",
    "Provenance": "Signatures on gradings and adverse events.",
    "ResearchStudy": "The trial.",
    "ResearchSubject": "The subjects by their numbers, their progress and their arms.",
}
"""The types of resource that an export holds."""


def capability_statement(protocol: Protocol, software_version: str) -> Json:
    """Of the export: resources leave together, and none can be asked for alone or changed."""
    names = Names(protocol.study.nct_id)
    return resource(
        "CapabilityStatement",
        "export",
        url=names.url("CapabilityStatement", "export"),
        version=software_version,
        name="TrialExport",
        title=f"Export of {protocol.study.nct_id}",
        status="active",
        date=protocol.effective_on.isoformat(),
        description="The whole trial as one Bundle of type collection, or as one resource a line."
        " Resources cannot be read one by one, searched or changed.",
        kind="instance",
        software={"name": "Trial API", "version": software_version},
        implementation={"description": f"The export of {protocol.study.nct_id}"},
        fhirVersion=VERSION,
        format=[BUNDLE, LINES],
        rest=[
            {
                "mode": "server",
                "documentation": "GET /v1/exports/fhir, with the Accept header choosing the form."
                " For data managers and statisticians.",
                "security": {
                    "service": [concept(coding(f"{HL7}/restful-security-service", "OAuth"))],
                    "description": "A bearer token of POST /v1/oauth/token.",
                },
                "resource": [
                    {"type": kind, "documentation": told} for kind, told in EXPORTED.items()
                ],
            }
        ],
    )

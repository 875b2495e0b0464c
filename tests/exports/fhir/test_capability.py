"""The CapabilityStatement says what the export does, and no more."""

from services.api.exports.fhir.capability import capability_statement
from services.api.exports.formats import FORMATS
from tests.exports.fhir.conforming import faults
from tests.exports.fhir.rows import PROTOCOL


def test_the_statement_conforms_and_offers_only_the_export() -> None:
    told = capability_statement(PROTOCOL, "1.2.3")
    assert faults(told) == []
    assert told["fhirVersion"] == "5.0.0"
    assert told["format"] == [form.media_type for form in FORMATS["fhir"].forms]
    assert not [one for one in told["rest"][0]["resource"] if "interaction" in one]

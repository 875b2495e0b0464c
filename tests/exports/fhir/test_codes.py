"""Codes: the trial's own are the API's values, and official ones mean the same."""

from services.api.adverse_events.schemas import CausalityVerdict, EventOutcome, Seriousness
from services.api.exports.fhir import codes
from tests.exports.fhir.conforming import faults
from tests.exports.fhir.rows import NAMES, PROTOCOL

HL7_CODES = {
    "adverse-event-outcome": "resolved recovering ongoing resolvedWithSequelae fatal unknown",
    "adverse-event-causality-assess": "certain probably-likely possible unlikely"
    " conditional-classified unassessable-unclassifiable",
}
"""The code systems as HL7 publishes them."""


def test_every_value_of_an_enumeration_has_a_code() -> None:
    systems = {one["id"]: one for one in codes.code_systems(NAMES, PROTOCOL)}
    for name, (_, values) in codes.ENUMERATIONS.items():
        assert [one["code"] for one in systems[name]["concept"]] == [one.value for one in values]
    assert [one["code"] for one in systems["diet"]["concept"]] == [
        "solid",
        "soft",
        "liquid",
        "none_by_mouth",
    ]
    assert "ulceration" not in systems
    assert [fault for one in systems.values() for fault in faults(one)] == []


def test_a_code_is_defined_once() -> None:
    for one in codes.code_systems(NAMES, PROTOCOL):
        defined = [concept["code"] for concept in one["concept"]]
        assert len(defined) == len(set(defined))


def test_every_outcome_and_grade_has_an_official_code() -> None:
    assert codes.OUTCOMES.keys() == {one.value for one in EventOutcome}
    assert list(codes.GRADES) == [1, 2, 3, 4, 5]
    assert codes.SERIOUSNESS.keys() < set(Seriousness)
    assert codes.CAUSALITY.keys() < {one.value for one in CausalityVerdict}


def test_official_codes_are_those_that_their_system_has() -> None:
    used = [*codes.CAUSALITY.values(), *(one for each in codes.OUTCOMES.values() for one in each)]
    for one in used:
        name = one["system"].rpartition("/")[2]
        if name in HL7_CODES:
            assert one["code"] in HL7_CODES[name].split()


def test_what_is_true_or_false_needs_no_codes() -> None:
    two = [one.id for one in PROTOCOL.grading.components if codes.two_valued(one)]
    assert two == ["ulceration"]

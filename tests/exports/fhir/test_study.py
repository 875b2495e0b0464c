"""The trial as a ResearchStudy says what the protocol says."""

from services.api.exports.extract import Extract
from services.api.exports.fhir import study
from services.api.exports.fhir.elements import Names
from tests.exports.fhir.conftest import Exported


def test_the_study_is_the_registrys(exported: Exported) -> None:
    told = exported.one("ResearchStudy", "NCT07312656")
    assert told["identifier"][0] == {
        "use": "official",
        "system": "https://clinicaltrials.gov",
        "value": "NCT07312656",
    }
    assert told["phase"]["coding"][0]["code"] == "phase-2"
    assert told["recruitment"] == {
        "targetNumber": 200,
        "eligibility": {"reference": "Group/eligibility"},
    }
    assert [
        (one["role"]["coding"][0]["code"], one["party"]) for one in told["associatedParty"]
    ] == [
        ("lead-sponsor", {"reference": "Organization/NN"}),
        ("collaborator", {"reference": "Organization/LZ"}),
        ("collaborator", {"reference": "Organization/YL"}),
    ]


def test_every_arm_is_a_group_with_what_it_is_meant_to_get(exported: Exported) -> None:
    groups = exported.one("ResearchStudy", "NCT07312656")["comparisonGroup"]
    assert [(one["linkId"], one["type"]["coding"][0]["code"]) for one in groups] == [
        ("experimental", "experimental"),
        ("control", "no-intervention"),
    ]
    for one in groups:
        kind, _, own_id = one["intendedExposure"][0]["reference"].partition("/")
        assert exported.one(kind, own_id)["description"] == one["description"]


def test_the_outcomes_are_those_that_are_derived_with_their_grades(exported: Exported) -> None:
    told = exported.one("ResearchStudy", "NCT07312656")["outcomeMeasure"]
    grades = {}
    for one in told:
        kind, _, own_id = one["reference"]["reference"].partition("/")
        defined = exported.one(kind, own_id)["characteristic"][0]["definitionByTypeAndValue"]
        grades[one["type"][0]["coding"][0]["code"]] = defined["valueRange"]["low"]["value"]
    assert grades == {"primary": 3, "secondary": 1}


def test_every_criterion_is_one_that_a_subject_has_to_meet_or_must_not(
    extract: Extract, exported: Exported
) -> None:
    told = exported.one("Group", "eligibility")["characteristic"]
    assert [(one["code"]["coding"][0]["code"], one["exclude"]) for one in told] == [
        (one.id, one.kind == "exclusion") for one in extract.protocol.eligibility.criteria
    ]


def test_a_sponsor_that_is_no_site_is_an_organization_too(extract: Extract, names: Names) -> None:
    protocol = extract.protocol
    elsewhere = protocol.study.model_copy(update={"sponsor": "A company"})
    parties = study._parties(protocol.model_copy(update={"study": elsewhere}))
    assert parties["sponsor"] == "A company"
    assert set(parties) == {"NN", "LZ", "YL", "sponsor"}

"""Both forms of the export hold the same resources, which conform to R5 and refer to each other."""

import json
from collections import Counter
from importlib.metadata import version

import pytest

from services.api.exports import extract as extracts
from services.api.exports.extract import Extract, Options
from services.api.exports.fhir import writing
from services.api.exports.fhir.capability import EXPORTED
from services.api.exports.fhir.elements import PSEUDONYMISED, Names
from tests.exports.conftest import Opener
from tests.exports.fhir.conforming import faults
from tests.exports.fhir.conftest import Exported, walked
from tests.lived import Lived
from tests.make import Api


def test_every_resource_conforms_to_r5(exported: Exported) -> None:
    assert version("fhir.resources") >= "8"
    assert [fault for one in exported.all for fault in faults(one)] == []
    # No version that stands is signed: see test_provenance.
    assert {one["resourceType"] for one in exported.all} == EXPORTED.keys() - {"Provenance"}


def test_a_resource_that_does_not_conform_is_noticed(exported: Exported) -> None:
    observation = exported.assessed("grading")[0]
    assert faults(observation | {"status": "right"}) == ["Observation.status: right"]
    assert faults(observation | {"grade": 3})
    elsewhere = {"encounter": {"reference": "Patient/1"}}
    assert faults(observation | elsewhere) == ["Observation.encounter refers to Patient/1"]


def test_every_reference_is_to_a_resource_of_the_export(exported: Exported) -> None:
    referred = Counter(
        part["reference"]
        for one in exported.all
        for part in walked(one)
        if isinstance(part.get("reference"), str)
    )
    there = {f"{one['resourceType']}/{one['id']}" for one in exported.all}
    assert referred.keys() <= there
    # What only refers to others: no resource of the export is about them.
    unreferred = EXPORTED.keys() - {reference.partition("/")[0] for reference in referred}
    assert unreferred <= {
        "AdverseEvent",
        "CodeSystem",
        "MedicationAdministration",
        "Provenance",
        "ResearchSubject",
    }


def test_every_code_of_the_trials_own_is_defined_with_its_words(exported: Exported) -> None:
    defined = {
        (system["url"], concept["code"])
        for system in exported.of("CodeSystem").values()
        for concept in system["concept"]
    }
    base = Names("NCT07312656").base
    used = {
        (part["system"], part["code"])
        for one in exported.all
        for part in walked(one)
        if str(part.get("system", "")).startswith(base) and "code" in part
    }
    assert used <= defined
    assert len(used) > 50


def test_the_bundle_holds_the_lines_under_names_that_resolve_their_references(
    extract: Extract, exported: Exported, names: Names
) -> None:
    bundle = json.loads(b"".join(writing.bundle(extract, Options())))
    assert [entry["resource"] for entry in bundle.pop("entry")] == exported.all
    assert extract.changed_at
    assert bundle == {
        "resourceType": "Bundle",
        "meta": PSEUDONYMISED,
        "type": "collection",
        "timestamp": extract.changed_at.isoformat().replace("+00:00", "Z"),
    }
    entries = json.loads(b"".join(writing.bundle(extract, Options())))["entry"]
    for entry in entries:
        # A relative reference resolves against the base of the entry's own name.
        kind, own_id = entry["resource"]["resourceType"], entry["resource"]["id"]
        assert entry["fullUrl"] == f"https://nct07312656.invalid/fhir/{kind}/{own_id}"
    assert len({entry["fullUrl"] for entry in entries}) == len(entries)
    assert faults(bundle | {"entry": entries[:1]}) == []


def test_the_same_trial_gives_the_same_bytes(
    living: Api, open_extract: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for write in (writing.ndjson, writing.bundle):
        once = b"".join(write(open_extract(living), Options()))
        with monkeypatch.context() as patched:
            patched.setattr(extracts, "AT_ONCE", 1)
            assert b"".join(write(open_extract(living), Options())) == once


def test_an_empty_trial_is_a_bundle_of_the_study_alone(
    unchanged: Api, open_extract: Opener
) -> None:
    bundle = json.loads(b"".join(writing.bundle(open_extract(unchanged), Options())))
    kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert kinds == {
        "CodeSystem",
        "EvidenceVariable",
        "Group",
        "Location",
        "Medication",
        "Organization",
        "ResearchStudy",
    }


def test_what_is_said_of_a_subject_is_marked_as_pseudonymised(exported: Exported) -> None:
    of_study = {
        "CodeSystem",
        "EvidenceVariable",
        "Group",
        "Location",
        "Medication",
        "Organization",
        "PractitionerRole",
        "ResearchStudy",
    }
    for one in exported.all:
        codes = [label["code"] for label in one.get("meta", {}).get("security", [])]
        assert codes == ([] if one["resourceType"] in of_study else ["PSEUDED"])


def test_nothing_that_people_wrote_at_length_leaves(exported: Exported, lived: Lived) -> None:
    told = json.dumps(exported.all, ensure_ascii=False)
    columns = (
        ("adverse_event", "narrative"),
        ("adverse_event", "reason"),
        ("grading", "reason"),
        ("discontinuation", "treatment_detail"),
        ("deviation", "description"),
        ("consent_withdrawal", "reason"),
        ("account", "name"),
    )
    for table, column in columns:
        rows = lived.api.rows(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL")
        assert rows
        assert [text for (text,) in rows if f'"{text}"' in told] == []

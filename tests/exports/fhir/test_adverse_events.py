"""Adverse events in the words of FHIR."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.api.exports.extract import Part
from services.api.exports.fhir import adverse_events
from tests.exports.fhir.conforming import faults
from tests.exports.fhir.conftest import Exported, own_code
from tests.exports.fhir.rows import (
    AT,
    DAY,
    INVESTIGATOR,
    NAMES,
    PROTOCOL,
    SUBJECT,
    course,
    event,
    people,
    record,
    subject,
)
from tests.lived import Lived
from tests.make import Json


def told(*events: Any, **parts: Any) -> Json:
    """The resource of one event's versions."""
    rows = {
        Part.ADVERSE_EVENTS: list(events),
        **{Part[name]: found for name, found in parts.items()},
    }
    made = list(adverse_events.resources(record(parts=rows), NAMES, PROTOCOL, people()))
    assert len(made) == 1
    assert faults(made[0]) == []
    return made[0]


def suspects(resource: Json) -> list[tuple[str, str, str]]:
    """Of each verdict whose it is, on what, and how it fell."""
    return [
        (
            own_code(one["causality"]["assessmentMethod"]),
            one.get("instanceReference", {}).get("reference", "Radiation Therapy"),
            own_code(one["causality"]["entityRelatedness"]),
        )
        for one in resource["suspectEntity"]
    ]


def test_severity_and_seriousness_are_told_apart() -> None:
    serious = told(event())
    grade, *criteria = serious["extension"]
    assert grade["url"].endswith("/ae-grade")
    assert grade["valueCodeableConcept"]["coding"][0]["code"] == "C41340"
    assert [own_code(one["extension"][0]["valueCodeableConcept"]) for one in criteria] == [
        "hospitalisation",
        "disability",
    ]
    assert serious["seriousness"]["coding"][0]["code"] == "serious"
    mild = told(event(serious=False, seriousness=[], grade=4))
    assert mild["seriousness"]["coding"][0]["code"] == "non-serious"
    assert [one["url"].rpartition("/")[2] for one in mild["extension"]] == ["ae-grade"]


def test_each_treatment_has_its_verdict_and_the_sponsor_their_own() -> None:
    assert suspects(told(event())) == [
        ("investigator", "Medication/study-drug", "not_related"),
        ("investigator", "Radiation Therapy", "possibly"),
    ]
    both = told(event(sponsor_causality="related"), RADIOTHERAPY=[course()])
    assert suspects(both) == [
        ("investigator", "Medication/study-drug", "not_related"),
        ("investigator", f"Procedure/{SUBJECT}", "possibly"),
        ("sponsor", "Medication/study-drug", "related"),
    ]
    assert "author" not in both["suspectEntity"][2]["causality"]


def test_radiotherapy_contributes_when_it_may_have_caused_the_event() -> None:
    given = told(event(), RADIOTHERAPY=[course()])
    assert given["contributingFactor"] == [{"itemReference": {"reference": f"Procedure/{SUBJECT}"}}]
    unlikely = event(causality_radiotherapy="unlikely")
    assert "contributingFactor" not in told(unlikely, RADIOTHERAPY=[course()])
    assert "contributingFactor" not in told(event())


@pytest.mark.parametrize(
    ("columns", "status"),
    [
        ({"outcome": "recovering"}, "in-progress"),
        ({"outcome": "not_recovered"}, "in-progress"),
        ({"outcome": "recovered"}, "completed"),
        ({"outcome": "fatal"}, "completed"),
        ({"outcome": "unknown"}, "unknown"),
        ({"outcome": "recovered", "nullified": True}, "entered-in-error"),
    ],
    ids=["recovering", "not recovered", "recovered", "fatal", "unknown", "nullified"],
)
def test_the_status_is_that_of_the_event(columns: Json, status: str) -> None:
    assert told(event(**columns))["status"] == status


def test_expectedness_is_told_only_when_it_was_assessed() -> None:
    assert "expectedInResearchStudy" not in told(event())
    assert told(event(expectedness="expected"))["expectedInResearchStudy"] is True
    assert told(event(expectedness="unexpected"))["expectedInResearchStudy"] is False


def test_the_reporter_of_the_first_version_stays_the_recorder() -> None:
    later = event(version=2, recorded_by=UUID(int=9), term_detail="after meals")
    resource = told(event(), later)
    assert resource["recorder"] == {"reference": f"PractitionerRole/{INVESTIGATOR}"}
    assert resource["meta"]["versionId"] == "2"
    assert resource["code"]["text"] == "Nausea: after meals (CTCAE 5.0)"


def test_an_event_was_recorded_when_its_first_version_was() -> None:
    corrected = event(version=2, recorded_at=AT + timedelta(days=30), outcome="recovered")
    resource = told(event(), corrected)
    assert resource["recordedDate"] == "2026-03-02T01:30:00Z"
    assert resource["meta"]["lastUpdated"] == "2026-04-01T01:30:00Z"


def test_a_grade_lasts_until_the_next_one_begins_it_resolves_or_the_subject_dies() -> None:
    later = [DAY + timedelta(days=n) for n in range(10)]
    own = subject(status="died", left_on=later[9], died_on=later[9])
    events = [
        event(),
        event(id=UUID(int=21), continues=UUID(int=20), onset_on=later[4]),
        event(id=UUID(int=22), continues=UUID(int=21), onset_on=later[5], nullified=True),
        event(id=UUID(int=23), resolved_on=later[2]),
    ]
    given = record(own, {Part.ADVERSE_EVENTS: events})
    made = adverse_events.resources(given, NAMES, PROTOCOL, people())
    ends = [one["occurrencePeriod"]["end"] for one in made]
    assert ends == [str(later[4]), str(later[9]), str(later[9]), str(later[2])]
    assert "end" not in told(event())["occurrencePeriod"]


def test_an_occurrence_names_the_case_that_it_continues() -> None:
    resource = told(event(first_id=UUID(int=7)))
    assert resource["identifier"][0]["value"] == str(UUID(int=7))
    assert told(event())["identifier"][0]["value"] == str(UUID(int=20))


def test_every_event_of_the_trial_is_told_of_as_it_stands(exported: Exported, lived: Lived) -> None:
    stored = lived.api.rows(
        "SELECT DISTINCT ON (id) id, meddra_code, outcome, serious FROM adverse_event"
        " ORDER BY id, version DESC"
    )
    found = {
        (UUID(one["id"]), one["code"]["coding"][0]["code"], len(one["extension"]) > 1)
        for one in exported.of("AdverseEvent").values()
    }
    assert found == {(one.id, one.meddra_code, one.serious) for one in stored}

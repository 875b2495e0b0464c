"""Gradings as observations hold every number of the record."""

from datetime import date, timedelta
from uuid import UUID

from services.api.certificates.rules import Validity
from services.api.endpoint.rules import Decision, Outcome, OutcomeStatus, Window
from services.api.exports.extract import Part
from services.api.exports.fhir import gradings
from services.api.gradings.rules import Assessment, GradeBasis
from tests.exports.fhir.conforming import faults
from tests.exports.fhir.conftest import Exported, components, own_code
from tests.exports.fhir.rows import (
    ASSESSOR,
    AT,
    DAY,
    NAMES,
    PROTOCOL,
    SUBJECT,
    course,
    grading,
    people,
    record,
    row,
    subject,
)
from tests.lived import Lived
from tests.make import Json


def observations(*rows: object, adjudications: tuple[object, ...] = ()) -> list[Json]:
    """The observations that gradings and adjudications give."""
    parts = {
        Part.GRADINGS: list(rows),
        Part.ADJUDICATIONS: list(adjudications),
        Part.VISITS: [row(code="RT1A", version=1, visited_on=DAY)],
    }
    made = list(
        gradings.resources(
            record(parts=parts),
            NAMES,
            PROTOCOL,
            people(),
            {ASSESSOR: [Validity(DAY - timedelta(days=1), DAY)]},
        )
    )
    assert [fault for one in made for fault in faults(one)] == []
    return made


def test_an_observation_holds_grade_components_and_derived_grades() -> None:
    told = observations(grading())[0]
    assert (told["status"], told["valueInteger"]) == ("final", 2)
    assert told["effectiveDateTime"] == "2026-03-02T01:30:00Z"
    assert told["encounter"] == {"reference": f"Encounter/{SUBJECT}-RT1A"}
    assert told["performer"] == [{"reference": f"PractitionerRole/{ASSESSOR}"}]
    assert components(told) == {
        "mucosal_appearance": "patchy",
        "ulceration": False,
        "pain_score": 4,
        "analgesic": "none",
        "diet": "soft",
        "derived-protocol": 2,
        "derived-who": 1,
        "certified": True,
    }


def test_a_corrected_grading_is_its_last_version() -> None:
    told = observations(grading(), grading(version=2, grade=3))
    assert [(one["status"], one["valueInteger"], one["meta"]["versionId"]) for one in told] == [
        ("corrected", 3, "2")
    ]


def test_an_assessor_without_a_certificate_of_the_day_is_told_of() -> None:
    late = grading(assessed_on=DAY + timedelta(days=1))
    assert components(observations(late)[0])["certified"] is False


def test_a_grading_of_a_visit_that_is_not_recorded_refers_to_none() -> None:
    assert "encounter" not in observations(grading(visit="RT1B"))[0]


def test_an_adjudication_is_derived_from_the_gradings_that_differ() -> None:
    opened = row(id=UUID(int=30), version=1, visit="RT1A", grade=None)
    decided = row(id=UUID(int=30), version=2, visit="RT1A", grade=3)
    mended = row(id=UUID(int=30), version=3, visit="RT1A", grade=2)
    two = (grading(10), grading(11, grade=3), grading(12, visit="RT1B"))
    told = [
        observations(*two, adjudications=versions)[-1]
        for versions in ((opened,), (opened, decided), (opened, decided, mended))
    ]
    assert [(one["status"], one.get("valueInteger")) for one in told] == [
        ("registered", None),
        ("final", 3),
        ("corrected", 2),
    ]
    assert ["performer" in one for one in told] == [False, True, True]
    sources = [f"Observation/{UUID(int=n)}" for n in (10, 11)]
    assert [one["reference"] for one in told[0]["derivedFrom"]] == sources


def test_every_grading_of_the_trial_is_told_of_once_as_it_stands(
    exported: Exported, lived: Lived
) -> None:
    stored = lived.api.rows(
        "SELECT DISTINCT ON (id) id, version, grade, mucosal_appearance, ulceration, pain_score,"
        " analgesic, diet, derived_protocol, derived_who, derived_rtog"
        " FROM grading ORDER BY id, version DESC"
    )
    told = []
    for one in exported.assessed("grading"):
        parts = components(one)
        parts.pop("certified")
        told.append(
            (UUID(one["id"]), int(one["meta"]["versionId"]), one["valueInteger"], *parts.values())
        )
    assert sorted(told) == sorted(tuple(one) for one in stored)
    decided = lived.api.rows("SELECT DISTINCT id FROM adjudication")
    assert len(exported.assessed("adjudicated-grade")) == len(decided) > 0


def test_outcomes_are_told_from_the_first_fraction_on() -> None:
    deciding = Assessment("RT1A", DAY, AT, 3, GradeBasis.SINGLE, UUID(int=10), version=1)
    outcome = Outcome(
        primary=Decision(OutcomeStatus.EVENT, deciding),
        secondary=Decision(OutcomeStatus.EVENT, deciding),
        window=Window(DAY, DAY + timedelta(days=130)),
        max_grade=3,
        days_to_first_severe=0,
        days_severe=1,
    )
    one = record(parts={Part.GRADINGS: [grading()]})
    told = list(gradings.outcomes(one, outcome, DAY + timedelta(days=131), NAMES))
    assert [fault for each in told for fault in faults(each)] == []
    assert [own_code(each["code"]) for each in told] == ["primary-outcome", "secondary-outcome"]
    assert [own_code(each["valueCodeableConcept"]) for each in told] == ["event", "event"]
    assert told[0]["derivedFrom"] == [{"reference": f"Observation/{UUID(int=10)}"}]
    assert components(told[0]) == {"days-severe": 1, "max-grade": 3, "days-to-first-severe": 0}
    assert [each["status"] for each in told] == ["final", "final"]
    early = list(gradings.outcomes(one, outcome, DAY, NAMES))
    assert [each["status"] for each in early] == ["preliminary", "preliminary"]
    assert list(gradings.outcomes(one, Outcome(), DAY, NAMES)) == []


def test_an_outcome_that_waits_for_an_adjudication_is_preliminary_though_its_time_is_over() -> None:
    outcome = Outcome(window=Window(DAY, DAY))
    left = record(subject(left_on=DAY), {})
    told = list(gradings.outcomes(left, outcome, date(2027, 1, 1), NAMES))
    assert {each["status"] for each in told} == {"preliminary"}


def test_radiotherapy_is_told_as_planned_and_as_delivered() -> None:
    planned = gradings.radiotherapy(course(), NAMES)
    assert planned["status"] == "preliminary"
    assert components(planned).keys() == {
        "planned-dose",
        "planned-fractions",
        "concurrent-chemotherapy",
    }
    done = gradings.radiotherapy(
        course(
            first_fraction_on=DAY,
            last_fraction_on=DAY,
            delivered_dose_gy=64.0,
            delivered_fractions=32,
        ),
        NAMES,
    )
    assert faults(done) == []
    assert done["status"] == "final"
    told = components(done)
    assert told["delivered-dose"] == {
        "value": 64.0,
        "unit": "Gy",
        "system": "http://unitsofmeasure.org",
        "code": "Gy",
    }
    assert (told["delivered-fractions"], told["concurrent-chemotherapy"]) == (32, True)

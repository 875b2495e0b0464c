"""Study drug day by day, and the course of radiotherapy."""

from datetime import timedelta
from uuid import UUID

from services.api.exports.extract import Part
from services.api.exports.fhir import treatment
from tests.exports.fhir.conforming import faults
from tests.exports.fhir.conftest import Exported
from tests.exports.fhir.rows import DAY, NAMES, PROTOCOL, SUBJECT, course, record, row
from tests.lived import Lived


def test_a_day_is_given_with_its_volume_or_not_done() -> None:
    taken = row(id=UUID(int=40), version=1, day=DAY, applications=2)
    missed = row(id=UUID(int=41), version=1, day=DAY + timedelta(days=1), applications=0)
    parts = {Part.EXPOSURES: [taken, missed]}
    told = list(treatment.resources(record(parts=parts), NAMES, PROTOCOL))
    assert [fault for one in told for fault in faults(one)] == []
    assert [(one["status"], one["occurenceDateTime"]) for one in told] == [
        ("completed", "2026-03-02"),
        ("not-done", "2026-03-03"),
    ]
    assert told[0]["dosage"]["dose"]["value"] == 3.0
    assert told[0]["dosage"]["text"] == "2 of 3 applications"
    assert "dosage" not in told[1]


def test_a_course_is_in_preparation_under_way_or_completed() -> None:
    statuses = []
    for dates in (
        {},
        {"first_fraction_on": DAY},
        {"first_fraction_on": DAY, "last_fraction_on": DAY},
    ):
        parts = {Part.RADIOTHERAPY: [course(**dates)]}
        told = list(treatment.resources(record(parts=parts), NAMES, PROTOCOL))
        assert [fault for one in told for fault in faults(one)] == []
        statuses.append(told[0]["status"])
        assert told[1]["partOf"] == [{"reference": f"Procedure/{SUBJECT}"}]
    assert statuses == ["preparation", "in-progress", "completed"]


def test_every_day_of_study_drug_is_told_of(exported: Exported, lived: Lived) -> None:
    stored = lived.api.rows("SELECT DISTINCT id FROM exposure")
    assert (
        exported.of("MedicationAdministration").keys() == {str(one) for (one,) in stored} != set()
    )
    courses = lived.api.rows("SELECT DISTINCT subject_id FROM radiotherapy")
    assert exported.of("Procedure").keys() == {str(one) for (one,) in courses} != set()

"""What was given: MedicationAdministration of the study drug, Procedure of radiotherapy."""

from collections.abc import Iterator
from typing import Any

from services.api.exports.extract import Part, SubjectRecord
from services.api.exports.fhir import gradings
from services.api.exports.fhir.elements import (
    NCIT,
    Json,
    Names,
    coding,
    concept,
    period,
    quantity,
    recorded,
    reference,
    resource,
)
from services.api.exports.fhir.study import STUDY_DRUG
from services.api.exposures.rules import volume_ml
from services.api.protocol.schema import Protocol

PARTS = (Part.EXPOSURES, Part.RADIOTHERAPY)

RADIATION = coding(NCIT, "C15313", "Radiation Therapy")


def resources(record: SubjectRecord, names: Names, protocol: Protocol) -> Iterator[Json]:
    """The study drug day by day, and the course of radiotherapy."""
    course = record.one(Part.RADIOTHERAPY)
    if course is not None:
        yield _procedure(course)
        yield gradings.radiotherapy(course, names)
    for exposure in record.current(Part.EXPOSURES):
        yield _administration(exposure, protocol)


def _procedure(course: Any) -> Json:
    status = "preparation"
    if course.first_fraction_on is not None:
        status = "in-progress" if course.last_fraction_on is None else "completed"
    return resource(
        "Procedure",
        course.subject_id,
        meta=recorded(course),
        status=status,
        code=concept(RADIATION),
        subject=reference("Patient", course.subject_id),
        occurrencePeriod=period(course.first_fraction_on, course.last_fraction_on),
        location=reference("Location", course.site),
    )


def _administration(exposure: Any, protocol: Protocol) -> Json:
    """One local day; one on which nothing was taken is `not-done`.

    R5 spells `occurence` so.
    """
    taken: int = exposure.applications
    route = {"text": protocol.adverse_events.case_report.route}
    dosage = {
        "text": f"{taken} of {protocol.treatment.applications_per_day} applications",
        "route": route,
        "dose": quantity(volume_ml(taken, protocol.treatment), "mL", "mL"),
    }
    return resource(
        "MedicationAdministration",
        exposure.id,
        meta=recorded(exposure),
        status="completed" if taken else "not-done",
        medication={"reference": reference("Medication", STUDY_DRUG)},
        subject=reference("Patient", exposure.subject_id),
        occurenceDateTime=exposure.day.isoformat(),
        dosage=dosage if taken else None,
    )

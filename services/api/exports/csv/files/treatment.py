"""Radiotherapy and the study drug: what was given, and how it ended."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.api.exports.csv.column import Column, File, Kind, stored
from services.api.exports.csv.files.columns import OF_SUBJECT, file_of, id_of, versioned
from services.api.exports.extract import Extract, Part, SubjectRecord

RADIOTHERAPY = file_of(
    Part.RADIOTHERAPY,
    "radiotherapy",
    "Radiotherapy as planned and delivered",
    stored("radiotherapy", "planned_dose_gy", Kind.DECIMAL, "Planned dose", unit="Gy"),
    stored("radiotherapy", "planned_fractions", Kind.INTEGER, "Planned fractions"),
    stored("radiotherapy", "planned_start", Kind.DATE, "Planned first day"),
    stored("radiotherapy", "concurrent_chemotherapy", Kind.BOOLEAN, "Concurrent chemotherapy"),
    stored("radiotherapy", "stratification", Kind.JSON, "Stratification factors recorded with it"),
    stored("radiotherapy", "first_fraction_on", Kind.DATE, "Day of the first fraction"),
    stored("radiotherapy", "last_fraction_on", Kind.DATE, "Day of the last fraction"),
    stored("radiotherapy", "delivered_dose_gy", Kind.DECIMAL, "Delivered dose", unit="Gy"),
    stored("radiotherapy", "delivered_fractions", Kind.INTEGER, "Delivered fractions"),
    *versioned("radiotherapy"),
)


def _interruptions(_: Extract, record: SubjectRecord) -> Iterator[Mapping[str, Any]]:
    row = record.one(Part.RADIOTHERAPY)
    yield from (row.interruptions or ()) if row is not None else ()


def _pause(name: str, kind: Kind, label: str) -> Column:
    source = f"radiotherapy.interruptions.{name}"
    return Column(name, kind, label, source, lambda x: x.row.get(name))


INTERRUPTIONS = File(
    "interruptions",
    "Days of radiotherapy on which no fraction was given",
    (
        *OF_SUBJECT,
        _pause("from", Kind.DATE, "First day without a fraction"),
        _pause("to", Kind.DATE, "Last day without one; empty while it goes on"),
        _pause("reason", Kind.TEXT, "Reason"),
    ),
    _interruptions,
    (Part.RADIOTHERAPY,),
)

EXPOSURES = file_of(
    Part.EXPOSURES,
    "exposures",
    "Study drug taken, day by day",
    id_of("exposure", "exposure_id", "Exposure's id"),
    stored("exposure", "day", Kind.DATE, "Day"),
    stored("exposure", "applications", Kind.INTEGER, "Applications taken"),
    stored("exposure", "missed_reason", Kind.TEXT, "Why fewer were taken"),
    *versioned("exposure"),
)

DISCONTINUATIONS = file_of(
    Part.DISCONTINUATIONS,
    "discontinuations",
    "The end of treatment, and of taking part",
    stored("discontinuation", "treatment_on", Kind.DATE, "Last day of treatment"),
    stored(
        "discontinuation",
        "treatment_cause",
        Kind.CODE,
        "Why treatment ended",
        codes="TreatmentCause",
    ),
    stored("discontinuation", "treatment_detail", Kind.TEXT, "In words"),
    stored("discontinuation", "study_on", Kind.DATE, "Day the subject left the study"),
    stored("discontinuation", "study_cause", Kind.CODE, "Why they left", codes="StudyCause"),
    stored("discontinuation", "study_detail", Kind.TEXT, "In words"),
    *versioned("discontinuation"),
)

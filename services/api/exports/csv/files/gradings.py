"""Gradings, and the adjudications of those that differ."""

from typing import Any

from services.api.certificates.rules import certified
from services.api.exports.csv.column import Column, File, Kind, Line, stored
from services.api.exports.csv.files.columns import OF_SUBJECT, current, file_of, id_of, versioned
from services.api.exports.extract import Part
from services.api.gradings import service as gradings
from services.api.gradings.rules import GradingFlag


def _of_grading(part: Part, name: str) -> Any:
    """Of the signature or verification of the version that counts."""

    def read(line: Line) -> object:
        key = line.row.id, line.row.version
        for one in line.record.all(part):
            if (one.grading_id, one.version) == key:
                return getattr(one, name)
        return None

    return read


def _flags(line: Line) -> object:
    row, extract = line.row, line.extract
    found = {one.flag.value for one in gradings.doubts(row, extract.protocol)}
    if not certified(extract.certificates, row.assessor, row.assessed_on):
        found.add(GradingFlag.ASSESSOR_NOT_CERTIFIED.value)
    return tuple(sorted(found))


GRADINGS = File(
    "gradings",
    "Assessments of oral mucositis; a visit may have two, by different assessors",
    (
        *OF_SUBJECT,
        id_of("grading", "grading_id", "Grading's id"),
        stored("grading", "visit", Kind.CODE, "Visit", codes="Visit"),
        stored("grading", "assessor", Kind.ID, "Account of the assessor"),
        stored("grading", "assessed_at", Kind.DATETIME, "Assessed at"),
        stored("grading", "assessed_on", Kind.DATE, "Day of the assessment"),
        stored("grading", "grade", Kind.INTEGER, "Grade entered by the assessor: the primary one"),
        stored(
            "grading",
            "mucosal_appearance",
            Kind.CODE,
            "Worst appearance of the mucosa",
            codes="MucosalAppearance",
        ),
        stored("grading", "ulceration", Kind.BOOLEAN, "Whether there is an ulcer"),
        stored("grading", "pain_score", Kind.INTEGER, "Oral pain, 0 to 10"),
        stored("grading", "analgesic", Kind.CODE, "Strongest analgesic needed", codes="Analgesic"),
        stored("grading", "diet", Kind.CODE, "Diet tolerated", codes="Diet"),
        stored("grading", "derived_protocol", Kind.INTEGER, "Grade that follows by the protocol"),
        stored("grading", "derived_who", Kind.INTEGER, "Grade that follows by WHO"),
        stored("grading", "derived_rtog", Kind.INTEGER, "Grade that follows by RTOG"),
        Column(
            "flags",
            Kind.CODE,
            "What someone should look at; by semicolons",
            "derived: docs/gradings.md",
            _flags,
            codes="GradingFlag",
        ),
        Column(
            "signed_at",
            Kind.DATETIME,
            "This version was signed at",
            "grading_signature.signed_at",
            _of_grading(Part.GRADING_SIGNATURES, "signed_at"),
        ),
        Column(
            "verified_at",
            Kind.DATETIME,
            "This version was compared with its source at",
            "grading_verification.recorded_at",
            _of_grading(Part.VERIFICATIONS, "recorded_at"),
        ),
        *versioned("grading"),
    ),
    current(Part.GRADINGS),
    (Part.GRADINGS, Part.GRADING_SIGNATURES, Part.VERIFICATIONS),
)

ADJUDICATIONS = file_of(
    Part.ADJUDICATIONS,
    "adjudications",
    "Visits whose gradings differed, and the decisions",
    id_of("adjudication", "adjudication_id", "Adjudication's id"),
    stored("adjudication", "visit", Kind.CODE, "Visit", codes="Visit"),
    stored("adjudication", "grade", Kind.INTEGER, "Grade decided; empty while it is open"),
    *versioned("adjudication"),
)

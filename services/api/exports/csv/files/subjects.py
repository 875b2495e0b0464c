"""Who was screened, and their consents."""

from collections.abc import Iterator
from typing import Any

from services.api.exports.csv.column import Column, File, Kind, Line, stored
from services.api.exports.csv.files.columns import OF_SUBJECT, current, id_of, made
from services.api.exports.extract import Extract, Part, SubjectRecord


def _subjects(_: Extract, record: SubjectRecord) -> Iterator[Any]:
    yield record.subject


def _allocated(name: str) -> Any:
    def read(line: Line) -> object:
        allocation = line.record.one(Part.ALLOCATIONS)
        return None if allocation is None else getattr(allocation, name)

    return read


SUBJECTS = File(
    "subjects",
    "Everyone who was screened, and where they stand",
    (
        *OF_SUBJECT,
        id_of("subject", "subject_id", "Subject's id in the API"),
        stored("subject", "sex", Kind.CODE, "Sex", codes="Sex"),
        stored("subject", "year_of_birth", Kind.INTEGER, "Year of birth", unit="year"),
        stored("subject", "status", Kind.CODE, "Status", codes="SubjectStatus"),
        stored("subject", "left_on", Kind.DATE, "Day the subject left the study"),
        stored("subject", "died_on", Kind.DATE, "Day of death"),
        Column(
            "arm",
            Kind.CODE,
            "Arm allocated to",
            "allocation.arm",
            _allocated("arm"),
            codes="Arm",
        ),
        Column(
            "randomized_at",
            Kind.DATETIME,
            "Randomized at",
            "allocation.randomized_at",
            _allocated("randomized_at"),
        ),
        stored("subject", "protocol_version", Kind.TEXT, "Protocol version at screening"),
        stored("subject", "version", Kind.INTEGER, "How often the row was written"),
        stored("subject", "created_at", Kind.DATETIME, "Screened at", called="screened_at"),
        *made("subject"),
    ),
    _subjects,
    (Part.ALLOCATIONS,),
)


def _withdrawal(name: str) -> Any:
    def read(line: Line) -> object:
        found = [
            one for one in line.record.current(Part.WITHDRAWALS) if one.consent_id == line.row.id
        ]
        return getattr(found[0], name) if found else None

    return read


CONSENTS = File(
    "consents",
    "Signed consent forms and their withdrawals",
    (
        *OF_SUBJECT,
        id_of("consent", "consent_id", "Consent's id"),
        stored("consent", "version", Kind.TEXT, "Version of the consent form"),
        stored("consent", "signed_on", Kind.DATE, "Day it was signed"),
        *made("consent"),
        *(
            Column(f"{prefix}{name}", kind, label, f"consent_withdrawal.{name}", _withdrawal(name))
            for prefix, name, kind, label in (
                ("", "withdrawn_on", Kind.DATE, "Day consent was withdrawn"),
                ("withdrawal_", "reason", Kind.TEXT, "Reason given for withdrawing"),
                ("withdrawal_", "recorded_at", Kind.DATETIME, "Withdrawal recorded at"),
                ("withdrawal_", "recorded_by", Kind.ID, "Account that recorded the withdrawal"),
            )
        ),
    ),
    current(Part.CONSENTS),
    (Part.CONSENTS, Part.WITHDRAWALS),
)

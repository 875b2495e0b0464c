"""DM: who takes part, and in which arm."""

from collections.abc import Iterator, Mapping
from datetime import date

from services.api.enrolment.rules import SubjectStatus, failed_screening
from services.api.exports.dataset_json import terminology as ct
from services.api.exports.dataset_json.domain import (
    Domain,
    Participant,
    Row,
    Value,
    Variable,
    flag,
    iso,
)
from services.api.exports.extract import Part
from services.api.protocol.schema import Arm


def _rows(one: Participant) -> Iterator[Row]:
    subject, record = one.record.subject, one.record
    consents = [row.signed_on for row in record.all(Part.CONSENTS)]
    taken = [row.day for row in record.current(Part.EXPOSURES) if row.applications > 0]
    yield Row(
        {
            "SUBJID": subject.number,
            "RFSTDTC": iso(one.reference),
            # The period of reference begins with randomization: without one there is no end.
            "RFENDTC": iso(None if one.reference is None else _last_day(one)),
            "RFXSTDTC": iso(min(taken, default=None)),
            "RFXENDTC": iso(max(taken, default=None)),
            "RFICDTC": iso(min(consents, default=None)),
            "RFPENDTC": iso(_last_day(one)),
            "DTHDTC": iso(subject.died_on),
            "DTHFL": flag(subject.status == SubjectStatus.DIED),
            "SITEID": subject.site,
            "BRTHDTC": str(subject.year_of_birth),
            **_age(one),
            "SEX": ct.SEX[subject.sex],
            "RACE": None,
            **_arm(one, took=bool(taken)),
            "COUNTRY": ct.COUNTRY.values.get(
                one.extract.protocol.adverse_events.case_report.country
            ),
        },
        _supplement(one),
    )


def _last_day(one: Participant) -> date | None:
    """The last day on which anything is known of the subject's taking part."""
    left: date | None = one.record.subject.left_on
    if left is not None:
        return left
    days = [row.visited_on for row in one.record.current(Part.VISITS) if row.visited_on]
    return max(days, default=None)


def _age(one: Participant) -> Mapping[str, Value]:
    """In completed years on the day of consent, as the site stated it for eligibility."""
    evaluation = one.record.one(Part.EVALUATIONS)
    age = evaluation and evaluation.normalised.get(one.extract.protocol.eligibility.age_fact)
    return {"AGE": age, "AGEU": None if age is None else "YEARS"}


def _arm(one: Participant, *, took: bool) -> Mapping[str, Value]:
    """The arm allocated to, and the one that was given: none before the study drug was taken."""
    subject, allocation = one.record.subject, one.record.one(Part.ALLOCATIONS)
    if allocation is None:
        failed = failed_screening(SubjectStatus(subject.status), subject.left_on)
        return {"ARMNRS": "SCREEN FAILURE" if failed else "NOT ASSIGNED"}
    arm = next(arm for arm in one.extract.protocol.arms if arm.code == allocation.arm)
    planned = {"ARMCD": _code(arm), "ARM": arm.label}
    if arm.receives_study_drug and not took:
        return {**planned, "ARMNRS": "ASSIGNED, NOT TREATED"}
    return {**planned, "ACTARMCD": _code(arm), "ACTARM": arm.label}


def _code(arm: Arm) -> str:
    """At most 20 characters, in capitals."""
    return arm.code.upper()[:20]


def _supplement(one: Participant) -> Mapping[str, Value]:
    allocation = one.record.one(Part.ALLOCATIONS)
    if allocation is None:
        return {}
    return {
        "RANDNUM": allocation.randomization_number,
        "STRATUM": allocation.stratum,
        "PROTVER": allocation.protocol_version,
    }


DM = Domain(
    "DM",
    "Demographics",
    (
        Variable("SUBJID", "Subject Identifier for the Study"),
        Variable("RFSTDTC", "Subject Reference Start Date/Time", "date"),
        Variable("RFENDTC", "Subject Reference End Date/Time", "date"),
        Variable("RFXSTDTC", "Date/Time of First Study Treatment", "date"),
        Variable("RFXENDTC", "Date/Time of Last Study Treatment", "date"),
        Variable("RFICDTC", "Date/Time of Informed Consent", "date"),
        Variable("RFPENDTC", "Date/Time of End of Participation", "date"),
        Variable("DTHDTC", "Date/Time of Death", "date"),
        Variable("DTHFL", "Subject Death Flag", codes=ct.NY),
        Variable("SITEID", "Study Site Identifier"),
        # A year is no date of Dataset-JSON's, which are whole days.
        Variable("BRTHDTC", "Date/Time of Birth"),
        Variable("AGE", "Age", "integer"),
        Variable("AGEU", "Age Units", codes=ct.AGEU),
        Variable("SEX", "Sex", codes=ct.SEX),
        Variable("RACE", "Race"),
        Variable("ARMCD", "Planned Arm Code"),
        Variable("ARM", "Description of Planned Arm"),
        Variable("ACTARMCD", "Actual Arm Code"),
        Variable("ACTARM", "Description of Actual Arm"),
        Variable("ARMNRS", "Reason Arm and/or Actual Arm is Null", codes=ct.ARMNULRS),
        Variable("COUNTRY", "Country", codes=ct.COUNTRY),
    ),
    _rows,
    (Part.CONSENTS, Part.EVALUATIONS, Part.ALLOCATIONS, Part.VISITS, Part.EXPOSURES),
    {
        "RANDNUM": "Randomization Number",
        "STRATUM": "Stratum at Randomization",
        "PROTVER": "Protocol Version at Randomization",
    },
    numbered=False,
)

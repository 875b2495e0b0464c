"""Subjects: pseudonyms, where they stand, their consents and visits."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.api.core.clock import Clock
from services.api.enrolment.rules import FHIR_STATES, LEFT, SubjectStatus
from services.api.exports.extract import Part
from services.api.exports.fhir.subject import patient, resources
from tests.exports.fhir.conforming import faults
from tests.exports.fhir.conftest import Exported, own_code, own_codes
from tests.exports.fhir.rows import AT, DAY, NAMES, PROTOCOL, SUBJECT, course, record, row, subject
from tests.lived import Lived
from tests.make import Json

CLOCK = Clock(ZoneInfo(PROTOCOL.study.time_zone))
MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
ALLOCATED = row(arm="control", randomization_number="R-0001", randomized_at=AT)


def of(kind: str, own: Any, parts: dict[Part, list[Any]] | None = None) -> list[Json]:
    """The resources of a type that a record gives."""
    made = list(resources(record(own, parts), NAMES, PROTOCOL, CLOCK))
    assert [fault for one in made for fault in faults(one)] == []
    return [one for one in made if one["resourceType"] == kind]


def states(
    own: Any, parts: dict[Part, list[Any]] | None = None
) -> list[tuple[str, str | None, str | None]]:
    """The states of a subject, each with its first and last day."""
    told = of("ResearchSubject", own, parts)[0]["progress"]
    return [
        (one["subjectState"]["coding"][0]["code"], one.get("startDate"), one.get("endDate"))
        for one in told
        if "subjectState" in one
    ]


def test_a_patient_has_a_sex_and_a_year_and_nothing_else() -> None:
    told = patient(subject())
    assert told.keys() == {"resourceType", "id", "meta", "gender", "birthDate"}
    assert (told["gender"], told["birthDate"]) == ("female", "1974")


def test_a_death_is_told_of_with_its_day_where_that_is_known() -> None:
    died = of("Patient", subject(status="died", left_on=DAY, died_on=DAY))[0]
    assert died["deceasedDateTime"] == "2026-03-02"
    assert "deceasedBoolean" not in died
    some_day = of("Patient", subject(status="died", left_on=DAY))[0]
    assert some_day["deceasedBoolean"] is True
    assert "deceasedDateTime" not in some_day


def test_every_subject_is_told_of_by_number_and_arm(exported: Exported, lived: Lived) -> None:
    stored = lived.api.rows(
        "SELECT subject.id, number, arm FROM subject"
        " LEFT JOIN allocation ON allocation.subject_id = subject.id"
    )
    told = {
        (UUID(one["id"]), one["identifier"][0]["value"], one.get("assignedComparisonGroup"))
        for one in exported.of("ResearchSubject").values()
    }
    assert told == {tuple(one) for one in stored}
    assert exported.of("Patient").keys() == exported.of("ResearchSubject").keys()


def test_who_left_is_told_of_until_when_and_why(exported: Exported, lived: Lived) -> None:
    told = exported.one("ResearchSubject", lived.subjects["NN"])
    last = told["progress"][-1]
    assert last["subjectState"]["coding"][0]["code"] == "withdrawn"
    assert own_codes(last["reason"]) == ["withdrawn", "consent_withdrawn"]
    stored = lived.api.rows("SELECT left_on FROM subject WHERE number = 'NN-0001'")
    assert last["startDate"] == told["period"]["end"] == str(stored[0][0])


def test_a_subject_passes_from_state_to_state_on_recorded_days() -> None:
    later = [DAY + timedelta(days=n) for n in range(100)]
    done = course(first_fraction_on=later[10], last_fraction_on=later[55])
    signed = row(signed_at=AT + timedelta(days=1), meaning="I confirm eligibility")
    parts = {
        Part.ALLOCATIONS: [row(**vars(ALLOCATED) | {"randomized_at": AT + timedelta(days=2)})],
        Part.RADIOTHERAPY: [done],
        Part.EVALUATION_SIGNATURES: [signed],
    }
    days = [str(day) for day in later]
    assert states(subject(status="in_follow_up"), parts) == [
        ("screening", days[0], days[1]),
        ("eligible", days[1], days[2]),
        ("on-study", days[2], days[55]),
        ("follow-up", days[55], None),
    ]
    assert states(subject(status="died", left_on=later[70], died_on=later[70]), parts)[-2:] == [
        ("follow-up", days[55], days[70]),
        ("off-study", days[70], None),
    ]
    # The end of radiotherapy was recorded beside a death before it.
    assert states(subject(status="died", left_on=later[30], died_on=later[30]), parts)[-2:] == [
        ("on-study", days[2], days[30]),
        ("off-study", days[30], None),
    ]


@pytest.mark.parametrize(
    ("columns", "cause", "withdrawn_on", "state", "reason"),
    [
        ({"died_on": JUNE}, None, MAY, "withdrawn", ["withdrawn", "consent_withdrawn"]),
        ({"died_on": JUNE}, "lost_to_follow_up", None, "off-study", ["lost_to_follow_up"] * 2),
        (
            {"status": "withdrawn"},
            "lost_to_follow_up",
            JUNE,
            "off-study",
            ["lost_to_follow_up"] * 2,
        ),
        ({"status": "withdrawn"}, None, JUNE, "off-study", ["other"]),
        ({"died_on": JUNE}, None, None, "off-study", ["other"]),
        ({"died_on": MAY}, None, None, "off-study", ["died"]),
        ({}, None, None, "off-study", ["died"]),
        ({"status": "withdrawn"}, None, None, "withdrawn", ["withdrawn"]),
        ({"status": "withdrawn"}, "other", None, "withdrawn", ["withdrawn", "other"]),
    ],
)
def test_who_left_is_in_the_state_and_for_the_reason_of_that_day(
    columns: Json, cause: str | None, withdrawn_on: date | None, state: str, reason: list[str]
) -> None:
    own = subject(**{"status": "died", "left_on": MAY} | columns)
    parts = {
        Part.DISCONTINUATIONS: [row(version=1, study_cause=cause)],
        Part.WITHDRAWALS: [row(consent_id=UUID(int=5), withdrawn_on=withdrawn_on)]
        if withdrawn_on
        else [],
    }
    last = of("ResearchSubject", own, parts)[0]["progress"][-1]
    assert last["subjectState"]["coding"][0]["code"] == state
    assert (last["startDate"], own_codes(last["reason"])) == (str(MAY), reason)


@pytest.mark.parametrize("columns", [{"status": "withdrawn"}, {"status": "died", "died_on": DAY}])
def test_who_failed_screening_stays_ineligible_whatever_happened_since(columns: Json) -> None:
    last = of("ResearchSubject", subject(**columns))[0]["progress"][-1]
    assert last["subjectState"]["coding"][0]["code"] == "ineligible"
    assert own_codes(last["reason"]) == ["screen_failed"]
    assert "startDate" not in last


@pytest.mark.parametrize("status", SubjectStatus, ids=lambda status: status.value)
def test_the_last_state_is_the_one_of_now(status: SubjectStatus) -> None:
    allocated = (
        {}
        if FHIR_STATES[status] in {"screening", "eligible", "ineligible"}
        else {Part.ALLOCATIONS: [ALLOCATED]}
    )
    own = subject(status=status.value, left_on=DAY if status in LEFT else None)
    assert states(own, allocated)[-1][0] == FHIR_STATES[status]


def test_the_arm_that_was_followed_is_known_when_its_treatment_began() -> None:
    def followed(arm: str, **parts: Any) -> object:
        own = row(**vars(ALLOCATED) | {"arm": arm})
        rows = {Part.ALLOCATIONS: [own], **{Part[name]: rows for name, rows in parts.items()}}
        told = of("ResearchSubject", subject(status="randomized"), rows)[0]
        assert told["assignedComparisonGroup"] == arm
        return told.get("actualComparisonGroup")

    begun = [course(first_fraction_on=DAY)]
    none, some = (row(id=SUBJECT, version=1, day=DAY, applications=n) for n in (0, 2))
    assert followed("control") is None
    assert followed("control", RADIOTHERAPY=begun) == "control"
    assert followed("experimental", RADIOTHERAPY=begun, EXPOSURES=[none]) is None
    assert followed("experimental", RADIOTHERAPY=begun, EXPOSURES=[some]) == "experimental"


def test_a_consent_holds_until_it_is_withdrawn() -> None:
    one = row(id=UUID(int=5), version="1.0", signed_on=DAY)
    told = of("Consent", subject(), {Part.CONSENTS: [one]})[0]
    assert (told["status"], told["period"]) == ("active", {"start": "2026-03-02"})
    assert told["policyBasis"]["reference"]["identifier"]["value"] == "1.0"
    gone = row(consent_id=UUID(int=5), withdrawn_on=date(2026, 4, 1))
    told = of("Consent", subject(), {Part.CONSENTS: [one], Part.WITHDRAWALS: [gone]})[0]
    assert (told["status"], told["period"]["end"]) == ("inactive", "2026-04-01")


def test_a_visit_is_completed_or_cancelled() -> None:
    done = row(code="RT2A", version=1, visited_on=DAY)
    missed = row(code="PW1", version=1, visited_on=None)
    told = of("Encounter", subject(), {Part.VISITS: [done, missed]})
    assert [(one["status"], one["type"][0]["text"]) for one in told] == [
        ("completed", "RT2A"),
        ("cancelled", "PW1"),
    ]
    assert [own_code(one["type"][0]) for one in told] == ["RT{n}A", "PW1"]
    assert "actualPeriod" not in told[1]


def test_a_visit_of_an_earlier_protocol_keeps_its_code_in_words() -> None:
    old = row(code="OLD", version=1, visited_on=DAY)
    assert of("Encounter", subject(), {Part.VISITS: [old]})[0]["type"] == [{"text": "OLD"}]

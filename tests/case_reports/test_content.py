"""What a report says of a case, element by element."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from services.api.adverse_events.schemas import (
    ActionTaken,
    CausalityVerdict,
    EventOutcome,
    Seriousness,
)
from services.api.case_reports import codes
from services.api.case_reports.content import case_report
from services.api.case_reports.rules import Case
from services.api.case_reports.schemas import CaseReport, Coded, Missing
from tests.case_reports.cases import (
    CASE,
    CREATED,
    ELSEWHERE,
    EVERY_KIND,
    FIRST,
    NULLIFIED,
    PROTOCOL,
    SECOND,
    SUSAR,
    WORSE,
    case,
    version,
)


def told(made: Case) -> CaseReport:
    return case_report(made, PROTOCOL, CREATED)


def test_no_person_is_named() -> None:
    report = told(CASE)
    assert report.patient.name.null_flavor == "MSK"
    assert report.patient.investigation_number == "NN-0007"
    assert report.primary_source.family_name.null_flavor == "MSK"
    assert "1970" not in report.model_dump_json()


def test_the_study_is_the_protocols() -> None:
    study, sender = told(CASE).study, told(CASE).sender
    assert [one.number for one in study.registrations] == ["NCT07312656"]
    assert study.sponsor_number == "2025-K0439"
    assert study.type.code == "1"
    assert sender.organisation == "First Affiliated Hospital of Guangxi Medical University"


# --- every value the trial knows has its code ----------------------------------------------


@pytest.mark.parametrize(
    ("words", "mapping"),
    [
        (EventOutcome, codes.OUTCOMES),
        (ActionTaken, codes.ACTIONS),
        (CausalityVerdict, codes.JUDGMENTS),
        (["female", "male"], codes.SEX),
    ],
    ids=["outcome", "action", "causality", "sex"],
)
def test_every_word_of_the_trial_has_a_code_and_no_other(
    words: list[str], mapping: Mapping[str, Any]
) -> None:
    assert set(mapping) == set(words)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("recovered", "1"),
        ("recovering", "2"),
        ("not_recovered", "3"),
        ("recovered_with_sequelae", "4"),
        ("fatal", "5"),
        ("unknown", "0"),
    ],
)
def test_each_outcome_has_ichs_code(outcome: str, code: str) -> None:
    assert told(case(version(outcome=outcome))).reactions[0].outcome.code == code


@pytest.mark.parametrize("criterion", [one.value for one in Seriousness])
def test_each_criterion_of_seriousness_stands_alone(criterion: str) -> None:
    [reaction] = told(case(version(seriousness=(criterion,)))).reactions
    given = {one.value: getattr(reaction, one.value) for one in Seriousness}
    assert given.pop(criterion) is True
    assert {one.null_flavor for one in given.values()} == {"NI"}


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("related", "Related"),
        ("probably", "Probably related"),
        ("possibly", "Possibly related"),
        ("unlikely", "Unlikely related"),
        ("not_related", "Not related"),
        ("not_assessable", "Not assessable"),
    ],
)
def test_investigator_and_sponsor_judge_apart(verdict: str, words: str) -> None:
    judged = version(causality_study_drug=verdict, sponsor_causality="not_related")
    drug = told(case(judged)).drugs[0]
    assert [(one.source, one.result) for one in drug.assessments] == [
        ("Investigator", words),
        ("Sponsor", "Not related"),
    ]


def test_a_sponsor_who_has_not_judged_says_nothing() -> None:
    [judged] = told(case(version(sponsor_causality=None))).drugs[0].assessments
    assert judged.source == "Investigator"


@pytest.mark.parametrize(
    ("action", "code", "noted"),
    [
        ("none", "4", False),
        ("interrupted", "1", True),
        ("withdrawn", "1", False),
        ("not_applicable", "9", False),
        ("unknown", "0", False),
    ],
)
def test_an_interruption_is_told_apart_from_a_withdrawal(
    action: str, code: str, noted: bool
) -> None:
    drug = told(case(version(action_taken=action))).drugs[0]
    assert drug.action is not None
    assert drug.action.code == code
    assert (drug.additional_information is not None) == noted


# --- treatments -------------------------------------------------------------------------


def test_the_study_drug_has_the_protocols_dosage_and_the_days_it_was_taken() -> None:
    [dosage] = told(CASE).drugs[0].dosages
    assert (dosage.dose, dosage.dose_unit) == ("1.5", "mL")
    assert (dosage.interval, dosage.interval_unit) == ("8", "h")
    assert (dosage.started_on, dosage.ended_on) == (date(2026, 3, 25), date(2026, 4, 10))
    assert dosage.text == PROTOCOL.treatment.instructions


@pytest.mark.parametrize("kind", ["control arm", "not randomized"])
def test_a_drug_that_nobody_took_is_not_suspected_of_having_been_taken(kind: str) -> None:
    drug = told(EVERY_KIND[kind]).drugs[0]
    assert drug.role.meaning == "drug not administered"
    assert drug.dosages == []
    assert drug.action == codes.ACTIONS["not_applicable"]


def test_a_drug_without_a_recorded_day_has_no_dates() -> None:
    drug = told(EVERY_KIND["no day of drug yet"]).drugs[0]
    assert drug.role.meaning == "suspect"
    assert (drug.dosages[0].started_on, drug.dosages[0].ended_on) == (None, None)


@pytest.mark.parametrize(
    ("verdict", "role"), [("probably", "suspect"), ("unlikely", "concomitant")]
)
def test_radiotherapy_is_a_treatment_with_a_judgment_of_its_own(verdict: str, role: str) -> None:
    drug = told(case(version(causality_radiotherapy=verdict))).drugs[1]
    assert drug.name == "Radiotherapy"
    assert drug.role.meaning == role
    assert drug.dosages[0].text == "66 Gy in 33 fractions planned"
    assert [one.source for one in drug.assessments] == ["Investigator"]


def test_radiotherapy_before_its_first_fraction_is_no_treatment_yet() -> None:
    assert CASE.radiotherapy is not None
    planned = replace(CASE.radiotherapy, first_fraction_on=None)
    assert [drug.name for drug in told(case(radiotherapy=planned)).drugs] == [
        PROTOCOL.adverse_events.case_report.study_drug
    ]


def test_chemotherapy_is_a_concomitant_therapy() -> None:
    assert CASE.radiotherapy is not None
    without = replace(CASE.radiotherapy, concurrent_chemotherapy=False)
    assert told(CASE).patient.concomitant_therapies is True
    assert told(case(radiotherapy=without)).patient.concomitant_therapies is None


# --- the subject ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "group"), [(1970, "adult"), (1961, None), (1960, "elderly"), (2008, None)]
)
def test_an_age_group_is_told_only_when_the_year_of_birth_decides_it(
    born: int, group: str | None
) -> None:
    found = told(case(year_of_birth=born)).patient.age_group
    if group is None:
        assert isinstance(found, Missing)
        assert found.null_flavor == "UNK"
    else:
        assert isinstance(found, Coded)
        assert found.meaning == group


def test_a_death_is_told_with_what_killed() -> None:
    death = told(EVERY_KIND["fatal"]).patient.death
    assert death is not None
    assert death.died_on == date(2026, 4, 19)
    assert [cause.meddra_code for cause in death.causes] == ["10013950"]
    assert death.autopsy.null_flavor == "NASK"


def test_a_death_of_another_cause_is_told_without_one() -> None:
    death = told(case(died=True, died_on=date(2026, 5, 1))).patient.death
    assert death is not None
    assert death.causes == []


# --- follow-ups, occurrences, other cases, nullification ------------------------------------


def test_a_follow_up_keeps_the_identifier_and_has_later_information() -> None:
    later = version(version=2, reason="Eats again", informed_at=datetime(2026, 4, 20, tzinfo=UTC))
    first, second = told(CASE), told(case(SUSAR, later))
    assert first.report.safety_report_id == second.report.safety_report_id
    assert second.report.worldwide_id == second.report.safety_report_id
    assert first.report.first_received_at == second.report.first_received_at
    assert second.report.latest_information_at == datetime(2026, 4, 20, tzinfo=UTC)
    assert first.message.batch_number.endswith("-1")
    assert second.message.batch_number.endswith("-2")
    assert second.report.change is None


def test_the_occurrences_of_a_case_are_reactions_of_one_report() -> None:
    report = told(EVERY_KIND["grown worse"])
    assert [reaction.id for reaction in report.reactions] == [FIRST, SECOND]
    assert [one.reaction for one in report.drugs[0].assessments] == [FIRST, FIRST, SECOND]
    assert report.report.first_received_at == SUSAR.aware_at
    assert report.report.latest_information_at == WORSE.informed_at
    assert report.drugs[0].additional_information is not None


def test_another_case_of_the_subject_is_linked_by_its_identifier() -> None:
    [linked] = told(EVERY_KIND["linked"]).report.linked_reports
    assert linked == f"CN-FAHGXMU-{ELSEWHERE}"


def test_a_nullified_case_says_so_and_why_and_still_tells_what_was_reported() -> None:
    report = told(case(SUSAR, NULLIFIED))
    assert report.report.change == codes.NULLIFICATION
    assert report.report.change_reason == "Recorded for another subject"
    assert report.report.latest_information_at == NULLIFIED.informed_at
    assert [reaction.id for reaction in report.reactions] == [FIRST]


def test_a_nullified_occurrence_leaves_the_case_and_does_not_nullify_it() -> None:
    gone = replace(WORSE, version=2, reason="No such thing", nullified=True)
    report = told(case(SUSAR, WORSE, gone))
    assert [reaction.id for reaction in report.reactions] == [FIRST]
    assert report.report.change is None
    assert {one.reaction for one in report.drugs[0].assessments} == {FIRST}


def test_a_text_too_long_for_its_element_shows_that_it_was_cut() -> None:
    long = version(term_detail="y" * 500)
    report = told(case(long))
    assert len(report.reactions[0].reported) == 250
    assert report.reactions[0].reported.endswith("y…")
    assert "y" * 500 in report.narrative.text


def test_treatments_have_the_same_name_in_every_version() -> None:
    assert [drug.id for drug in told(CASE).drugs] == [
        drug.id for drug in told(case(SUSAR, WORSE)).drugs
    ]
    other = told(case(version(event_id=SECOND), case_id=UUID(int=7)))
    assert {drug.id for drug in other.drugs}.isdisjoint(drug.id for drug in told(CASE).drugs)

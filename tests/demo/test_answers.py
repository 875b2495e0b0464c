"""The answers of screening follow from any document's facts and criteria."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.api.demo.answers import (
    ALTERNATIVE_UNITS,
    NoAnswer,
    Respondent,
    answers,
    eligible,
    eligible_ages,
    ineligible,
    late_results,
)
from services.api.demo.chance import Chance
from services.api.demo.person import recruit
from services.api.demo.screening import facts
from services.api.eligibility.facts import read_facts
from services.api.eligibility.rules import evaluate
from services.api.protocol.load import load
from services.api.protocol.schema import Eligibility
from tests.first_trial import FIRST_TRIAL

FIRST = FIRST_TRIAL.protocol.eligibility
SECOND = load(
    Path(__file__).parents[1] / "second_trial" / "nct03689712-1.0.yaml"
).protocol.eligibility
DAY = date(2026, 9, 21)
PEOPLE = 200
"""So many that each criterion fails at somebody."""

OPERATORS = Eligibility.model_validate_json(
    """{
    "screening_window_days": 28, "age_fact": "age", "consent_fact": "consent",
    "quantities": [{"id": "mass", "unit": "g/L", "units": {"g/L": 1, "g/dL": 10}}],
    "facts": [
      {"id": "consent", "type": "boolean", "question": "Signed?"},
      {"id": "age", "type": "integer", "question": "Age?", "minimum": 0, "maximum": 120},
      {"id": "count", "type": "integer", "question": "How many?", "minimum": 0, "maximum": 9},
      {"id": "tumour", "type": "choice", "question": "Proof?", "choices": ["none", "histology"]},
      {"id": "surgery", "type": "date_or_never", "question": "Last surgery?"},
      {"id": "marker", "type": "measurement", "question": "Marker?", "quantity": "mass",
       "dated": true, "minimum": 10, "maximum": 250},
      {"id": "enzyme", "type": "measurement", "question": "Enzyme?", "quantity": "mass",
       "dated": true, "uln": true, "minimum": 1, "maximum": 100}
    ],
    "criteria": [
      {"id": "I01", "kind": "inclusion", "text": "consent",
       "when": {"fact": "consent", "is": true}},
      {"id": "I02", "kind": "inclusion", "text": "age", "when": {"all": [
        {"fact": "age", "above": 40}, {"fact": "age", "below": 50}]}},
      {"id": "I03", "kind": "inclusion", "text": "count", "when": {"not":
        {"fact": "count", "one_of": [0, 1]}}},
      {"id": "I04", "kind": "inclusion", "text": "tumour", "when": {"not":
        {"fact": "tumour", "is": "none"}}},
      {"id": "I05", "kind": "inclusion", "text": "surgery",
       "when": {"fact": "surgery", "happened_within": {"months": 1}}},
      {"id": "I06", "kind": "inclusion", "text": "marker", "when": {"any": [
        {"fact": "marker", "above": 200}, {"fact": "enzyme", "at_most_uln": 9}]}},
      {"id": "E01", "kind": "exclusion", "text": "enzyme", "when": {"any": [
        {"fact": "enzyme", "at_most_uln": 2}, {"fact": "count", "is": 3}]}},
      {"id": "E02", "kind": "exclusion", "text": "marker", "when": {"not":
        {"fact": "marker", "at_most": 210}}}
    ]}"""
)
"""Every operator, where what is usual meets no criterion."""

SECTIONS = {"first": FIRST, "second": SECOND, "operators": OPERATORS}


def asked(section: Eligibility, seed: int, *, fails: bool) -> str:
    """What the service concludes from the answers of one person."""
    known = {section.age_fact: eligible_ages(section)[0], section.consent_fact: True}
    of = Respondent(known, Chance(f"{seed}/units"), f"{seed}")
    demands = ineligible(section, Chance(f"{seed}")) if fails else eligible(section)
    given = answers(of, section, demands, DAY - timedelta(days=2))
    return evaluate(read_facts(given, section, DAY), section, DAY).overall


@pytest.mark.parametrize("section", SECTIONS)
def test_the_answers_meet_every_criterion(section: str) -> None:
    for seed in range(PEOPLE):
        assert asked(SECTIONS[section], seed, fails=False) == "eligible"


@pytest.mark.parametrize("section", SECTIONS)
def test_the_answers_of_the_ineligible_fail_one(section: str) -> None:
    for seed in range(PEOPLE):
        assert asked(SECTIONS[section], seed, fails=True) == "ineligible"


def test_the_ages_are_those_that_the_criteria_allow() -> None:
    assert eligible_ages(FIRST) == range(18, 76)
    assert eligible_ages(SECOND) == range(18, 121)
    assert eligible_ages(OPERATORS) == range(41, 50)


def test_late_results_are_dated_and_leave_a_criterion_open() -> None:
    late = late_results(FIRST)
    assert late == ("total_bilirubin", "ecg_clinically_significant_abnormality")
    assert late_results(SECOND) == ("creatinine_clearance", "serum_pregnancy_test")
    for person in recruit(1, ("NN",), eligible_ages(FIRST), 5, DAY):
        given = facts(person, FIRST, DAY)
        some = {name: value for name, value in given.items() if name not in late}
        if person.takes_part:
            concluded = evaluate(read_facts(some, FIRST, DAY), FIRST, DAY)
            assert (concluded.overall, concluded.unknown_facts) == ("incomplete", late)


def test_some_laboratories_report_in_other_units() -> None:
    people = recruit(1, ("NN",), eligible_ages(FIRST), 200, DAY)
    units = Counter(facts(person, FIRST, DAY)["haemoglobin"]["unit"] for person in people)
    assert abs(units["g/dL"] / units.total() - ALTERNATIVE_UNITS) < 0.1
    assert set(units) == {"g/L", "g/dL"}


def test_criteria_that_contradict_each_other_have_no_answer() -> None:
    other = OPERATORS.criteria[3].model_copy(update={"id": "E03", "kind": "exclusion"})
    impossible = OPERATORS.model_copy(update={"criteria": (*OPERATORS.criteria, other)})
    with pytest.raises(NoAnswer, match="tumour"):
        asked(impossible, 1, fails=False)

"""Eligibility: what each criterion says on the facts, and what a signature covers."""

from collections.abc import Mapping
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.eligibility.facts import read_facts
from services.api.eligibility.rules import (
    CriterionVerdict,
    Evaluation,
    age_agrees,
    evaluate,
    evaluation_hash,
)
from services.api.protocol import schema
from services.api.protocol.schema import Fact, FactType
from tests.facts import HB, MEASURED_DAYS_BEFORE, SMALL, eligible_facts
from tests.first_trial import FIRST_TRIAL

TODAY = date(2026, 9, 30)


def test_verdicts_use_the_unrounded_value_and_display_the_rounded() -> None:
    facts = read_facts({"hb": {**HB, "value": 8.9999999, "unit": "g/dL"}}, SMALL, TODAY)
    assert facts.normalised["hb"] == {"value": 90, "unit": "g/L", "measured_on": "2026-09-20"}
    assert evaluate(facts, SMALL, TODAY).criteria[0].flag == "low haemoglobin"


# --- evaluating, on the small protocol ------------------------------------------------


def test_a_stale_fact_neither_meets_nor_fails_and_the_criterion_says_so() -> None:
    old = {"hb": {**HB, "measured_on": "2026-09-01"}, "surgery": "never"}
    evaluation = evaluate(read_facts(old, SMALL, TODAY), SMALL, TODAY)
    first = evaluation.criteria[0]
    assert (first.verdict, first.stale, first.flag) == ("unknown", True, None)
    assert evaluation.overall == "incomplete"
    assert evaluation.stale_facts == ("hb",)
    assert "hb" not in evaluation.unknown_facts


def test_a_verdict_that_fresh_facts_settle_stands_beside_a_stale_one() -> None:
    given = {
        "hb": {**HB, "measured_on": "2026-09-01"},
        "ecg": {"value": False, "measured_on": "2026-09-20"},
        "surgery": "never",
    }
    evaluation = evaluate(read_facts(given, SMALL, TODAY), SMALL, TODAY)
    assert (evaluation.criteria[0].verdict, evaluation.criteria[0].stale) == ("met", True)
    assert evaluation.overall == "eligible"


def test_one_failed_criterion_makes_ineligible_whatever_is_unknown() -> None:
    evaluation = evaluate(read_facts({"surgery": "2026-09-29"}, SMALL, TODAY), SMALL, TODAY)
    assert [one.verdict for one in evaluation.criteria] == ["unknown", "met"]
    assert evaluation.overall == "ineligible"


def test_unknown_facts_are_those_never_given() -> None:
    evaluation = evaluate(read_facts({"age": 40, "consent": None}, SMALL, TODAY), SMALL, TODAY)
    assert evaluation.unknown_facts == ("consent", "tumour", "surgery", "ecg", "hb", "bili")
    assert evaluation.overall == "incomplete"


# --- age ---------------------------------------------------------------------------


@pytest.mark.parametrize(("age", "agrees"), [(39, False), (40, True), (41, True), (42, False)])
def test_age_is_the_difference_of_the_years_or_one_less(age: int, agrees: bool) -> None:
    assert age_agrees(age, 1985, date(2026, 3, 1)) is agrees


@given(born=st.dates(date(1930, 1, 1), date(2010, 12, 31)), on=st.dates(date(2026, 1, 1), TODAY))
def test_the_true_age_always_agrees_with_the_year_of_birth(born: date, on: date) -> None:
    true_age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    assert age_agrees(true_age, born.year, on)


# --- evaluating, on the trial's own document ------------------------------------------

DOCUMENTS = Path(schema.__file__).parent / "documents"
TRIAL = FIRST_TRIAL.protocol.eligibility
CRITERIA = [criterion.id for criterion in TRIAL.criteria]
DATED = [fact.id for fact in TRIAL.facts if fact.dated]
MEASUREMENTS = [fact for fact in TRIAL.facts if fact.type is FactType.MEASUREMENT]

# For every criterion the change, or changes, to an eligible subject that fail it and no other.
# A part of a measurement replaces that part only.
FAILING: list[tuple[str, dict[str, object]]] = [
    ("I01", {"head_neck_malignancy_confirmed": False}),
    ("I02", {"age_at_consent": 17}),
    ("I02", {"age_at_consent": 76}),
    ("I03a", {"radical_radiotherapy_planned": False}),
    ("I03b", {"planned_total_dose": 59}),
    ("I03c", {"oral_cavity_or_oropharynx_in_field": False}),
    ("I04a", {"ecog_performance_status": 3}),
    ("I04b", {"life_expectancy": 5}),
    ("I05a", {"white_blood_cells": {"value": 2.99}}),
    ("I05b", {"haemoglobin": {"value": 89.9}}),
    ("I05b", {"haemoglobin": {"value": 8.99, "unit": "g/dL"}}),
    ("I05c", {"platelets": {"value": 99}}),
    ("I06a", {"alanine_aminotransferase": {"value": 100.1}}),
    ("I06b", {"aspartate_aminotransferase": {"value": 100.1}}),
    ("I06c", {"total_bilirubin": {"value": 31.6}}),
    ("I07", {"serum_creatinine": {"value": 156.1}, "creatinine_clearance": {"value": 49.9}}),
    ("I08", {"ecg_clinically_significant_abnormality": {"value": True}}),
    ("I09a", {"oral_mucosa_intact": False}),
    ("I09b", {"active_oral_infection": True}),
    ("I09c", {"severe_periodontal_disease": True}),
    ("I10", {"informed_consent_signed": False}),
    ("E01", {"previous_head_neck_radiotherapy": True}),
    ("E02", {"last_head_neck_surgery": "2026-09-02"}),
    ("E03a", {"in_another_trial": True}),
    ("E03b", {"last_interventional_trial": "2026-09-02"}),
    ("E04a", {"unstable_angina": True}),
    ("E04b", {"last_myocardial_infarction": "2026-03-30"}),
    ("E04c", {"severe_arrhythmia": True}),
    ("E04d", {"nyha_class": "III"}),
    ("E04d", {"nyha_class": "IV"}),
    ("E05a", {"cirrhosis": True}),
    ("E05b", {"chronic_renal_insufficiency": True}),
    ("E05b", {"creatinine_clearance": {"value": 29.9}}),
    ("E06", {"active_systemic_infection": True}),
    ("E07", {"autoimmune_disease_on_immunosuppressants": True}),
    ("E08", {"impairing_psychiatric_disorder": True}),
    ("E09a", {"other_oral_mucosal_agent_needed": True}),
    ("E09b", {"long_term_immunosuppressants": True}),
    ("E09c", {"long_term_corticosteroid_dose": 11}),
    ("E10a", {"unable_to_comprehend": True}),
    ("E10b", {"unable_to_comply": True}),
    ("E11", {"unsuitable_by_investigator_judgment": True}),
]
FAILED: Mapping[str, CriterionVerdict] = {
    "inclusion": CriterionVerdict.NOT_MET,
    "exclusion": CriterionVerdict.MET,
}
PASSED: Mapping[str, CriterionVerdict] = {
    "inclusion": CriterionVerdict.MET,
    "exclusion": CriterionVerdict.NOT_MET,
}


def changed(changes: Mapping[str, object]) -> dict[str, object]:
    """An eligible subject's facts with some changed; a mapping replaces parts of an object."""
    facts = eligible_facts(TODAY)
    for key, change in changes.items():
        was = facts[key]
        facts[key] = (
            {**was, **change} if isinstance(was, dict) and isinstance(change, dict) else change
        )
    return facts


def judge(facts: Mapping[str, object], reference: date = TODAY) -> Evaluation:
    return evaluate(read_facts(facts, TRIAL, TODAY), TRIAL, reference)


def verdicts(evaluation: Evaluation) -> dict[str, CriterionVerdict]:
    return {one.id: one.verdict for one in evaluation.criteria}


def not_passed(evaluation: Evaluation) -> dict[str, CriterionVerdict]:
    """The criteria that stand in the subject's way, with their verdict."""
    return {one.id: one.verdict for one in evaluation.criteria if one.verdict != PASSED[one.kind]}


def test_the_eligible_subject_answers_every_fact_and_passes_every_criterion() -> None:
    assert set(eligible_facts(TODAY)) == {fact.id for fact in TRIAL.facts}
    evaluation = judge(eligible_facts(TODAY))
    assert evaluation.overall == "eligible"
    assert not_passed(evaluation) == {}
    assert [one.flag for one in evaluation.criteria] == [None] * len(CRITERIA)
    assert not any(one.stale for one in evaluation.criteria)
    assert (evaluation.unknown_facts, evaluation.stale_facts) == ((), ())


def test_every_criterion_has_a_failing_case_here() -> None:
    assert {criterion for criterion, _ in FAILING} == set(CRITERIA)


@pytest.mark.parametrize(("criterion", "changes"), FAILING)
def test_a_criterion_fails_alone_and_makes_ineligible(
    criterion: str, changes: dict[str, object]
) -> None:
    evaluation = judge(changed(changes))
    kind = next(one.kind for one in TRIAL.criteria if one.id == criterion)
    assert not_passed(evaluation) == {criterion: FAILED[kind]}
    assert evaluation.overall == "ineligible"


@pytest.mark.parametrize(("criterion", "changes"), FAILING)
def test_a_criterion_without_its_facts_is_unknown_and_makes_incomplete(
    criterion: str, changes: dict[str, object]
) -> None:
    evaluation = judge(changed(dict.fromkeys(changes)))
    assert verdicts(evaluation)[criterion] == "unknown"
    assert set(not_passed(evaluation).values()) == {"unknown"}
    assert evaluation.overall == "incomplete"
    assert set(evaluation.unknown_facts) == set(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"age_at_consent": 18},
        {"age_at_consent": 75},
        {"planned_total_dose": 60},
        {"ecog_performance_status": 0},
        {"ecog_performance_status": 2},
        {"life_expectancy": 6},
        {"white_blood_cells": {"value": 3.0}},
        {"white_blood_cells": {"value": 3}},
        {"haemoglobin": {"value": 90}},
        {"haemoglobin": {"value": 9.0, "unit": "g/dL"}},
        {"platelets": {"value": 100}},
        {"alanine_aminotransferase": {"value": 100, "uln": 40}},
        {"aspartate_aminotransferase": {"value": 87.5, "uln": 35}},
        {"total_bilirubin": {"value": 25.65, "uln": 17.1}},
        {"total_bilirubin": {"value": 1.8, "uln": 1.2, "unit": "mg/dL"}},
        {"serum_creatinine": {"value": 156}, "creatinine_clearance": {"value": 50}},
        {"last_head_neck_surgery": "2026-09-01"},
        {"last_interventional_trial": "2026-09-01"},
        {"last_myocardial_infarction": "2026-03-29"},
        {"nyha_class": "II"},
        {"long_term_corticosteroid_dose": 10},
    ],
)
def test_a_value_on_the_limit_passes(changes: dict[str, object]) -> None:
    assert judge(changed(changes)).overall == "eligible"


def test_surgery_28_days_before_randomization_excludes_and_29_does_not() -> None:
    facts = changed({"last_head_neck_surgery": (TODAY - timedelta(days=10)).isoformat()})
    assert judge(facts, TODAY + timedelta(days=18)).overall == "ineligible"
    assert judge(facts, TODAY + timedelta(days=19)).overall == "eligible"


@pytest.mark.parametrize(
    ("infarction", "reference", "verdict"),
    [
        ("2026-02-28", date(2026, 8, 28), "met"),
        ("2026-02-28", date(2026, 8, 29), "met"),
        ("2026-02-28", date(2026, 8, 31), "met"),
        ("2026-02-28", date(2026, 9, 1), "not_met"),
        ("2026-03-01", date(2026, 9, 1), "met"),
        ("2026-03-01", date(2026, 9, 2), "not_met"),
    ],
)
def test_infarction_excludes_for_6_calendar_months(
    infarction: str, reference: date, verdict: CriterionVerdict
) -> None:
    facts = changed({"last_myocardial_infarction": infarction})
    assert verdicts(judge(facts, reference))["E04b"] == verdict


# --- renal function -------------------------------------------------------------------


def renal(creatinine: float | None, clearance: float | None) -> Evaluation:
    """The evaluation of an otherwise eligible subject; creatinine in µmol/L of a limit of 104."""
    return judge(
        changed(
            {
                "serum_creatinine": None if creatinine is None else {"value": creatinine},
                "creatinine_clearance": None if clearance is None else {"value": clearance},
            }
        )
    )


def flags(evaluation: Evaluation) -> set[str]:
    return {one.id for one in evaluation.criteria if one.flag is not None}


def test_normal_creatinine_with_clearance_35_is_eligible_and_flagged_for_review() -> None:
    evaluation = renal(creatinine=74, clearance=35)
    assert evaluation.overall == "eligible"
    assert flags(evaluation) == {"I07"}


def test_high_creatinine_with_clearance_40_fails_inclusion_7_and_is_not_excluded() -> None:
    assert not_passed(renal(creatinine=200, clearance=40)) == {"I07": "not_met"}


def test_high_creatinine_with_clearance_50_is_eligible_without_a_flag() -> None:
    evaluation = renal(creatinine=200, clearance=50)
    assert evaluation.overall == "eligible"
    assert flags(evaluation) == set()


@given(creatinine=st.none() | st.floats(5, 3000))
def test_clearance_29_excludes_whatever_the_creatinine(creatinine: float | None) -> None:
    evaluation = renal(creatinine=creatinine, clearance=29)
    assert verdicts(evaluation)["E05b"] == "met"
    assert evaluation.overall == "ineligible"


def test_clearance_30_does_not_exclude() -> None:
    assert verdicts(renal(creatinine=74, clearance=30))["E05b"] == "not_met"


def test_high_creatinine_without_clearance_is_unknown_not_failed() -> None:
    assert not_passed(renal(creatinine=200, clearance=None)) == {
        "I07": "unknown",
        "E05b": "unknown",
    }


def test_normal_creatinine_without_clearance_meets_inclusion_7_and_leaves_exclusion_5_open() -> (
    None
):
    evaluation = renal(creatinine=74, clearance=None)
    assert not_passed(evaluation) == {"E05b": "unknown"}
    assert evaluation.overall == "incomplete"


# --- units ------------------------------------------------------------------------------


@pytest.mark.parametrize("fact", MEASUREMENTS, ids=[fact.id for fact in MEASUREMENTS])
@given(data=st.data())
def test_a_value_gives_the_same_verdicts_in_every_accepted_unit(
    fact: Fact, data: st.DataObject
) -> None:
    quantity = next(one for one in TRIAL.quantities if one.id == fact.quantity)
    lowest, highest = fact.minimum or 0, fact.maximum or 0
    limits = [lowest * 1.01, 2.9, 3, 30, 50, 60, 89.9, 90, 100, 156, 156.1, 31.5, 31.6]
    usual = [limit for limit in limits if lowest < limit < highest]
    value = data.draw(st.sampled_from(usual) | st.floats(lowest * 1.01, highest * 0.99))
    uln = data.draw(st.sampled_from([40.0, 21.0, 104.0])) if fact.uln else None

    def in_unit(factor: float, unit: str) -> dict[str, CriterionVerdict]:
        sent = {"value": value / factor, "unit": unit}
        return verdicts(
            judge(changed({fact.id: sent | ({} if uln is None else {"uln": uln / factor})}))
        )

    normal = in_unit(1, quantity.unit)
    for unit, factor in quantity.units.items():
        assert in_unit(factor, unit) == normal


@given(tenths=st.integers(100, 2000), more=st.integers(1, 50))
def test_transaminases_pass_at_exactly_two_and_a_half_times_the_limit_and_not_above(
    tenths: int, more: int
) -> None:
    uln, limit = tenths / 10, tenths * 25 / 100
    above = (tenths * 25 + more) / 100
    for value, expected in ((limit, "met"), (above, "not_met")):
        facts = changed({"alanine_aminotransferase": {"value": value, "uln": uln}})
        assert verdicts(judge(facts))["I06a"] == expected


# --- stale and missing facts -----------------------------------------------------------


@pytest.mark.parametrize("fact", DATED)
def test_a_dated_fact_is_used_at_28_days_and_stale_at_29(fact: str) -> None:
    fresh = judge(changed({fact: {"measured_on": (TODAY - timedelta(days=28)).isoformat()}}))
    assert (fresh.overall, fresh.stale_facts) == ("eligible", ())

    old = judge(changed({fact: {"measured_on": (TODAY - timedelta(days=29)).isoformat()}}))
    assert old.stale_facts == (fact,)
    assert old.unknown_facts == ()
    assert any(one.stale for one in old.criteria)
    for one in old.criteria:
        if one.verdict != PASSED[one.kind]:
            assert (one.verdict, one.stale) == ("unknown", True)


@pytest.mark.parametrize("days", [29, 400])
def test_a_failing_value_that_is_stale_no_longer_makes_ineligible(days: int) -> None:
    day = (TODAY - timedelta(days=days)).isoformat()
    evaluation = judge(changed({"platelets": {"value": 20, "measured_on": day}}))
    assert not_passed(evaluation) == {"I05c": "unknown"}
    assert evaluation.overall == "incomplete"


def test_waiting_past_the_window_leaves_an_eligible_subject_incomplete_not_ineligible() -> None:
    facts = eligible_facts(TODAY)
    last = TODAY + timedelta(days=28 - MEASURED_DAYS_BEFORE)
    assert judge(facts, last).overall == "eligible"
    late = judge(facts, last + timedelta(days=1))
    assert late.overall == "incomplete"
    assert set(late.stale_facts) == set(DATED)


@given(
    omitted=st.sets(st.sampled_from([fact.id for fact in TRIAL.facts])),
    case=st.sampled_from(FAILING),
)
def test_leaving_facts_out_never_turns_a_verdict_into_its_opposite(
    omitted: set[str], case: tuple[str, dict[str, object]]
) -> None:
    whole = changed(case[1])
    known = verdicts(judge(whole))
    partly = verdicts(judge({key: fact for key, fact in whole.items() if key not in omitted}))
    assert all(partly[one] in (known[one], "unknown") for one in CRITERIA)


# --- what is stored and signed --------------------------------------------------------


SUBJECT = UUID("019c8a55-1b77-7e0a-8c54-7a3f9b2d6e18")


def signed(facts: Mapping[str, object], reference: date = TODAY, version: str = "1.0") -> str:
    read = read_facts(facts, TRIAL, TODAY)
    return evaluation_hash(read.given, evaluate(read, TRIAL, reference), version, SUBJECT, 1)


def reordered(value: object, order: Random) -> object:
    """The same JSON with the keys of every object in another order."""
    if not isinstance(value, dict):
        return value
    keys = list(value)
    order.shuffle(keys)
    return {key: reordered(value[key], order) for key in keys}


@given(order=st.randoms(use_true_random=False))
def test_the_hash_does_not_depend_on_the_order_of_keys(order: Random) -> None:
    facts = read_facts(eligible_facts(TODAY), TRIAL, TODAY)
    evaluation = evaluate(facts, TRIAL, TODAY)
    shuffled = cast("dict[str, object]", reordered(dict(facts.given), order))
    assert evaluation_hash(shuffled, evaluation, "1.0", SUBJECT, 1) == signed(eligible_facts(TODAY))


def test_the_hash_does_not_depend_on_how_a_number_is_written() -> None:
    whole, fraction = ({"haemoglobin": {"value": value}} for value in (120, 120.0))
    assert signed(changed(whole)) == signed(changed(fraction))


@pytest.mark.parametrize("fact", [fact.id for fact in TRIAL.facts])
def test_the_hash_changes_when_any_fact_is_taken_away(fact: str) -> None:
    assert signed(changed({fact: None})) != signed(eligible_facts(TODAY))


def test_the_hash_changes_with_a_value_that_changes_no_verdict() -> None:
    assert signed(changed({"haemoglobin": {"value": 121}})) != signed(eligible_facts(TODAY))


def test_the_hash_changes_with_the_protocol_version() -> None:
    assert signed(eligible_facts(TODAY), version="1.1") != signed(eligible_facts(TODAY))


def test_the_hash_is_of_one_subject_and_one_version() -> None:
    """Equal facts and verdicts of another subject, or recorded again, are signed anew."""
    facts = read_facts(eligible_facts(TODAY), TRIAL, TODAY)
    evaluation = evaluate(facts, TRIAL, TODAY)
    others = (
        evaluation_hash(facts.given, evaluation, "1.0", UUID(int=SUBJECT.int + 1), 1),
        evaluation_hash(facts.given, evaluation, "1.0", SUBJECT, 2),
    )
    assert len({signed(eligible_facts(TODAY)), *others}) == 3


def test_the_hash_changes_when_a_fact_went_stale_since() -> None:
    facts = eligible_facts(TODAY)
    assert signed(facts, TODAY + timedelta(days=21)) == signed(facts)
    assert signed(facts, TODAY + timedelta(days=22)) != signed(facts)


def test_the_hash_is_sha_256_of_canonical_json_so_that_old_signatures_stay_verifiable() -> None:
    facts = read_facts({"age": 40}, SMALL, TODAY)
    text = (
        '{"facts":{"age":40},"overall":"incomplete","protocol_version":"1.0",'
        '"subject_id":"019c8a55-1b77-7e0a-8c54-7a3f9b2d6e18",'
        '"verdicts":{"E01":"unknown","I01":"unknown"},"version":1}'
    )
    expected = sha256(text.encode()).hexdigest()
    evaluation = evaluate(facts, SMALL, TODAY)
    assert evaluation_hash(facts.given, evaluation, "1.0", SUBJECT, 1) == expected

"""The document of NCT07312656 1.0 says what the trial's record and rulings say."""

from datetime import date
from itertools import product

import pytest

from services.api.protocol.conditions import evaluate
from services.api.protocol.load import Loaded
from services.api.protocol.schema import Anchor, FactType, Protocol, leaves

LABORATORY = {
    "white_blood_cells",
    "haemoglobin",
    "platelets",
    "alanine_aminotransferase",
    "aspartate_aminotransferase",
    "total_bilirubin",
    "serum_creatinine",
    "creatinine_clearance",
}
APPEARANCES = ("normal", "erythema", "patchy", "confluent", "ulcer_hemorrhage_necrosis")
ANALGESICS = ("none", "non_opioid", "opioid")
DIETS = ("solid", "soft", "liquid", "none_by_mouth")


@pytest.fixture(scope="session")
def protocol(loaded: Loaded) -> Protocol:
    return loaded.protocol


def grade(protocol: Protocol, scale: str, **observed: object) -> int | None:
    rows = protocol.scale(scale).grades
    return next((row.grade for row in rows if evaluate(row.when, observed, date.min)), None)


def assessment(
    appearance: str,
    *,
    ulcer: bool = False,
    pain: int = 0,
    analgesic: str = "none",
    diet: str = "solid",
) -> dict[str, object]:
    return {
        "mucosal_appearance": appearance,
        "ulceration": ulcer,
        "pain_score": pain,
        "analgesic": analgesic,
        "diet": diet,
    }


# --- design -----------------------------------------------------------------------------


def test_three_sites_two_arms_one_to_one_capped_at_200(protocol: Protocol) -> None:
    assert [site.code for site in protocol.sites] == ["NN", "LZ", "YL"]
    assert {arm.code: arm.receives_study_drug for arm in protocol.arms} == {
        "experimental": True,
        "control": False,
    }
    rule = protocol.randomization
    assert rule.ratio == {"experimental": 1, "control": 1}
    assert (rule.cap, rule.slots_per_stratum) == (200, 200)
    assert protocol.study.target_enrolment == 200


def test_six_strata_of_site_by_concurrent_chemotherapy(protocol: Protocol) -> None:
    site, chemotherapy = protocol.randomization.factors
    assert (site.id, site.source) == ("site", "site")
    assert {level.value: level.code for level in site.levels} == {
        "NN": "NN",
        "LZ": "LZ",
        "YL": "YL",
    }
    assert (chemotherapy.id, chemotherapy.source) == ("concurrent_chemotherapy", "radiotherapy")
    assert {level.value: level.code for level in chemotherapy.levels} == {True: "C", False: "N"}


def test_study_drug_runs_from_7_days_before_to_14_days_after(protocol: Protocol) -> None:
    drug = protocol.treatment
    assert (drug.starts_days_before_rt, drug.ends_days_after_rt) == (7, 14)
    assert (drug.applications_per_day, drug.dose_ml, drug.vials_per_day) == (3, 1.5, 1)


# --- eligibility ------------------------------------------------------------------------


def test_every_criterion_of_the_record_is_there_whole_or_in_parts(protocol: Protocol) -> None:
    ids = [criterion.id for criterion in protocol.eligibility.criteria]
    assert list(dict.fromkeys(code[:3] for code in ids)) == (
        [f"I{n:02}" for n in range(1, 11)] + [f"E{n:02}" for n in range(1, 12)]
    )
    for whole in {code[:3] for code in ids}:
        letters = "".join(code[3:] for code in ids if code.startswith(whole))
        assert letters == "abcdefgh"[: len(letters)]


def test_laboratory_values_and_the_ecg_are_dated_and_nothing_else_is(protocol: Protocol) -> None:
    facts = protocol.eligibility.facts
    dated = {fact.id for fact in facts if fact.dated}
    assert dated == LABORATORY | {"ecg_clinically_significant_abnormality"}
    assert {fact.id for fact in facts if fact.type is FactType.MEASUREMENT} == LABORATORY


def test_four_values_come_with_the_laboratorys_limit_of_normal(protocol: Protocol) -> None:
    assert {fact.id for fact in protocol.eligibility.facts if fact.uln} == {
        "alanine_aminotransferase",
        "aspartate_aminotransferase",
        "total_bilirubin",
        "serum_creatinine",
    }


@pytest.mark.parametrize(
    ("quantity", "unit", "factor"),
    [
        ("cell_count", "10^9/L", 1),
        ("haemoglobin", "g/L", 1),
        ("haemoglobin", "g/dL", 10),
        ("enzyme_activity", "U/L", 1),
        ("creatinine", "umol/L", 1),
        ("creatinine", "\u00b5mol/L", 1),
        ("creatinine", "\u03bcmol/L", 1),
        ("creatinine", "mg/dL", 88.42),
        ("bilirubin", "umol/L", 1),
        ("bilirubin", "\u00b5mol/L", 1),
        ("bilirubin", "mg/dL", 17.104),
        ("clearance", "mL/min", 1),
    ],
)
def test_units_of_the_region_are_accepted_with_their_factor(
    protocol: Protocol, quantity: str, unit: str, factor: float
) -> None:
    [found] = [known for known in protocol.eligibility.quantities if known.id == quantity]
    assert found.units[unit] == factor


def test_every_fact_has_a_question_a_coordinator_can_answer(protocol: Protocol) -> None:
    for fact in protocol.eligibility.facts:
        assert "?" in fact.question
        assert fact.question[0].isupper()
        if fact.type is FactType.DATE_OR_NEVER:
            assert "a date, or never" in fact.question


def test_a_washout_counts_28_days_and_an_infarction_6_months(protocol: Protocol) -> None:
    lengths = {
        criterion.id: leaf.happened_within
        for criterion in protocol.eligibility.criteria
        for leaf in leaves(criterion.when)
        if hasattr(leaf, "happened_within")
    }
    assert {code: (length.days, length.months) for code, length in lengths.items()} == {
        "E02": (28, None),
        "E03b": (28, None),
        "E04b": (None, 6),
    }


# --- visits -----------------------------------------------------------------------------


def test_the_schedule_is_that_of_the_ruling(protocol: Protocol) -> None:
    rows = {
        visit.code: (visit.anchor, visit.earliest, visit.day, visit.latest, visit.slot)
        for visit in protocol.visits.schedule
    }
    start, end = Anchor.RT_START, Anchor.RT_END
    assert rows == {
        "SCR": (start, -28, -14, -1, False),
        "BL": (start, -7, -1, 0, False),
        "RT{n}A": (start, 0, 1, 2, True),
        "RT{n}B": (start, 3, 4, 6, True),
        "PW1": (end, 4, 7, 10, True),
        "PW2": (end, 11, 14, 17, True),
        "FU30": (end, 23, 30, 37, True),
        "FU60": (end, 53, 60, 67, True),
        "FU90": (end, 83, 90, 97, True),
    }


def test_the_baseline_is_graded_0_and_screening_is_not_graded(protocol: Protocol) -> None:
    screening, baseline, *later = protocol.visits.schedule
    assert (screening.graded, screening.highest_grade) == (False, None)
    assert (baseline.graded, baseline.highest_grade) == (True, 0)
    assert all(visit.graded and visit.highest_grade is None for visit in later)


# --- grading ----------------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["protocol", "who", "rtog"])
def test_every_combination_of_components_has_a_grade_and_every_grade_is_reached(
    protocol: Protocol, scale: str
) -> None:
    grades = {
        grade(protocol, scale, **assessment(a, ulcer=u, pain=p, analgesic=g, diet=d))
        for a, u, p, g, d in product(APPEARANCES, (True, False), range(11), ANALGESICS, DIETS)
    }
    assert grades == {0, 1, 2, 3, 4}


def test_the_components_are_those_of_the_ruling(protocol: Protocol) -> None:
    choices = {component.id: component.choices for component in protocol.grading.components}
    assert choices == {
        "mucosal_appearance": APPEARANCES,
        "ulceration": (True, False),
        "pain_score": (),
        "analgesic": ANALGESICS,
        "diet": DIETS,
    }


@pytest.mark.parametrize("scale", ["protocol", "who", "rtog"])
def test_more_pain_never_lowers_a_grade(protocol: Protocol, scale: str) -> None:
    for a, u, g, d in product(APPEARANCES, (True, False), ANALGESICS, DIETS):
        grades = [
            grade(protocol, scale, **assessment(a, ulcer=u, pain=p, analgesic=g, diet=d)) or 0
            for p in range(11)
        ]
        assert grades == sorted(grades)


@pytest.mark.parametrize("scale", ["protocol", "who", "rtog"])
def test_a_worse_appearance_never_lowers_a_grade(protocol: Protocol, scale: str) -> None:
    for u, p, g, d in product((True, False), range(11), ANALGESICS, DIETS):
        grades = [
            grade(protocol, scale, **assessment(a, ulcer=u, pain=p, analgesic=g, diet=d)) or 0
            for a in APPEARANCES
        ]
        assert grades == sorted(grades)


WORDINGS = [
    # assessment, protocol, WHO, RTOG
    (assessment("normal"), 0, 0, 0),
    (assessment("normal", diet="none_by_mouth"), 0, 0, 0),
    (assessment("normal", pain=2), 0, 1, 1),
    (assessment("erythema", pain=2), 1, 1, 1),
    (assessment("patchy", pain=5), 2, 1, 2),
    (assessment("patchy", ulcer=True, pain=5), 2, 2, 2),
    (assessment("patchy", ulcer=True, pain=5, diet="soft"), 2, 2, 2),
    (assessment("patchy", ulcer=True, pain=5, diet="liquid"), 2, 3, 2),
    (assessment("erythema", ulcer=True), 2, 2, 2),
    (assessment("confluent", pain=3), 2, 1, 3),
    (assessment("confluent", ulcer=True, pain=8, analgesic="opioid", diet="liquid"), 3, 3, 3),
    (assessment("confluent", pain=3, analgesic="non_opioid"), 3, 1, 3),
    (assessment("confluent", ulcer=True, pain=7), 3, 2, 3),
    (assessment("confluent", pain=9, diet="none_by_mouth"), 3, 4, 3),
    (assessment("ulcer_hemorrhage_necrosis", ulcer=True, pain=9, diet="liquid"), 4, 3, 4),
    (assessment("ulcer_hemorrhage_necrosis", ulcer=True, pain=9, diet="none_by_mouth"), 4, 4, 4),
    (assessment("ulcer_hemorrhage_necrosis", pain=4, analgesic="opioid", diet="soft"), 4, 2, 4),
    (assessment("ulcer_hemorrhage_necrosis", pain=9), 3, 2, 4),
    (assessment("ulcer_hemorrhage_necrosis", pain=6, diet="liquid"), 3, 3, 4),
]


@pytest.mark.parametrize(("observed", "protocol_grade", "who", "rtog"), WORDINGS)
def test_the_scales_derive_the_grade_of_their_wording(
    protocol: Protocol, observed: dict[str, object], protocol_grade: int, who: int, rtog: int
) -> None:
    derived = [grade(protocol, scale, **observed) for scale in ("protocol", "who", "rtog")]
    assert derived == [protocol_grade, who, rtog]


# --- endpoint and safety ------------------------------------------------------------------


def test_the_endpoint_is_grade_3_within_90_days_with_80_percent_coverage(
    protocol: Protocol,
) -> None:
    rule = protocol.endpoint
    assert (rule.severe_grade, rule.any_grade, rule.window_days_after_rt_end) == (3, 1, 90)
    assert (rule.coverage_share, rule.last_grading_from_day) == (0.8, 83)


def test_the_clocks_are_24_hours_7_and_8_days_and_15_days(protocol: Protocol) -> None:
    clocks = {
        clock.applies_to: (clock.hours, clock.days, clock.follow_up_days)
        for clock in protocol.adverse_events.clocks
    }
    assert clocks == {
        "serious": (24, None, None),
        "susar_fatal_or_life_threatening": (None, 7, 8),
        "susar_other": (None, 15, None),
    }
    assert protocol.adverse_events.related == ("related", "probably", "possibly")
    assert protocol.adverse_events.unassessed_expectedness == "unexpected"


def test_the_site_reports_to_the_sponsor_and_the_sponsor_to_regulator_and_ethics_committee(
    protocol: Protocol,
) -> None:
    clocks = {
        clock.applies_to: (clock.recipients, clock.remind_hours_before)
        for clock in protocol.adverse_events.clocks
    }
    reaction = (("regulator", "ethics_committee"), (72, 24))
    assert clocks == {
        "serious": (("sponsor",), (12, 4)),
        "susar_fatal_or_life_threatening": reaction,
        "susar_other": reaction,
    }


def test_the_document_holds_no_block_size(loaded: Loaded) -> None:
    assert loaded.document["randomization"].keys() == {
        "ratio",
        "factors",
        "cap",
        "slots_per_stratum",
    }
    [ruling] = [row for row in loaded.document["assumptions"] if row["id"] == "block_sizes"]
    text = " ".join([ruling["record"], ruling["ruling"], ruling["reason"]])
    assert not any(word in text.split() for word in ("4", "6", "four", "six"))

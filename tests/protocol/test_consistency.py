import json
from typing import Any

import pytest

from services.api.protocol.consistency import mistakes
from services.api.protocol.load import Loaded
from services.api.protocol.schema import Protocol


def found(document: dict[str, Any]) -> list[tuple[str, str]]:
    protocol = Protocol.model_validate_json(json.dumps(document), strict=True)
    return [(mistake.path, mistake.what) for mistake in mistakes(protocol, document)]


def put(document: dict[str, Any], path: str, value: object) -> None:
    """Set the field at a path of names and indices joined by dots."""
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = document
    for part in parents:
        place = place[part]
    place[last] = value


def test_the_trials_document_contradicts_itself_nowhere(loaded: Loaded) -> None:
    assert mistakes(loaded.protocol, loaded.document) == []


@pytest.mark.parametrize(
    ("path", "value", "at", "what"),
    [
        (
            "study.time_zone",
            "Asia",
            "study.time_zone",
            "Asia is not a time zone of the IANA database",
        ),
        (
            "study.time_zone",
            "../etc/passwd",
            "study.time_zone",
            "../etc/passwd is not a time zone of the IANA database",
        ),
        (
            "arms.1.receives_study_drug",
            True,
            "arms[1].receives_study_drug",
            "an arm of no intervention receives none",
        ),
        (
            "randomization.ratio",
            {"experimental": 2},
            "randomization.ratio",
            "arm control is missing",
        ),
        (
            "randomization.ratio",
            {"experimental": 1, "placebo": 1},
            "randomization.ratio.placebo",
            "is not an arm",
        ),
        (
            "randomization.slots_per_stratum",
            199,
            "randomization.slots_per_stratum",
            "a stratum could run out of slots before the cap of 200",
        ),
        (
            "randomization.factors.1.id",
            "site",
            "randomization.factors[1].id",
            "site is already used",
        ),
        (
            "randomization.factors.1.levels.1.code",
            "C",
            "randomization.factors[1].levels[1].code",
            "C is already used",
        ),
        (
            "randomization.factors.1.levels.1.value",
            "no",
            "randomization.factors[1].levels",
            "the values are either all true or false, or all text",
        ),
        ("eligibility.age_fact", "age", "eligibility.age_fact", "age is not a fact"),
        (
            "eligibility.age_fact",
            "cirrhosis",
            "eligibility.age_fact",
            "cirrhosis is not of type integer",
        ),
        (
            "eligibility.consent_fact",
            "nyha_class",
            "eligibility.consent_fact",
            "nyha_class is not of type boolean",
        ),
        (
            "eligibility.quantities.1.id",
            "protein",
            "eligibility.quantities[1].id",
            "no fact measures protein",
        ),
        (
            "eligibility.facts.7.quantity",
            "weight",
            "eligibility.facts[7].quantity",
            "weight is not a quantity",
        ),
        (
            "eligibility.facts.7.unit",
            "g/L",
            "eligibility.facts[7].unit",
            "must be 10^9/L, the quantity's unit",
        ),
        (
            "eligibility.facts.1.minimum",
            120,
            "eligibility.facts[1].maximum",
            "must be above the minimum",
        ),
        (
            "eligibility.criteria.0.id",
            "E12",
            "eligibility.criteria[0].id",
            "an inclusion begins with I",
        ),
        ("visits.schedule.4.code", "BL", "visits.schedule[4].code", "BL is already used"),
        ("visits.schedule.4.code", "RT12B", "visits.schedule[4].code", "RT12B is already used"),
        ("visits.schedule.3.code", "RT{n}A", "visits.schedule[3].code", "RT10A is already used"),
        (
            "visits.schedule.0.slot",
            True,
            "visits.schedule[0].slot",
            "a slot of the endpoint's coverage is graded",
        ),
        (
            "visits.schedule.0.highest_grade",
            0,
            "visits.schedule[0].highest_grade",
            "must be a grade, at a visit that is graded",
        ),
        (
            "visits.schedule.1.highest_grade",
            5,
            "visits.schedule[1].highest_grade",
            "must be a grade, at a visit that is graded",
        ),
        (
            "visits.schedule.2.anchor",
            "rt_end",
            "visits.schedule[2].anchor",
            "a repeated visit counts from rt_start",
        ),
        (
            "visits.schedule.2.repeat_every_days",
            2,
            "visits.schedule[2].repeat_every_days",
            "the windows of the repetitions overlap",
        ),
        ("grading.scales.1.id", "protocol", "grading.scales[1].id", "protocol is already used"),
        ("grading.scales.0.id", "who", "grading.scales", "the primary scale, protocol, is missing"),
        (
            "grading.components.4.minimum",
            1,
            "grading.components[4]",
            "give either choices or minimum and maximum",
        ),
        (
            "grading.components.2.maximum",
            None,
            "grading.components[2]",
            "give either choices or minimum and maximum",
        ),
        ("grading.components.3.id", "diet", "grading.components[4].id", "diet is already used"),
        (
            "grading.scales.1.grades.0.grade",
            5,
            "grading.scales[1].grades[0].grade",
            "5 is outside the grading's range",
        ),
        ("grading.scales.1.grades.0.grade", 5, "grading.scales[1].grades", "grade 4 is missing"),
        (
            "grading.impossible.1.id",
            "ulcer_in_normal_mucosa",
            "grading.impossible[1].id",
            "ulcer_in_normal_mucosa is already used",
        ),
        (
            "grading.impossible.0.when",
            {"fact": "diet", "is": "cake"},
            "grading.impossible[0].when.is",
            "diet is never cake",
        ),
        (
            "grading.impossible.0.when",
            {"all": [{"fact": "diet", "is": "soft"}, {"fact": "diet", "is": "solid"}]},
            "grading.impossible[0].when",
            "holds for no assessment",
        ),
        (
            "grading.impossible.1.when",
            {"fact": "pain_score", "at_least": 0},
            "grading.impossible[1].when",
            "holds for every assessment",
        ),
        (
            "grading.scales.2.grades.0.grade",
            3,
            "grading.scales[2].grades[1].grade",
            "3 is already used",
        ),
        ("endpoint.severe_grade", 5, "endpoint.severe_grade", "5 is not a grade above the lowest"),
        ("endpoint.any_grade", 0, "endpoint.any_grade", "0 is not a grade above the lowest"),
        ("endpoint.any_grade", 4, "endpoint.any_grade", "must not be above the severe grade"),
        (
            "endpoint.last_grading_from_day",
            91,
            "endpoint.last_grading_from_day",
            "lies after the endpoint's window",
        ),
        (
            "adverse_events.dictionary_version",
            "6.0",
            "adverse_events.dictionary_version",
            "no terms of version 6.0",
        ),
        (
            "adverse_events.clocks.1.id",
            "susar_other",
            "adverse_events.clocks[2].id",
            "susar_other is already used",
        ),
        (
            "adverse_events.clocks.2.applies_to",
            "serious",
            "adverse_events.clocks",
            "no clock for susar_other",
        ),
        (
            "adverse_events.clocks.1.recipients.1",
            "regulator",
            "adverse_events.clocks[1].recipients[1]",
            "regulator is already named",
        ),
        (
            "adverse_events.clocks.0.remind_hours_before.0",
            24,
            "adverse_events.clocks[0].remind_hours_before[0]",
            "is not shorter than the clock",
        ),
        (
            "adverse_events.clocks.2.remind_hours_before.1",
            72,
            "adverse_events.clocks[2].remind_hours_before[1]",
            "name the longest first",
        ),
        (
            "adverse_events.stopping_rules.0.arm",
            "placebo",
            "adverse_events.stopping_rules[0].arm",
            "is not an arm",
        ),
        (
            "adverse_events.stopping_rules.0.arm",
            "control",
            "adverse_events.stopping_rules[0].counts.related_only",
            "the arm control receives no study drug",
        ),
        (
            "adverse_events.stopping_rules.0.minimum_subjects",
            201,
            "adverse_events.stopping_rules[0].minimum_subjects",
            "the trial never has so many",
        ),
        (
            "assumptions.0.parameters.1",
            "grading.scale",
            "assumptions[0].parameters[1]",
            "the document has no grading.scale",
        ),
        ("assumptions.1.id", "three_grades", "assumptions[1].id", "three_grades is already used"),
    ],
)
def test_a_contradiction_is_named_with_its_path(
    document: dict[str, Any], path: str, value: object, at: str, what: str
) -> None:
    put(document, path, value)
    assert (at, what) in found(document)


RECORDED = {
    "id": "smoker",
    "source": "recorded",
    "levels": [
        {"value": True, "code": "S", "label": "smokes"},
        {"value": False, "code": "N", "label": "does not"},
    ],
}


def test_a_factor_may_be_recorded_and_the_site_need_not_be_one(document: dict[str, Any]) -> None:
    put(document, "randomization.factors.0", RECORDED)
    assert found(document) == []


@pytest.mark.parametrize(
    ("changed", "at", "what"),
    [
        (
            {"source": "radiotherapy"},
            "randomization.factors[0].id",
            "radiotherapy has concurrent_chemotherapy and no other factor",
        ),
        (
            {"id": "concurrent_chemotherapy"},
            "randomization.factors[0].source",
            "concurrent_chemotherapy is recorded with radiotherapy",
        ),
    ],
)
def test_a_factor_is_recorded_in_one_place(
    document: dict[str, Any], changed: dict[str, str], at: str, what: str
) -> None:
    put(document, "randomization.factors.0", {**RECORDED, **changed})
    assert (at, what) in found(document)


def test_chemotherapy_is_true_or_false(document: dict[str, Any]) -> None:
    for level, value in enumerate(("with", "without")):
        put(document, f"randomization.factors.1.levels.{level}.value", value)
    assert found(document) == [("randomization.factors[1].levels", "the values are true and false")]


def test_the_site_is_one_factor_at_most(document: dict[str, Any]) -> None:
    by_site = document["randomization"]["factors"][0]
    put(document, "randomization.factors.1", {**by_site, "id": "hospital"})
    assert found(document) == [("randomization.factors[1].source", "the site is a factor already")]


@pytest.mark.parametrize(
    ("window", "late", "reached"), [(0, 0, True), (0, -6, True), (0, 1, False), (90, 98, False)]
)
def test_the_last_grading_is_asked_for_on_a_day_that_a_slot_reaches(
    document: dict[str, Any], window: int, late: int, reached: bool
) -> None:
    """Repeated visits go on until the last fraction, day 0."""
    for rule in document["visits"]["schedule"]:
        rule["slot"] = rule["code"].startswith("RT") or (window > 0 and rule["code"] == "FU90")
    put(document, "endpoint.window_days_after_rt_end", max(window, late))
    put(document, "endpoint.last_grading_from_day", late)
    late_enough = ("endpoint.last_grading_from_day", "no slot of the schedule is that late")
    assert (late_enough not in found(document)) is reached


def test_a_factor_of_the_site_lists_exactly_the_sites(document: dict[str, Any]) -> None:
    put(document, "randomization.factors.0.levels.2.value", "GZ")
    assert found(document) == [
        ("randomization.factors[0].levels[2].value", "GZ is not a site"),
        ("randomization.factors[0].levels", "site YL is missing"),
    ]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("sites", "code"),
        ("arms", "code"),
        ("eligibility.quantities", "id"),
        ("eligibility.facts", "id"),
        ("eligibility.criteria", "id"),
    ],
)
def test_names_are_used_once(document: dict[str, Any], path: str, field: str) -> None:
    members: Any = document
    for part in path.split("."):
        members = members[part]
    members.append(members[0])
    assert found(document) == [
        (f"{path}[{len(members) - 1}].{field}", f"{members[0][field]} is already used")
    ]


@pytest.mark.parametrize(
    ("condition", "at", "what"),
    [
        ({"fact": "weight", "is": True}, ".fact", "weight is not known"),
        ({"fact": "cirrhosis", "is": 1}, ".is", "cirrhosis is never 1"),
        ({"fact": "cirrhosis", "is": "true"}, ".is", "cirrhosis is never true"),
        ({"fact": "cirrhosis", "at_least": 1}, ".at_least", "cirrhosis is not a number"),
        ({"fact": "age_at_consent", "is": True}, ".is", "age_at_consent is never true"),
        ({"fact": "age_at_consent", "is": 121}, ".is", "age_at_consent is never 121"),
        ({"fact": "age_at_consent", "is": 18.5}, ".is", "age_at_consent is never 18.5"),
        (
            {"fact": "age_at_consent", "below": 121},
            ".below",
            "121 lies outside 0.0 to 120.0, the range of age_at_consent",
        ),
        ({"fact": "nyha_class", "one_of": ["III", "V"]}, ".one_of[1]", "nyha_class is never V"),
        ({"fact": "nyha_class", "above": 2}, ".above", "nyha_class is not a number"),
        ({"fact": "haemoglobin", "is": 90}, ".is", "haemoglobin is never 90"),
        (
            {"fact": "haemoglobin", "at_least": 9},
            ".at_least",
            "9 lies outside 20.0 to 250.0, the range of haemoglobin",
        ),
        (
            {"fact": "haemoglobin", "at_most_uln": 2},
            ".at_most_uln",
            "haemoglobin has no upper limit of normal",
        ),
        (
            {"fact": "haemoglobin", "happened_within": {"days": 1}},
            ".happened_within",
            "haemoglobin is not a date or never",
        ),
        (
            {"fact": "last_head_neck_surgery", "is": "2026-01-01"},
            ".is",
            "last_head_neck_surgery is never 2026-01-01",
        ),
        (
            {"fact": "last_head_neck_surgery", "at_most": 28},
            ".at_most",
            "last_head_neck_surgery is not a number",
        ),
        (
            {
                "not": {
                    "any": [
                        {"fact": "cirrhosis", "is": True},
                        {"all": [{"fact": "weight", "is": 1}]},
                    ]
                }
            },
            ".not.any[1].all[0].fact",
            "weight is not known",
        ),
    ],
)
def test_a_comparison_must_fit_the_type_of_its_fact(
    document: dict[str, Any], condition: object, at: str, what: str
) -> None:
    put(document, "eligibility.criteria.13.flag", condition)
    assert found(document) == [(f"eligibility.criteria[13].flag{at}", what)]


@pytest.mark.parametrize(
    "condition",
    [
        {"fact": "last_head_neck_surgery", "is": "never"},
        {"fact": "age_at_consent", "one_of": [18, 75]},
        {"fact": "nyha_class", "is": "none"},
        {"fact": "serum_creatinine", "at_most_uln": 2},
    ],
)
def test_a_comparison_that_fits_is_accepted(document: dict[str, Any], condition: object) -> None:
    put(document, "eligibility.criteria.13.flag", condition)
    assert found(document) == []


def test_a_fact_that_no_criterion_asks_for_is_a_mistake(document: dict[str, Any]) -> None:
    document["eligibility"]["facts"].append(
        {"id": "smoker", "type": "boolean", "question": "Does the subject smoke?"}
    )
    [(at, what)] = found(document)
    assert at.endswith("].id")
    assert what == "no criterion asks for smoker"


@pytest.mark.parametrize(
    ("condition", "at", "what"),
    [
        ({"fact": "pain", "at_least": 1}, ".fact", "pain is not known"),
        ({"fact": "mucosal_appearance", "is": "red"}, ".is", "mucosal_appearance is never red"),
        ({"fact": "ulceration", "is": "yes"}, ".is", "ulceration is never yes"),
        (
            {"fact": "pain_score", "at_least": 11},
            ".at_least",
            "11 lies outside 0 to 10, the range of pain_score",
        ),
        (
            {"fact": "pain_score", "at_most_uln": 1},
            ".at_most_uln",
            "pain_score has no upper limit of normal",
        ),
    ],
)
def test_a_scale_reads_known_components_and_their_values(
    document: dict[str, Any], condition: object, at: str, what: str
) -> None:
    put(document, "grading.scales.0.grades.1.when", condition)
    assert found(document) == [(f"grading.scales[0].grades[1].when{at}", what)]


def test_an_assessment_without_a_grade_is_a_mistake(document: dict[str, Any]) -> None:
    put(document, "grading.scales.2.grades.3.when", {"fact": "pain_score", "at_least": 1})
    assert found(document) == [
        (
            "grading.scales[2].grades",
            "no grade for mucosal_appearance erythema, ulceration false, pain_score 0, "
            "analgesic none, diet solid",
        )
    ]


def test_a_grade_that_no_assessment_reaches_is_a_mistake(document: dict[str, Any]) -> None:
    first = document["grading"]["scales"][2]["grades"][0]["when"]
    put(document, "grading.scales.2.grades.1.when", first)
    put(document, "grading.scales.2.grades.2.when", {"not": {"fact": "diet", "is": "solid"}})
    put(document, "grading.scales.2.grades.4.when", {"fact": "pain_score", "at_least": 0})
    assert found(document) == [
        ("grading.scales[2].grades[1].when", "holds for no assessment left by those above")
    ]


def test_coverage_needs_a_slot_and_a_last_slot_late_enough(document: dict[str, Any]) -> None:
    schedule = document["visits"]["schedule"]
    last = schedule.pop()
    assert found(document) == [
        ("endpoint.last_grading_from_day", "no slot of the schedule is that late")
    ]
    for visit in schedule:
        visit["slot"] = False
    assert found(document) == [("endpoint.coverage_share", "the schedule has no slot to cover")]
    schedule.append(last)
    assert found(document) == []

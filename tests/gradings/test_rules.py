"""Derived grades: the first that holds, and silence where a component is missing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.gradings.rules import (
    GradingFlag,
    derive,
    differ,
    doubts,
    impossible,
    mismatch,
)
from services.api.protocol.schema import Grading
from tests.first_trial import FIRST_TRIAL

GRADING = Grading.model_validate_json(
    json.dumps(
        {
            "minimum": 0,
            "maximum": 4,
            "components": [
                {"id": "ulceration", "label": "Ulceration", "choices": [False, True]},
                {"id": "pain_score", "label": "Pain", "minimum": 0, "maximum": 10},
                {"id": "diet", "label": "Diet", "choices": ["solid", "liquid", "none_by_mouth"]},
            ],
            "scales": [
                {
                    "id": "protocol",
                    "label": "Protocol",
                    "source": "registry",
                    "grades": [
                        {"grade": 4, "text": "worst", "when": {"fact": "ulceration", "is": True}},
                        {"grade": 2, "text": "pain", "when": {"fact": "pain_score", "at_least": 4}},
                        {"grade": 0, "text": "none", "when": {"fact": "pain_score", "at_most": 0}},
                    ],
                },
                {
                    "id": "who",
                    "label": "WHO",
                    "source": "WHO 1979",
                    "grades": [
                        {"grade": 4, "text": "no", "when": {"fact": "diet", "is": "none_by_mouth"}},
                        {"grade": 3, "text": "liquid", "when": {"fact": "diet", "is": "liquid"}},
                        {"grade": 0, "text": "solid", "when": {"fact": "diet", "is": "solid"}},
                    ],
                },
            ],
        }
    )
)


@pytest.mark.parametrize(
    ("ulceration", "pain", "diet", "derived"),
    [
        (True, 9, "liquid", {"protocol": 4, "who": 3}),
        (True, 0, "solid", {"protocol": 4, "who": 0}),
        (False, 4, "none_by_mouth", {"protocol": 2, "who": 4}),
        (False, 0, "solid", {"protocol": 0, "who": 0}),
    ],
)
def test_the_first_grade_from_the_top_that_holds_counts_on_each_scale(
    ulceration: bool, pain: int, diet: str, derived: dict[str, int]
) -> None:
    components = {"ulceration": ulceration, "pain_score": pain, "diet": diet}
    assert derive(components, GRADING) == derived


def test_where_no_grade_holds_none_is_derived() -> None:
    components = {"ulceration": False, "pain_score": 2, "diet": "solid"}
    assert derive(components, GRADING)["protocol"] is None


def test_a_missing_component_leaves_no_lower_grade_to_be_taken_for_the_answer() -> None:
    assert derive({"pain_score": 5, "diet": "solid"}, GRADING) == {"protocol": None, "who": 0}


def test_a_missing_component_below_the_grade_that_holds_does_not_matter() -> None:
    assert derive({"ulceration": True}, GRADING) == {"protocol": 4, "who": None}


@given(st.integers(0, 4), st.none() | st.integers(0, 4), st.none() | st.integers(0, 4))
def test_only_another_grade_on_the_protocols_own_scale_is_a_mismatch(
    entered: int, protocol: int | None, who: int | None
) -> None:
    expected = protocol in {0, 1, 2, 3, 4} - {entered}
    assert mismatch(entered, {"protocol": protocol, "who": who}) == expected


def test_without_a_protocol_scale_there_is_no_mismatch() -> None:
    assert not mismatch(3, {"who": 1})


# --- the trial's own scales -------------------------------------------------------------


@pytest.fixture(scope="module")
def trial() -> Grading:
    return FIRST_TRIAL.protocol.grading


@pytest.mark.parametrize(
    ("appearance", "ulceration", "pain", "analgesic", "diet", "derived"),
    [
        ("normal", False, 0, "none", "solid", {"protocol": 0, "who": 0, "rtog": 0}),
        ("erythema", False, 2, "none", "solid", {"protocol": 1, "who": 1, "rtog": 1}),
        ("patchy", True, 5, "none", "soft", {"protocol": 2, "who": 2, "rtog": 2}),
        ("confluent", True, 8, "opioid", "liquid", {"protocol": 3, "who": 3, "rtog": 3}),
        ("confluent", True, 8, "opioid", "solid", {"protocol": 3, "who": 2, "rtog": 3}),
        (
            "ulcer_hemorrhage_necrosis",
            True,
            9,
            "opioid",
            "none_by_mouth",
            {"protocol": 4, "who": 4, "rtog": 4},
        ),
    ],
)
def test_the_trials_scales_grade_typical_assessments_as_their_wording_says(
    trial: Grading,
    appearance: str,
    ulceration: bool,
    pain: int,
    analgesic: str,
    diet: str,
    derived: dict[str, int],
) -> None:
    components = {
        "mucosal_appearance": appearance,
        "ulceration": ulceration,
        "pain_score": pain,
        "analgesic": analgesic,
        "diet": diet,
    }
    assert derive(components, trial) == derived


@given(data=st.data())
def test_every_whole_assessment_has_a_grade_on_each_of_the_trials_scales(
    trial: Grading, data: st.DataObject
) -> None:
    components = {
        component.id: data.draw(
            st.sampled_from(component.choices)
            if component.choices
            else st.integers(component.minimum, component.maximum)
        )
        for component in trial.components
    }
    grades = range(trial.minimum, trial.maximum + 1)
    derived = derive(components, trial)
    assert derived.keys() == {"protocol", "who", "rtog"}
    assert all(grade in grades for grade in derived.values())


def test_with_nothing_observed_the_trial_derives_no_grade(trial: Grading) -> None:
    assert derive({}, trial) == {"protocol": None, "who": None, "rtog": None}


# --- what someone should look at ---------------------------------------------------------


def observed(appearance: str, *, ulceration: bool) -> dict[str, object]:
    return {
        "mucosal_appearance": appearance,
        "ulceration": ulceration,
        "pain_score": 2,
        "analgesic": "none",
        "diet": "soft",
    }


@pytest.mark.parametrize(
    ("appearance", "named"),
    [
        ("normal", ["ulcer_in_normal_mucosa"]),
        ("erythema", ["ulcer_in_erythema"]),
        ("patchy", []),
        ("confluent", []),
        ("ulcer_hemorrhage_necrosis", []),
    ],
)
def test_the_trial_calls_an_ulcer_in_a_normal_or_only_red_mucosa_impossible(
    trial: Grading, appearance: str, named: list[str]
) -> None:
    found = impossible(observed(appearance, ulceration=True), trial)
    assert [one.id for one in found] == named
    assert impossible(observed(appearance, ulceration=False), trial) == ()


def test_what_is_not_observed_is_not_impossible(trial: Grading) -> None:
    assert impossible({"ulceration": True}, trial) == ()


GRADES = st.integers(0, 4)


@given(GRADES, GRADES, st.none() | GRADES, st.booleans())
def test_each_contradiction_is_a_doubt_of_its_own(
    trial: Grading, grade: int, derived: int, highest: int | None, ulceration: bool
) -> None:
    seen = observed("normal", ulceration=ulceration)
    found = list(doubts(grade, seen, {"protocol": derived}, highest, trial))
    assert {one.flag for one in found} == {
        flag
        for flag, holds in (
            (GradingFlag.DIFFERS_FROM_COMPONENTS, grade != derived),
            (GradingFlag.ABOVE_HIGHEST_GRADE, highest is not None and grade > highest),
            (GradingFlag.IMPOSSIBLE_COMBINATION, ulceration),
        )
        if holds
    }
    assert len({one.code for one in found}) == len(found)


@given(st.lists(GRADES))
def test_gradings_differ_unless_all_say_the_same(grades: list[int]) -> None:
    assert differ(grades) == any(one != other for one in grades for other in grades)

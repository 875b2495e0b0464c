"""Recorded stratification factors: which are asked for, and what is wrong with those given."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.api.protocol.schema import Randomization
from services.api.radiotherapy.stratification import factor_values, wrong_factors
from tests.make import Api, mistakes, ok, path, plan

SECTION = Randomization.model_validate_json(
    """{
    "ratio": {"a": 3, "b": 2}, "cap": 10, "slots_per_stratum": 10,
    "factors": [
      {"id": "site", "source": "site", "levels": [
        {"value": "NN", "code": "NN", "label": "Nanning"},
        {"value": "LZ", "code": "LZ", "label": "Liuzhou"}]},
      {"id": "concurrent_chemotherapy", "source": "radiotherapy", "levels": [
        {"value": true, "code": "C", "label": "with"},
        {"value": false, "code": "N", "label": "without"}]},
      {"id": "smoker", "source": "recorded", "levels": [
        {"value": true, "code": "S", "label": "smokes"},
        {"value": false, "code": "X", "label": "does not"}]},
      {"id": "setting", "source": "recorded", "levels": [
        {"value": "definitive", "code": "D", "label": "definitive"},
        {"value": "postoperative", "code": "P", "label": "after surgery"}]}
    ]}"""
)
RIGHT: dict[str, list[bool | str]] = {
    "smoker": [True, False],
    "setting": ["definitive", "postoperative"],
}

values = st.one_of(st.booleans(), st.sampled_from(["definitive", "true", ""]))
names = st.sampled_from(["smoker", "setting", "site", "concurrent_chemotherapy", "age"])


@given(st.dictionaries(names, values))
def test_factors_are_right_exactly_when_each_has_one_of_its_levels(
    given: dict[str, bool | str],
) -> None:
    right = given.keys() == RIGHT.keys() and all(
        any(value is level or (value == level and isinstance(value, str)) for level in RIGHT[name])
        for name, value in given.items()
    )
    assert (not list(wrong_factors(given, SECTION))) == right


def test_each_fault_has_its_own_code_and_shows_no_value() -> None:
    found = list(wrong_factors({"smoker": "yes", "weight": "heavy"}, SECTION))
    assert [(one.pointer, one.code) for one in found] == [
        ("/stratification/smoker", "unknown_level"),
        ("/stratification/setting", "factor_missing"),
        ("/stratification", "unknown_factor"),
    ]
    assert not any(word in one.detail for one in found for word in ("yes", "weight", "heavy"))


def test_the_values_are_those_of_the_plan_and_of_what_was_recorded() -> None:
    recorded = {"smoker": False, "setting": "definitive"}
    known = {"concurrent_chemotherapy": True, "stratification": recorded}
    assert factor_values(known, SECTION) == {"concurrent_chemotherapy": True, **recorded}
    unknown = factor_values({"concurrent_chemotherapy": True, "stratification": None}, SECTION)
    assert unknown == {"concurrent_chemotherapy": True, "smoker": None, "setting": None}


def test_a_trial_without_recorded_factors_takes_none(api: Api) -> None:
    coordinator = api.as_("coordinator")
    where = path(coordinator.screened(), "radiotherapy")
    body = plan(api.today() + timedelta(days=14))
    assert mistakes(coordinator.put(where, {**body, "stratification": {"smoker": True}})) == [
        ("/stratification", "unknown_factor")
    ]
    assert ok(coordinator.get(where))["version"] == 0
    assert ok(coordinator.put(where, {**body, "stratification": {}}))["stratification"] is None

"""How eligibility facts are read: strictly, every mistake named, and never the value sent."""

import json
from collections.abc import Mapping
from datetime import date

import pytest

from services.api.eligibility.facts import BadFacts, Mistake, read_facts
from tests.facts import BILI, HB, SMALL, eligible_facts
from tests.first_trial import FIRST_TRIAL

TODAY = date(2026, 9, 30)
TRIAL = FIRST_TRIAL.protocol.eligibility


def mistakes(facts: Mapping[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(BadFacts) as refused:
        read_facts(facts, SMALL, TODAY)
    return [(mistake.pointer, mistake.code) for mistake in refused.value.mistakes]


@pytest.mark.parametrize(
    ("fact", "sent", "pointer", "code"),
    [
        ("consent", 1, "/consent", "wrong_type"),
        ("consent", "true", "/consent", "wrong_type"),
        ("age", True, "/age", "wrong_type"),
        ("age", 40.0, "/age", "wrong_type"),
        ("age", "40", "/age", "wrong_type"),
        ("age", -1, "/age", "out_of_range"),
        ("age", 121, "/age", "out_of_range"),
        ("age", 10**400, "/age", "out_of_range"),
        ("tumour", True, "/tumour", "wrong_type"),
        ("tumour", "cytology", "/tumour", "out_of_range"),
        ("surgery", False, "/surgery", "wrong_type"),
        ("surgery", "Never", "/surgery", "bad_date"),
        ("surgery", "20260101", "/surgery", "bad_date"),
        ("surgery", "2026-W01-1", "/surgery", "bad_date"),
        ("surgery", "2026-02-29", "/surgery", "bad_date"),
        ("surgery", "2026-01-01\n", "/surgery", "bad_date"),
        ("surgery", "٢٠٢٦-٠١-٠١", "/surgery", "bad_date"),
        ("surgery", "1899-12-31", "/surgery", "out_of_range"),
        ("surgery", "2026-10-01", "/surgery", "out_of_range"),
        ("ecg", False, "/ecg", "wrong_type"),
        ("ecg", {"value": False}, "/ecg/measured_on", "missing"),
        ("ecg", {"measured_on": "2026-09-20"}, "/ecg/value", "missing"),
        ("ecg", {"value": None, "measured_on": "2026-09-20"}, "/ecg/value", "wrong_type"),
        ("ecg", {"value": True, "measured_on": "never"}, "/ecg/measured_on", "bad_date"),
        ("ecg", {"value": True, "measured_on": "2026-10-01"}, "/ecg/measured_on", "out_of_range"),
        ("hb", 95, "/hb", "wrong_type"),
        ("hb", [], "/hb", "wrong_type"),
        ("hb", {**HB, "value": "9.5"}, "/hb/value", "wrong_type"),
        ("hb", {**HB, "value": True}, "/hb/value", "wrong_type"),
        ("hb", {**HB, "value": float("nan")}, "/hb/value", "out_of_range"),
        ("hb", {**HB, "value": float("inf")}, "/hb/value", "out_of_range"),
        ("hb", {**HB, "value": 10**400}, "/hb/value", "out_of_range"),
        ("hb", {**HB, "value": 25.1}, "/hb/value", "out_of_range"),
        ("hb", {**HB, "value": 0.9}, "/hb/value", "out_of_range"),
        ("hb", {**HB, "unit": "mg/dL"}, "/hb/unit", "unknown_unit"),
        ("hb", {**HB, "unit": 1}, "/hb/unit", "wrong_type"),
        ("hb", {**HB, "uln": 16}, "/hb/uln", "unknown_field"),
        ("hb", {**HB, "a/b~c": 16}, "/hb/a~1b~0c", "unknown_field"),
        ("bili", {**BILI, "uln": 0}, "/bili/uln", "out_of_range"),
        ("bili", {**BILI, "uln": None}, "/bili/uln", "wrong_type"),
        ("bili", {k: v for k, v in BILI.items() if k != "uln"}, "/bili/uln", "missing"),
        ("x/y~z", 1, "/x~1y~0z", "unknown_fact"),
        ("x", None, "/x", "unknown_fact"),
    ],
)
def test_a_wrong_fact_is_pointed_at(fact: str, sent: object, pointer: str, code: str) -> None:
    assert mistakes({fact: sent}) == [(pointer, code)]


def test_every_mistake_is_named_at_once() -> None:
    sent = {"age": "x", "hb": {"value": "9", "unit": "stone"}, "bili": {**BILI, "x": 1}, "y": 1}
    assert set(mistakes(sent)) == {
        ("/age", "wrong_type"),
        ("/hb/value", "wrong_type"),
        ("/hb/unit", "unknown_unit"),
        ("/hb/measured_on", "missing"),
        ("/bili/x", "unknown_field"),
        ("/y", "unknown_fact"),
    }


SECRET = "Li-Wei-13800138000"
"""A value that must not come back."""


@pytest.mark.parametrize(
    "sent",
    [
        *({fact.id: SECRET} for fact in SMALL.facts),
        {"ecg": {"value": SECRET, "measured_on": SECRET}},
        {"bili": {"value": SECRET, "unit": SECRET, "measured_on": SECRET, "uln": SECRET}},
    ],
)
def test_a_mistake_says_what_would_be_right_and_never_the_value_sent(
    sent: dict[str, object],
) -> None:
    with pytest.raises(BadFacts) as refused:
        read_facts(sent, SMALL, TODAY)
    for mistake in refused.value.mistakes:
        assert mistake.detail
        assert SECRET not in repr(mistake)
    assert SECRET not in str(refused.value)


def test_the_mistake_in_a_unit_lists_the_accepted_units() -> None:
    with pytest.raises(BadFacts) as refused:
        read_facts({"hb": {**HB, "unit": "stone"}}, SMALL, TODAY)
    assert refused.value.mistakes == (Mistake("/hb/unit", "unknown_unit", "one of g/L, g/dL"),)


@pytest.mark.parametrize("value", [1, 1.0, 25, 25.0])
def test_the_ends_of_a_range_are_inside_it_after_conversion(value: float) -> None:
    assert "hb" in read_facts({"hb": {**HB, "value": value}}, SMALL, TODAY).values


@pytest.mark.parametrize("day", ["1900-01-01", "2026-09-30", "never"])
def test_the_first_day_today_and_never_are_accepted(day: str) -> None:
    assert "surgery" in read_facts({"surgery": day}, SMALL, TODAY).values


def test_an_omitted_fact_and_a_null_are_the_same_unknown() -> None:
    assert read_facts({"age": None}, SMALL, TODAY) == read_facts({}, SMALL, TODAY)


def test_facts_are_kept_as_given_beside_their_normalised_values() -> None:
    facts = read_facts({"bili": {**BILI, "unit": "g/dL"}, "surgery": "never"}, SMALL, TODAY)
    assert facts.given == {"bili": {**BILI, "unit": "g/dL"}, "surgery": "never"}
    assert facts.normalised == {
        "bili": {"value": 10, "unit": "g/L", "uln": 20, "measured_on": "2026-09-20"},
        "surgery": "never",
    }


def test_creatinine_of_1_mg_per_dl_is_88_42_umol_per_l() -> None:
    sent = {"serum_creatinine": {**BILI, "unit": "mg/dL", "uln": 1.2}}
    shown = read_facts(sent, TRIAL, TODAY).normalised["serum_creatinine"]
    assert shown == {
        "value": 88.42,
        "unit": "umol/L",
        "uln": 106.104,
        "measured_on": "2026-09-20",
    }


def test_facts_read_again_from_storage_are_the_same() -> None:
    facts = read_facts(eligible_facts(TODAY), TRIAL, TODAY)
    stored = json.loads(json.dumps(facts.given, allow_nan=False))
    assert read_facts(stored, TRIAL, TODAY) == facts
    assert json.loads(json.dumps(facts.normalised, allow_nan=False)) == facts.normalised

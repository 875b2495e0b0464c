"""What a correction has to say, and which of two allocations counts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.api.corrections.rules import (
    OWN,
    CorrectionKind,
    counts_before,
    misplaced,
    tells,
    wrong_criteria,
    wrong_levels,
)
from services.api.protocol.schema import Randomization
from tests.facts import SMALL

SECTION = Randomization.model_validate_json(
    """{
    "ratio": {"a": 1, "b": 1}, "cap": 10, "slots_per_stratum": 10,
    "factors": [
      {"id": "site", "source": "site", "levels": [
        {"value": "NN", "code": "NN", "label": "Nanning"},
        {"value": "LZ", "code": "LZ", "label": "Liuzhou"}]},
      {"id": "chemotherapy", "source": "radiotherapy", "levels": [
        {"value": true, "code": "C", "label": "with"},
        {"value": false, "code": "N", "label": "without"}]}
    ]}"""
)


RECORDED = SECTION.model_copy(
    update={
        "factors": tuple(
            factor.model_copy(update={"source": "recorded"}) for factor in SECTION.factors[1:]
        )
    }
)


def test_a_stratum_without_a_site_is_that_of_the_recorded_factors_alone() -> None:
    assert list(wrong_levels({"chemotherapy": False}, RECORDED, "NN")) == []
    (extra,) = wrong_levels({"chemotherapy": False, "site": "NN"}, RECORDED, "NN")
    assert (extra.pointer, extra.code) == ("/stratum", "extra_forbidden")
    (missing,) = wrong_levels({}, RECORDED, "NN")
    assert (missing.pointer, missing.code) == ("/stratum/chemotherapy", "missing")


@pytest.mark.parametrize("kind", CorrectionKind)
def test_a_kind_needs_its_own_field_and_takes_no_other(kind: CorrectionKind) -> None:
    given = dict.fromkeys(OWN.values(), object())
    others = [(f"/{name}", "not_of_kind") for one, name in OWN.items() if one is not kind]
    assert [(one.pointer, one.code) for one in misplaced(kind, given)] == others
    assert [(one.pointer, one.code) for one in misplaced(kind, {})] == [
        (f"/{OWN[kind]}", "missing")
    ]
    assert [one.code for one in misplaced(kind, {OWN[kind]: None})] == ["missing"]
    assert list(misplaced(kind, {OWN[kind]: object(), "reason": "x"})) == []


@pytest.mark.parametrize(
    ("stratum", "expected"),
    [
        ({"site": "NN", "chemotherapy": False}, []),
        ({"site": "NN"}, [("/stratum/chemotherapy", "missing")]),
        ({}, [("/stratum/site", "missing"), ("/stratum/chemotherapy", "missing")]),
        ({"site": "LZ", "chemotherapy": True}, [("/stratum/site", "other_site")]),
        ({"site": "ZZ", "chemotherapy": True}, [("/stratum/site", "unknown")]),
        ({"site": "NN", "chemotherapy": "true"}, [("/stratum/chemotherapy", "unknown")]),
        ({"site": True, "chemotherapy": True}, [("/stratum/site", "unknown")]),
        (
            {"site": "NN", "chemotherapy": True, "sex": "male"},
            [("/stratum", "extra_forbidden")],
        ),
    ],
)
def test_a_stratum_is_one_of_the_protocol_at_the_subject_s_site(
    stratum: dict[str, bool | str], expected: list[tuple[str, str]]
) -> None:
    found = wrong_levels(stratum, SECTION, "NN")
    assert [(one.pointer, one.code) for one in found] == expected


def test_criteria_are_those_of_the_protocol_each_once() -> None:
    assert list(wrong_criteria(["I01", "E01"], SMALL)) == []
    found = wrong_criteria(["I01", "I99", "I01"], SMALL)
    assert [(one.pointer, one.code) for one in found] == [
        ("/criteria/1", "unknown"),
        ("/criteria/2", "repeated"),
    ]


def test_the_first_allocation_is_retained_and_of_two_at_once_the_one_with_the_lower_id() -> None:
    noon, low, high = datetime(2026, 3, 2, 12, tzinfo=UTC), UUID(int=1), UUID(int=2)
    later = noon + timedelta(microseconds=1)
    assert counts_before((noon, high), (later, low))
    assert not counts_before((later, low), (noon, high))
    assert counts_before((noon, low), (noon, high))
    assert not counts_before((noon, high), (noon, low))


@pytest.mark.parametrize(
    "text",
    ["as LZ-0004", "(lz)", "LZ0004", "seen in liuzhou.", "at LZ", "LZ", "019C8A52 came twice"],
)
def test_a_text_that_names_the_other_site_or_subject_is_noticed(text: str) -> None:
    assert tells(text, {"LZ", "Liuzhou", "019c8a52"})


@pytest.mark.parametrize("text", ["waltz", "LZX", "ALZ", "same person", "a1lz", "柳州"])
def test_letters_that_only_look_like_a_name_are_no_name(text: str) -> None:
    assert not tells(text, {"LZ", "Liuzhou", "019c8a52"})

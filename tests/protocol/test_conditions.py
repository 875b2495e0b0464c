import json
from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.api.protocol.conditions import Measured, earliest, evaluate
from services.api.protocol.schema import AllOf, AnyOf, Condition, Is, Not, Within, leaves

DAY = date(2026, 8, 31)
FACTS = ("aa", "bb", "cc")
CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)


def negated(condition: Condition) -> Not:
    return Not(**{"not": condition})


atoms = st.builds(
    lambda fact, wanted: Is(**{"fact": fact, "is": wanted}), st.sampled_from(FACTS), st.booleans()
)
conditions = st.recursive(
    atoms,
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=3).map(lambda found: AllOf(all=tuple(found))),
        st.lists(parts, min_size=1, max_size=3).map(lambda found: AnyOf(any=tuple(found))),
        parts.map(negated),
    ),
    max_leaves=6,
)
recorded = st.dictionaries(st.sampled_from(FACTS), st.booleans())


def holds(written: Mapping[str, object], **values: object) -> bool | None:
    return evaluate(CONDITION.validate_json(json.dumps(written)), values, DAY)


@given(conditions, recorded)
def test_a_condition_and_its_negation_are_opposite_or_both_unknown(
    condition: Condition, values: dict[str, bool]
) -> None:
    verdict = evaluate(condition, values, DAY)
    opposite = evaluate(negated(condition), values, DAY)
    assert (verdict, opposite) in {(True, False), (False, True), (None, None)}


@given(st.lists(conditions, min_size=1, max_size=3), recorded)
def test_de_morgan_holds_with_unknown_facts(
    parts: list[Condition], values: dict[str, bool]
) -> None:
    neither = negated(AnyOf(any=tuple(parts)))
    all_not = AllOf(all=tuple(negated(part) for part in parts))
    assert evaluate(neither, values, DAY) is evaluate(all_not, values, DAY)


@given(conditions, recorded, st.sampled_from(FACTS), st.booleans())
def test_recording_a_missing_fact_never_turns_a_known_verdict(
    condition: Condition, values: dict[str, bool], fact: str, answer: bool
) -> None:
    before = evaluate(condition, values, DAY)
    after = evaluate(condition, {fact: answer} | values, DAY)
    assert before is None or after is before


@given(conditions, st.fixed_dictionaries(dict.fromkeys(FACTS, st.booleans())))
def test_a_verdict_is_never_unknown_when_every_fact_is_recorded(
    condition: Condition, values: dict[str, bool]
) -> None:
    assert evaluate(condition, values, DAY) is not None


@pytest.mark.parametrize(
    ("left", "right", "both", "either"),
    [
        (True, None, None, True),
        (False, None, False, None),
        (None, None, None, None),
        (True, False, False, True),
        (True, True, True, True),
        (False, False, False, False),
    ],
)
def test_all_and_any_follow_the_strong_kleene_tables(
    left: bool | None, right: bool | None, both: bool | None, either: bool | None
) -> None:
    parts = [{"fact": "aa", "is": True}, {"fact": "bb", "is": True}]
    for values in ({"aa": left, "bb": right}, {"aa": right, "bb": left}):
        assert holds({"all": parts}, **values) is both
        assert holds({"any": parts}, **values) is either


@pytest.mark.parametrize(
    ("constant", "value", "verdict"),
    [
        (True, True, True),
        (True, 1, False),
        (1, True, False),
        (False, 0, False),
        (0, False, False),
        (2, 2, True),
        ("none", "none", True),
        ("none", "None", False),
    ],
)
def test_equality_does_not_confuse_yes_with_one(
    constant: object, value: object, verdict: bool
) -> None:
    assert holds({"fact": "aa", "is": constant}, aa=value) is verdict
    assert holds({"fact": "aa", "one_of": ["other", constant]}, aa=value) is verdict


@pytest.mark.parametrize(
    ("operator", "below", "at", "above"),
    [
        ("at_least", False, True, True),
        ("at_most", True, True, False),
        ("above", False, False, True),
        ("below", True, False, False),
    ],
)
def test_limits_include_or_exclude_the_limit_itself(
    operator: str, below: bool, at: bool, above: bool
) -> None:
    limit = {"fact": "aa", operator: 30}
    assert [holds(limit, aa=value) for value in (29, 30, 31)] == [below, at, above]
    measured = [Measured(29.999), Measured(30.0), Measured(30.001)]
    assert [holds(limit, aa=value) for value in measured] == [below, at, above]


@given(st.integers(1, 9999), st.sampled_from([1.5, 2.5]), st.sampled_from([1, 10, 17.104, 88.42]))
def test_a_value_on_the_limit_of_normal_passes_in_every_unit(
    tenths: int, times: float, factor: float
) -> None:
    uln = tenths / 10
    condition = {"fact": "aa", "at_most_uln": times}
    assert holds(condition, aa=Measured(times * uln * factor, uln * factor)) is True
    assert holds(condition, aa=Measured(times * uln * factor * 1.0001, uln * factor)) is False


def test_a_measurement_without_its_limit_of_normal_is_unknown() -> None:
    assert holds({"fact": "aa", "at_most_uln": 1.5}, aa=Measured(80)) is None


@pytest.mark.parametrize(
    ("happened", "verdict"),
    [
        (DAY - timedelta(days=29), False),
        (DAY - timedelta(days=28), True),
        (DAY, True),
        (DAY + timedelta(days=1), True),
        ("never", False),
        (None, None),
    ],
)
def test_28_days_count_back_from_the_reference_date_with_both_ends(
    happened: object, verdict: bool | None
) -> None:
    assert holds({"fact": "aa", "happened_within": {"days": 28}}, aa=happened) is verdict


@pytest.mark.parametrize(
    ("reference", "since"),
    [
        (date(2026, 8, 31), date(2026, 2, 28)),
        (date(2028, 8, 31), date(2028, 2, 29)),
        (date(2026, 8, 28), date(2026, 2, 28)),
        (date(2026, 6, 30), date(2025, 12, 30)),
        (date(2026, 3, 15), date(2025, 9, 15)),
    ],
)
def test_months_are_calendar_months_clamped_to_the_end_of_the_month(
    reference: date, since: date
) -> None:
    assert earliest(Within(months=6), reference) == since


@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)), st.integers(1, 60))
def test_months_back_land_in_the_month_so_many_earlier(reference: date, months: int) -> None:
    since = earliest(Within(months=months), reference)
    assert (reference.year - since.year) * 12 + reference.month - since.month == months
    assert since.day <= reference.day


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"at_least": 1}, "1"),
        ({"at_least": 1}, True),
        ({"at_most_uln": 1}, 1.0),
        ({"happened_within": {"days": 1}}, "2026-08-31"),
    ],
)
def test_a_value_of_another_kind_is_an_error_and_not_a_verdict(
    written: dict[str, object], value: object
) -> None:
    with pytest.raises(TypeError):
        holds({"fact": "aa", **written}, aa=value)


@given(conditions)
def test_every_comparison_of_a_condition_is_among_its_leaves(condition: Condition) -> None:
    facts = {leaf.fact for leaf in leaves(condition)}
    assert facts <= set(FACTS)
    assert evaluate(condition, dict.fromkeys(facts, True), DAY) is not None

"""Which cases are reported, and what is made of the records."""

from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.case_reports.rules import (
    Obstacle,
    age_group,
    drug_role,
    fitted,
    number,
    obstacles,
    printable,
    split,
)
from tests.case_reports.cases import NULLIFIED, PROTOCOL, SUSAR, WORSE, version

GROUPS = PROTOCOL.adverse_events.case_report.age_groups
ALL = list(product([True, False], repeat=3))


@pytest.mark.parametrize(("serious", "suspected", "expected"), ALL)
def test_only_a_serious_suspected_unexpected_reaction_is_reported(
    serious: bool, suspected: bool, expected: bool
) -> None:
    made = version(serious=serious, suspected=suspected, expected=expected)
    reported = obstacles([made]) == ()
    assert reported == (serious and suspected and not expected)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"serious": False, "suspected": False, "expected": True}, Obstacle.NOT_SERIOUS),
        ({"suspected": False, "expected": True}, Obstacle.NOT_SUSPECTED),
        ({"expected": True}, Obstacle.EXPECTED),
    ],
)
def test_the_first_thing_that_lacks_is_named(changes: dict[str, bool], why: Obstacle) -> None:
    assert obstacles([version(**changes)]) == (why,)


def test_one_reportable_occurrence_is_enough() -> None:
    assert obstacles([version(serious=False), WORSE]) == ()


def test_seriousness_and_suspicion_of_different_occurrences_do_not_add_up() -> None:
    serious = version(suspected=False)
    suspected = replace(WORSE, serious=False)
    assert obstacles([serious, suspected]) == (Obstacle.NOT_SUSPECTED,)


def test_a_follow_up_that_makes_it_expected_ends_the_reporting() -> None:
    assert obstacles([SUSAR, version(version=2, expected=True)]) == (Obstacle.EXPECTED,)


def test_a_nullified_case_is_reported_as_such_if_it_ever_was_reportable() -> None:
    assert obstacles([SUSAR, NULLIFIED]) == ()
    harmless = version(serious=False)
    gone = replace(NULLIFIED, serious=False)
    assert obstacles([harmless, gone]) == (Obstacle.NEVER_REPORTABLE,)
    assert obstacles([SUSAR, version(version=2, expected=True), gone]) == ()


def test_a_nullified_occurrence_counts_no_more_while_another_stands() -> None:
    stands = replace(WORSE, serious=False)
    assert obstacles([SUSAR, stands, NULLIFIED]) == (Obstacle.NOT_SERIOUS,)


@given(born=st.integers(1900, 2020), onset=st.dates(date(2021, 1, 1), date(2099, 12, 31)))
def test_an_age_group_holds_on_every_birthday_of_the_year(born: int, onset: date) -> None:
    told = age_group(born, onset, GROUPS)
    possible = set()
    for birthday in (date(born, 1, 1), date(born, 12, 31)):
        age = onset.year - born - ((onset.month, onset.day) < (birthday.month, birthday.day))
        reached = [group.group for group in GROUPS if group.from_years <= age]
        possible.add(reached[-1] if reached else None)
    if told is not None:
        assert possible == {told}


def test_no_group_is_told_of_who_is_younger_than_all() -> None:
    assert age_group(2020, date(2026, 4, 1), GROUPS) is None


@pytest.mark.parametrize(
    ("arm", "days", "role"),
    [
        (True, (date(2026, 4, 1), date(2026, 4, 2)), "suspect"),
        (True, None, "suspect"),
        (False, None, "not_administered"),
        (None, None, "not_administered"),
        (False, (date(2026, 4, 1), date(2026, 4, 2)), "suspect"),
    ],
)
def test_a_drug_is_not_administered_only_to_those_who_neither_should_nor_did(
    arm: bool | None, days: tuple[date, date] | None, role: str
) -> None:
    assert drug_role(arm, days) == role


@given(st.text(), st.integers(1, 30))
def test_pieces_are_short_enough_and_together_whole(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert "".join(pieces) == printable(text)
    assert all(0 < len(piece) <= limit for piece in pieces)


@given(st.text(), st.integers(1, 30))
def test_a_fitted_text_is_whole_or_shows_its_cut(text: str, limit: int) -> None:
    found = fitted(text, limit)
    assert len(found) <= limit
    assert found == printable(text) or found == printable(text)[: limit - 1] + "…"


@pytest.mark.parametrize(
    ("value", "text"), [(1.5, "1.5"), (8.0, "8"), (24 / 5, "4.8"), (24 / 7, "3.429"), (250, "250")]
)
def test_numbers_have_no_needless_zeros(value: float, text: str) -> None:
    assert number(value) == text

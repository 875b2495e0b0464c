"""Occurrences of one event, each rule by name."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.adverse_events.cases import (
    Occurrence,
    Standing,
    lasts_until,
    mistakes,
    standing,
    suspected,
    upgraded,
)

DAY = date(2026, 4, 10)
ONE = Occurrence(
    id=UUID(int=2),
    continues=UUID(int=1),
    term="Nausea",
    grade=2,
    onset_on=DAY,
    resolved_on=None,
    serious=False,
    seriousness=(),
    suspected=False,
    expected=False,
    nullified=False,
)
RELATED = ("related", "probably", "possibly")
days = st.dates(DAY - timedelta(days=9), DAY + timedelta(days=9))


def found(
    before: dict[str, Any] | None = None, after: dict[str, Any] | None = None, **changed: Any
) -> list[tuple[str, str]]:
    """Pointer and code of every contradiction between an occurrence and its neighbours."""
    noted = mistakes(
        replace(ONE, **changed),
        None if before is None else replace(ONE, **{"grade": 1, **before}),
        None if after is None else replace(ONE, **{"grade": 3, **after}),
    )
    return [(one.pointer, one.code) for one in noted]


# --- the chain --------------------------------------------------------------------------


def test_an_occurrence_by_itself_contradicts_nothing() -> None:
    assert found() == found({}) == found({}, {}) == []


@given(before=st.integers(1, 5), grade=st.integers(1, 5), after=st.integers(1, 5))
def test_neighbours_have_different_grades(before: int, grade: int, after: int) -> None:
    expected = [("/grade", "same_grade")] * [before, after].count(grade)
    assert found({"grade": before}, {"grade": after}, grade=grade) == expected


def test_another_term_is_another_event() -> None:
    assert found({"term": "Vomiting"}) == [("/term", "other_term")]


@given(before=days, resolved=st.none() | days, onset=days)
def test_an_occurrence_begins_while_the_one_before_still_lasts(
    before: date, resolved: date | None, onset: date
) -> None:
    noted = found({"onset_on": before, "resolved_on": resolved}, onset_on=onset)
    expected = []
    if onset < before:
        expected = [("/onset_on", "before_previous")]
    elif resolved is not None and resolved < onset:
        expected = [("/onset_on", "resolved_before")]
    assert noted == expected


@given(onset=days, resolved=st.none() | days, after=days)
def test_a_correction_leaves_the_next_occurrence_in_its_place(
    onset: date, resolved: date | None, after: date
) -> None:
    noted = found(None, {"onset_on": after}, onset_on=onset, resolved_on=resolved)
    expected = []
    if onset > after:
        expected = [("/onset_on", "after_next")]
    elif resolved is not None and resolved < after:
        expected = [("/resolved_on", "before_next")]
    assert noted == expected


@given(resolved=st.none() | days, following=st.none() | days, died=st.none() | days)
def test_a_grade_lasts_until_the_next_begins_or_resolution_or_death(
    resolved: date | None, following: date | None, died: date | None
) -> None:
    ends = [day for day in (following, resolved, died) if day is not None]
    assert lasts_until(resolved, following, died) == (ends[0] if ends else None)


# --- how grave a case is ------------------------------------------------------------------


@pytest.mark.parametrize("investigator", ["possibly", "unlikely"])
@pytest.mark.parametrize("sponsor", [None, "related", "not_related"])
def test_either_judgment_counts_and_the_more_cautious_prevails(
    investigator: str, sponsor: str | None
) -> None:
    expected = investigator == "possibly" or sponsor == "related"
    assert suspected(investigator, sponsor, RELATED) == expected


@given(
    serious=st.booleans(),
    suspect=st.booleans(),
    expected=st.booleans(),
)
def test_a_susar_is_serious_suspected_and_not_expected(
    serious: bool, suspect: bool, expected: bool
) -> None:
    one = replace(ONE, serious=serious, suspected=suspect, expected=expected)
    assert one.susar == (serious and suspect and not expected)


@pytest.mark.parametrize(
    ("changed", "grave"),
    [
        ({"grade": 5}, True),
        ({"seriousness": ("death",)}, True),
        ({"seriousness": ("hospitalisation", "life_threatening")}, True),
        ({"grade": 4, "seriousness": ("hospitalisation",)}, False),
    ],
)
def test_grade_5_death_and_danger_to_life_shorten_the_deadline(
    changed: dict[str, Any], grave: bool
) -> None:
    assert replace(ONE, **changed).fatal_or_life_threatening == grave


occurrences = st.builds(
    replace,
    st.just(ONE),
    grade=st.integers(1, 5),
    serious=st.booleans(),
    suspected=st.booleans(),
    nullified=st.booleans(),
)


@given(case=st.lists(occurrences, max_size=4))
def test_a_case_is_as_grave_as_its_gravest_occurrence_that_stands(case: list[Occurrence]) -> None:
    valid = [one for one in case if not one.nullified]
    now = standing(case)
    assert now == standing(valid)
    assert now.serious == any(one.serious for one in valid)
    assert now.susar == any(one.serious and one.suspected for one in valid)
    assert now.grade == max([one.grade for one in valid], default=0)


standings = st.builds(Standing, st.booleans(), st.booleans(), st.booleans(), st.integers(0, 5))


@given(before=standings, now=standings)
def test_an_upgrade_is_graver_in_any_respect(before: Standing, now: Standing) -> None:
    graver = [
        getattr(now, name) > getattr(before, name)
        for name in ("serious", "fatal_or_life_threatening", "susar", "grade")
    ]
    assert upgraded(before, now) == any(graver)
    assert not upgraded(now, now)

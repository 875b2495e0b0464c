"""Mucositis comes and goes as the literature says, and looks as its grade says."""

from itertools import pairwise
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.demo.chance import Chance
from services.api.demo.course import SEVERE, Course, components, course
from services.api.demo.events import KINDS, events
from services.api.gradings.rules import derive
from services.api.protocol.terms import load_terms
from tests.first_trial import FIRST_TRIAL

PROTOCOL = FIRST_TRIAL.protocol
DAYS = range(-10, 151)


def onset(one: Course) -> int | None:
    return next((day for day in DAYS if one.grade(day) >= SEVERE), None)


@settings(deadline=None)
@given(st.text(), st.booleans())
def test_a_course_rises_after_a_week_and_heals(seed: str, treated: bool) -> None:
    one = course(Chance(seed), treated=treated)
    grades = [one.grade(day) for day in DAYS]
    assert one == course(Chance(seed), treated=treated)
    assert all(0 <= grade <= 4 for grade in grades)
    assert not any(one.grade(day) for day in range(-10, 8))
    assert one.grade(150) == 0
    assert all(abs(after - before) <= 1 for before, after in pairwise(grades))


def test_severe_mucositis_is_rarer_later_and_shorter_with_treatment() -> None:
    shares, onsets, lengths = {}, {}, {}
    for treated in (True, False):
        courses = [course(Chance(f"{n}"), treated=treated) for n in range(2000)]
        first = [day for one in courses if (day := onset(one)) is not None]
        severe = [sum(one.grade(day) >= SEVERE for day in DAYS) for one in courses]
        shares[treated] = len(first) / len(courses)
        onsets[treated] = mean(first)
        lengths[treated] = mean(days for days in severe if days)
    assert shares[False] - shares[True] >= 0.10
    assert 0.45 <= shares[True] <= 0.55
    assert 0.60 <= shares[False] <= 0.70
    assert 36 <= onsets[False] < onsets[True] <= 49
    assert 8 <= lengths[True] < lengths[False] <= 18.5


@settings(deadline=None)
@given(st.integers(0, 4), st.text())
def test_components_agree_with_the_grade_by_the_protocols_rules(grade: int, seed: str) -> None:
    seen = components(grade, Chance(seed), PROTOCOL.scale("protocol"))
    assert derive(seen, PROTOCOL.grading)["protocol"] == grade


@pytest.mark.parametrize("scale", ["who", "rtog"])
@pytest.mark.parametrize("grade", range(5))
def test_components_agree_with_the_grade_on_any_scale(scale: str, grade: int) -> None:
    for seed in range(30):
        seen = components(grade, Chance(f"{seed}"), PROTOCOL.scale(scale))
        assert derive(seen, PROTOCOL.grading)[scale] == grade


def test_a_scale_that_knows_nothing_usual_of_a_grade_is_told() -> None:
    scale = PROTOCOL.scale("who")
    severe = scale.model_copy(update={"grades": scale.grades[:2]})
    with pytest.raises(ValueError, match="has grade 0"):
        components(0, Chance("1"), severe)


@settings(deadline=None)
@given(st.text())
def test_events_are_terms_and_grades_of_the_dictionary(seed: str) -> None:
    terms = load_terms(PROTOCOL.adverse_events.dictionary_version)
    drawn = events(Chance(seed))
    assert drawn == events(Chance(seed))
    assert 1 <= len({event.term for event in drawn}) == len(drawn) <= 3
    for event in drawn:
        term = terms.named(event.term)
        assert term is not None
        assert event.grade in term.grades
        assert event.grade in KINDS[event.term].grades
        assert event.onset >= 0
        assert 0 <= event.aware_after <= event.reported_after
        assert event.days >= 1

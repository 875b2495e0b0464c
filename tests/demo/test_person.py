"""People follow from the seed, the sites and the ages that the protocol allows."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.demo.person import Leaving, Person, recruit
from services.api.eligibility.rules import age_agrees

SITES = ("NN", "LZ", "YL")
AGES = range(18, 76)
START = date(2026, 3, 2)


def two_hundred(seed: int) -> Sequence[Person]:
    return recruit(seed, SITES, AGES, 200, START)


def test_the_same_seed_makes_the_same_people() -> None:
    assert two_hundred(1) == two_hundred(1)
    assert two_hundred(1) != two_hundred(2)


def test_a_person_does_not_depend_on_how_many_are_wanted() -> None:
    few = {person.index: person for person in recruit(1, SITES, AGES, 20, START)}
    many = {person.index: person for person in recruit(1, SITES, AGES, 200, START)}
    for index, person in few.items():
        same = (person.site, person.age, person.screening, person.fractions, person.leaving)
        other = many[index]
        assert same == (other.site, other.age, other.screening, other.fractions, other.leaving)
        assert person.chance("course").random() == other.chance("course").random()


@pytest.mark.parametrize("wanted", [1, 6, 200])
def test_as_many_take_part_as_wanted(wanted: int) -> None:
    assert sum(person.takes_part for person in recruit(3, SITES, AGES, wanted, START)) == wanted


def test_screen_failures_are_about_a_tenth_over_many_seeds() -> None:
    people = [person for seed in range(10) for person in two_hundred(seed)]
    failures = sum(not person.takes_part for person in people)
    assert 0.08 <= failures / len(people) <= 0.12


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_recruitment_takes_four_to_six_months_of_working_days(seed: int) -> None:
    people = two_hundred(seed)
    assert people[0].screened_on >= START
    assert 120 <= (people[-1].screened_on - START).days <= 183
    assert all(person.screened_on.weekday() < 5 for person in people)
    assert [person.screened_on for person in people] == sorted(p.screened_on for p in people)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_every_person_is_within_the_plan(seed: int) -> None:
    for person in two_hundred(seed):
        assert 30 <= person.fractions <= 35
        assert 66 <= person.dose_gy <= 70
        assert age_agrees(person.age, person.year_of_birth, person.screened_on)
        if person.leaving in (Leaving.LOST_TO_FOLLOW_UP, Leaving.DIED):
            last = person.last_fraction_on(START) - START
            assert last < timedelta(days=person.leaves_after), "they leave in follow-up"


def test_national_identifiers_differ_between_people_and_between_runs() -> None:
    people = [*two_hundred(1), *recruit(1, SITES, AGES, 200, START + timedelta(days=365))]
    assert len({person.national_id for person in people}) == len(people)


def test_ages_are_those_that_the_criteria_allow() -> None:
    ages = {person.age for person in recruit(1, SITES, range(50, 60), 100, START)}
    assert ages == set(range(51, 60))

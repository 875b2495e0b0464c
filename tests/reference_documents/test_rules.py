"""What a reference document may say, and what it says of an event."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.protocol.terms import Term, load_terms
from services.api.reference_documents.rules import Expected, lists, mistakes

TERMS = load_terms("5.0")


@given(listed=st.integers(1, 5), grade=st.integers(1, 5))
def test_a_worse_grade_than_the_listed_one_is_not_expected(listed: int, grade: int) -> None:
    entries = [Expected("Fever", 5), Expected("Pneumonitis", listed)]
    assert lists(entries, "Pneumonitis", grade) == (grade <= listed)
    assert not lists(entries, "Nausea", 1)


@given(term=st.sampled_from(tuple(TERMS)), grade=st.integers(1, 5))
def test_a_listed_grade_exists_for_the_term(term: Term, grade: int) -> None:
    noted = [one.code for one in mistakes([Expected(term.term, grade)], TERMS)]
    assert noted == ([] if grade in term.grades else ["no_such_grade"])


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([Expected("Sore mouth", 1)], [("/expected/0/term", "unknown")]),
        (
            [Expected("Nausea", 1), Expected("nausea", 2), Expected("Fever", 1)],
            [("/expected/1/term", "repeated")],
        ),
        ([], []),
    ],
)
def test_a_term_is_of_the_dictionary_and_listed_once(
    entries: list[Expected], expected: list[tuple[str, str]]
) -> None:
    assert [(one.pointer, one.code) for one in mistakes(entries, TERMS)] == expected

"""How terms are found while somebody types."""

from statistics import median
from time import perf_counter

from hypothesis import given
from hypothesis import strategies as st

from services.api.protocol.terms import Term, load_terms
from services.api.terms.rules import Index, words

TERMS = tuple(load_terms("5.0"))
INDEX = Index(TERMS)


def found(typed: str, *names: str) -> list[str]:
    """The names in the order in which they are found; of all terms, if none is named."""
    index = Index(Term("10000000", name, "Class", (1, 2)) for name in names) if names else INDEX
    return [term.term for term in index.search(typed)]


def test_terms_that_begin_with_it_come_first_then_words_then_what_holds_it() -> None:
    names = ("Arthropain", "Chest pain", "Pain", "Pain of skin", "Nausea", "Back pain")
    assert found("pain", *names) == [
        "Pain",
        "Pain of skin",
        "Chest pain",
        "Back pain",
        "Arthropain",
    ]


def test_neither_capitals_accents_nor_punctuation_matter() -> None:
    for typed in ("ménière", "MENIERE", "  meniere ", "Ｍｅｎｉｅｒｅ"):
        assert found(typed, "Nausea", "Ménière disease") == ["Ménière disease"]
    assert found("other specify", "Cardiac disorders - Other, specify")
    assert found("disorders-other,", "Cardiac disorders - Other, specify")


def test_a_term_is_found_by_its_meddra_code_or_the_beginning_of_it() -> None:
    assert found("10028813") == ["Nausea"]
    assert "Nausea" in found("1002881")


def test_what_holds_no_letter_finds_nothing() -> None:
    for typed in (" ", "-", "%", "'", "\N{COMBINING ACUTE ACCENT}"):
        assert found(typed) == []


@given(term=st.sampled_from(TERMS), data=st.data())
def test_every_term_is_found_by_any_part_of_it(term: Term, data: st.DataObject) -> None:
    text = words(term.term)
    begin = data.draw(st.integers(0, len(text) - 1))
    part = text[begin : data.draw(st.integers(begin + 1, len(text)))]
    assert (term in INDEX.search(part)) == bool(part.strip())


@given(typed=st.text(max_size=20))
def test_each_term_is_found_once_whatever_is_typed(typed: str) -> None:
    names = found(typed)
    assert len(names) == len(set(names))
    assert set(names) <= {term.term for term in TERMS}


@given(term=st.sampled_from(TERMS))
def test_a_whole_term_is_found_first_among_those_that_begin_with_it(term: Term) -> None:
    first = INDEX.search(term.term)[0]
    assert words(first.term).startswith(words(term.term))


def test_a_search_is_quick_enough_for_every_key_that_is_pressed() -> None:
    """A fifth of a millisecond here; the bound is generous, for machines are busy."""
    taken = []
    for typed in ("n", "na", "nausea", "other", "zz", "100") * 20:
        begin = perf_counter()
        INDEX.search(typed)
        taken.append(perf_counter() - begin)
    assert median(taken) < 0.005

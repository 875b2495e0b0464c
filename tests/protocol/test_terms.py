import pytest

from services.api.protocol.terms import load_terms, versions


def test_version_5_has_the_837_terms_that_were_published() -> None:
    terms = load_terms("5.0")
    assert len(terms) == len(list(terms)) == 837
    assert len({term.meddra_code for term in terms}) == 837
    assert len({term.system_organ_class for term in terms}) == 26


def test_alopecia_has_only_grades_1_and_2() -> None:
    alopecia = load_terms("5.0").named("Alopecia")
    assert alopecia is not None
    assert alopecia.grades == (1, 2)


def test_a_term_is_found_by_name_in_any_capitals_and_by_code() -> None:
    terms = load_terms("5.0")
    anemia = terms.named("aNEMIA")
    assert anemia is not None
    assert anemia.meddra_code == "10002272"
    assert anemia.system_organ_class == "Blood and lymphatic system disorders"
    assert terms.coded("10002272") is anemia


@pytest.mark.parametrize("name", ["Anemi", "Anemia ", ""])
def test_a_term_is_found_by_its_exact_name_only(name: str) -> None:
    assert load_terms("5.0").named(name) is None


def test_every_grade_is_a_ctcae_grade_in_rising_order() -> None:
    for term in load_terms("5.0"):
        assert term.grades
        assert set(term.grades) <= {1, 2, 3, 4, 5}
        assert list(term.grades) == sorted(set(term.grades))


def test_the_dictionary_is_read_once() -> None:
    assert load_terms("5.0") is load_terms("5.0")


@pytest.mark.parametrize("version", ["6.0", "", "../5.0"])
def test_a_version_the_service_does_not_hold_is_a_lookup_error(version: str) -> None:
    assert versions() == ("5.0",)
    with pytest.raises(LookupError):
        load_terms(version)

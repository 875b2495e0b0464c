"""Reference safety information over HTTP."""

from datetime import timedelta

import pytest

from tests.make import DOCUMENT, Api, created, mistakes, ok, problem

PATH = "/v1/safety/reference-documents"


def test_a_document_is_published_once_and_read_by_its_version(api: Api) -> None:
    officer = api.as_("safety_officer")
    made = created(officer.post(PATH, DOCUMENT))
    assert made.items() >= {**DOCUMENT, "dictionary_version": "5.0"}.items()
    assert ok(api.as_("monitor").get(f"{PATH}/1.0")) == made
    assert ok(api.as_("investigator").get(PATH))["items"] == [made]
    problem(officer.post(PATH, DOCUMENT), 409, "version_published")
    assert api.count("reference_document") == 1


def test_only_the_first_document_takes_effect_in_the_past(api: Api) -> None:
    officer, today = api.as_("safety_officer"), api.today()
    created(officer.post(PATH, DOCUMENT))
    body = {**DOCUMENT, "version": "2.0", "effective_on": str(today - timedelta(days=1))}
    assert mistakes(officer.post(PATH, body)) == [("/effective_on", "backdated")]
    assert api.count("reference_document") == 1
    created(officer.post(PATH, {**body, "effective_on": str(today)}))


def test_terms_are_kept_in_the_wording_of_the_dictionary(api: Api) -> None:
    listed = [{"term": "nAUSEA", "max_grade": 2}]
    made = created(api.as_("safety_officer").post(PATH, {**DOCUMENT, "expected": listed}))
    assert made["expected"] == [{"term": "Nausea", "max_grade": 2}]


def test_a_list_that_the_dictionary_does_not_have_is_refused_whole(api: Api) -> None:
    listed = [
        {"term": "Sore mouth", "max_grade": 2},
        {"term": "Alopecia", "max_grade": 3},
        {"term": "Nausea", "max_grade": 6},
    ]
    officer = api.as_("safety_officer")
    answer = officer.post(PATH, {**DOCUMENT, "expected": listed[:2]})
    assert mistakes(answer) == [
        ("/expected/0/term", "unknown"),
        ("/expected/1/max_grade", "no_such_grade"),
    ]
    assert mistakes(officer.post(PATH, {**DOCUMENT, "expected": listed[2:]})) == [
        ("/expected/0/max_grade", "less_than_equal")
    ]
    assert mistakes(officer.post(PATH, {**DOCUMENT, "version": "a b"}))
    assert api.count("reference_document") == 0


@pytest.mark.parametrize("role", ["investigator", "data_manager", "admin", "assessor", "dmc"])
def test_only_a_safety_officer_publishes(api: Api, role: str) -> None:
    problem(api.as_(role).post(PATH, DOCUMENT), 403, "forbidden")


def test_an_unknown_version_is_not_found(api: Api) -> None:
    problem(api.as_("safety_officer").get(f"{PATH}/9.9"), 404, "not_found")

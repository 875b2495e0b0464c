"""The search for terms over HTTP."""

import pytest

from services.api.core.permissions import Role
from tests.make import Api, mistakes, ok, problem


def test_a_term_is_found_with_its_codes_and_the_grades_that_exist(api: Api) -> None:
    page = ok(api.as_("coordinator").get("/v1/terms", params={"q": "NAUS"}))
    assert page["items"] == [
        {
            "term": "Nausea",
            "meddra_code": "10028813",
            "system_organ_class": "Gastrointestinal disorders",
            "grades": [1, 2, 3],
            "needs_detail": False,
        }
    ]
    assert (
        page.items()
        >= {
            "dictionary": "ctcae",
            "dictionary_version": "5.0",
            "meddra_version": "20.1",
            "next_cursor": None,
        }.items()
    )


def test_a_term_that_says_nothing_by_itself_is_told(api: Api) -> None:
    page = ok(api.as_("investigator").get("/v1/terms", params={"q": "other, specify"}))
    assert page["items"]
    assert all(term["needs_detail"] for term in page["items"])


@pytest.mark.parametrize("role", Role)
def test_everyone_who_signed_in_may_search(api: Api, role: Role) -> None:
    assert ok(api.as_(role.value).get("/v1/terms"))["items"]


def test_pages_go_on_where_the_one_before_ended(api: Api) -> None:
    caller = api.as_("investigator")
    first = caller.get("/v1/terms", params={"q": "pain", "limit": 3})
    second = caller.get(first.links["next"]["url"])
    whole = ok(caller.get("/v1/terms", params={"q": "pain", "limit": 6}))["items"]
    assert ok(first)["items"] + ok(second)["items"][:3] == whole


def test_what_cannot_be_searched_for_is_refused(api: Api) -> None:
    caller = api.as_("investigator")
    problem(caller.get("/v1/terms", params={"cursor": "bad"}), 400, "bad_cursor")
    assert mistakes(caller.get("/v1/terms", params={"q": ""})) == [("/query/q", "string_too_short")]
    problem(caller.get("/v1/terms", params={"q": "x" * 201}), 422, "invalid")
    problem(api.get("/v1/terms"), 401, "unauthorized")

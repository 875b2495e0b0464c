"""Lists are walked page by page, without a gap or a repetition, whatever is added meanwhile."""

import random
import re
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.core.errors import BadCursor
from services.api.core.pagination import PageQuery, encode, last_id
from tests.make import Api, Json, ok, problem


@given(st.uuids())
def test_a_cursor_says_where_the_page_ended(last: UUID) -> None:
    assert last_id(encode(last.bytes)) == last


@given(st.text(max_size=40))
def test_a_cursor_is_taken_exactly_as_given_out_or_refused(cursor: str) -> None:
    try:
        last = last_id(cursor)
    except BadCursor:
        return
    assert encode(last.bytes) == cursor


TAMPERED = {
    "empty": "",
    "short": "AZq_",
    "long": encode(uuid4().bytes) + "AA",
    "padded": encode(uuid4().bytes) + "==",
    "of another alphabet": "//" + encode(uuid4().bytes)[2:],
    "a UUID": str(uuid4()),
    "with stray bits": encode(UUID(int=0).bytes)[:-1] + "B",
    "with a space": " " + encode(uuid4().bytes)[1:],
    "with a NUL": "\0" + encode(uuid4().bytes)[1:],
    "with an umlaut": "ä" + encode(uuid4().bytes)[1:],
    "SQL": "' OR 1=1 --",
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_cursor_is_refused(name: str) -> None:
    with pytest.raises(BadCursor):
        last_id(TAMPERED[name])


def test_every_list_refuses_a_tampered_cursor(unchanged: Api) -> None:
    investigator = unchanged.as_("investigator")
    for path in ("/v1/subjects", "/v1/adverse-events", "/v1/randomizations"):
        for cursor in TAMPERED.values():
            answer = investigator.get(path, params={"cursor": cursor})
            problem(answer, 400, "bad_cursor")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1e9",
        "limit=",
        "limit=99999999999999999999",
        "cursor=" + "A" * 65,
        "offset=10",
        "page=2",
        "limit=10&sort=number",
    ],
)
def test_a_page_is_asked_for_in_known_terms(unchanged: Api, query: str) -> None:
    problem(unchanged.as_("investigator").get(f"/v1/subjects?{query}"), 422, "invalid")


def test_fifty_rows_unless_asked_otherwise() -> None:
    assert PageQuery().limit == 50


def walk(api: Api, path: str, *limits: int) -> list[Json]:
    """Every item of a list, by pages of the sizes given, followed by their Link."""
    items: list[Json] = []
    following: str | None = f"{path}?limit={limits[0]}"
    for turn in range(1000):
        assert following
        answer = api.get(following)
        page = ok(answer)
        items += page["items"]
        link = re.fullmatch(r'<(\S+)>; rel="next"', answer.headers.get("Link", ""))
        assert (link is None) == (page["next_cursor"] is None)
        if link is None:
            return items
        assert len(page["items"]) == int(re.findall(r"limit=(\d+)", following)[0])
        assert f"cursor={page['next_cursor']}" in link[1]
        limit = limits[(turn + 1) % len(limits)]
        following = re.sub(r"limit=\d+", f"limit={limit}", link[1])
    raise AssertionError("the list does not end")


def test_a_list_is_walked_in_the_order_of_its_making(api: Api) -> None:
    investigator = api.as_("investigator")
    made = [investigator.screened()["id"] for _ in range(12)]
    generator = random.Random(12)
    assert [item["id"] for item in walk(investigator, "/v1/subjects", 200)] == made
    for _ in range(5):
        limits = [generator.randint(1, 13) for _ in range(3)]
        assert [item["id"] for item in walk(investigator, "/v1/subjects", *limits)] == made


def test_a_page_that_ends_with_the_list_has_no_next(api: Api) -> None:
    investigator = api.as_("investigator")
    for _ in range(4):
        investigator.screened()
    first = ok(investigator.get("/v1/subjects?limit=2"))
    second = investigator.get(f"/v1/subjects?limit=2&cursor={first['next_cursor']}")
    assert len(ok(second)["items"]) == 2
    assert second.json()["next_cursor"] is None
    assert "Link" not in second.headers


def test_what_is_added_meanwhile_neither_repeats_nor_hides_a_row(api: Api) -> None:
    investigator = api.as_("investigator")
    before = [investigator.screened()["id"] for _ in range(7)]
    seen: list[str] = []
    cursor: str | None = ""
    added: list[str] = []
    while cursor is not None:
        page = ok(investigator.get("/v1/subjects?limit=3" + (cursor and f"&cursor={cursor}")))
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if len(added) < 4:
            added += [investigator.screened()["id"] for _ in range(2)]
            api.as_("investigator", "LZ").screened(site="LZ")
    assert seen[:7] == before
    assert seen == (before + added)[: len(seen)]


def test_a_row_that_goes_does_not_move_the_pages(api: Api) -> None:
    """A subject leaves the filter between two pages; the cursor is a place, not a count."""
    investigator = api.as_("investigator")
    made = [investigator.screened()["id"] for _ in range(5)]
    path = "/v1/subjects?limit=2&status=screening"
    first = ok(investigator.get(path))
    gone = {"status": "screen_failed", "reason": "Does not want to"}
    ok(investigator.patch(f"/v1/subjects/{made[0]}", gone))
    second = ok(investigator.get(f"{path}&cursor={first['next_cursor']}"))
    assert [item["id"] for item in second["items"]] == made[2:4]


def test_filters_travel_with_the_link(api: Api) -> None:
    investigator = api.as_("investigator")
    for _ in range(3):
        investigator.screened()
    answer = investigator.get("/v1/subjects?limit=1&status=screening&site=NN")
    assert "status=screening" in answer.headers["Link"]
    assert "site=NN" in answer.headers["Link"]
    assert len(walk(investigator, "/v1/subjects", 1)) == 3


def test_a_cursor_of_another_list_shows_no_foreign_row(api: Api) -> None:
    """A cursor is only a place: what is seen from there is still the caller's own."""
    ours, theirs = api.as_("investigator", "NN"), api.as_("investigator", "LZ")
    for _ in range(2):
        theirs.screened(site="LZ")
    cursor = ok(theirs.get("/v1/subjects?limit=1"))["next_cursor"]
    assert ok(ours.get(f"/v1/subjects?cursor={cursor}"))["items"] == []

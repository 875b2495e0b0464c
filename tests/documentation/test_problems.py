"""The pages of problems: what happened, what to do, whether to try again, who answers it."""

import json
import re
from html import unescape

import pytest

from services.api.core.errors import ApiError
from services.api.documentation.page import NAVIGATION
from services.api.documentation.problems import (
    AGAIN,
    FEW,
    ITEMS,
    LEAD,
    NONE,
    answering,
    example,
    explanation,
    index,
)
from services.api.language.catalogue import pages
from services.api.language.tags import Language
from tests.conftest import Served
from tests.make import Api, created


def words(text: str) -> str:
    """What a reader of the page sees."""
    body = text.partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", "", body)).split())


@pytest.mark.parametrize("code", sorted(ApiError.by_code))
def test_every_problem_has_a_page_that_says_what_to_do(code: str) -> None:
    kind = ApiError.by_code[code]
    page = explanation(kind, {}).html
    shown = words(page)
    assert kind.title().replace("`", "") in shown
    assert f"{code} · HTTP status {kind.status}" in shown
    assert kind.remedy().replace("`", "") in shown
    assert AGAIN[kind.status] in shown
    body = json.loads(unescape(page.partition("<pre><code>")[2].partition("</code>")[0]))
    assert (body["type"], body["status"]) == (f"/problems/{code}", kind.status)


@pytest.mark.parametrize("code", sorted(ApiError.by_code))
def test_the_page_is_in_chinese_for_whoever_prefers_it(code: str) -> None:
    kind = ApiError.by_code[code]
    page = explanation(kind, {}, Language.CHINESE)
    shown = words(page.html)
    assert kind.title(Language.CHINESE) in shown
    assert kind.remedy(Language.CHINESE).replace("`", "") in shown
    assert pages(Language.CHINESE)[AGAIN[kind.status]] in shown
    assert '<html lang="zh-Hans">' in page.html
    assert page.headers["Content-Language"] == "zh-Hans"
    for english in ("Problems", "What to do", "Example", "request", "Try it"):
        assert english not in re.sub(r"<code>.*?</code>", "", page.html, flags=re.DOTALL)


def test_every_text_of_the_pages_is_told_in_chinese() -> None:
    names = [name for _, name in NAVIGATION]
    assert {LEAD, NONE, *AGAIN.values(), *names} <= pages(Language.CHINESE).keys()
    assert "凡不成功的响应均为一个问题" in index(Language.CHINESE).html


def test_the_index_leads_to_every_page(unchanged: Api) -> None:
    text = unchanged.client.get("/problems").text
    linked = re.findall(r'<dt><a href="/problems/([a-z_]+)">', text)
    assert sorted(linked) == sorted(ApiError.by_code)
    statuses = [int(one) for one in re.findall(r"<h2>(\d+) ", text)]
    assert statuses == sorted({kind.status for kind in ApiError.by_code.values()})
    for kind in ApiError.by_code.values():
        assert kind.title().replace("`", "") in words(text)


def test_a_page_names_the_operations_that_answer_it(served: Served, unchanged: Api) -> None:
    document = served.app.openapi()
    found = answering(document)
    assert [one.id for one in found["already_randomized"]] == ["randomize"]
    shown = unchanged.client.get("/problems/already_randomized").text
    assert '<a href="/docs#/randomization/randomize"><code>POST /v1/subjects/' in shown
    assert "<details>" not in shown
    assert len(found["unauthorized"]) > FEW
    folded = unchanged.client.get("/problems/unauthorized").text
    assert f"<summary>{len(found['unauthorized'])} operations</summary>" in folded
    assert "/docs#/adverse%20events/list_adverse_events" in folded, "a tag of two words"
    assert "None by itself" in unchanged.client.get("/problems/eligibility_stale").text


def test_an_example_says_what_the_service_says(api: Api) -> None:
    """`not_ready`, the one with most to it, as a subject who lacks everything gets it."""
    investigator = api.as_("investigator")
    subject = investigator.screened()
    answer = investigator.post(f"/v1/subjects/{subject['id']}/randomization").json()
    shown = example(ApiError.by_code["not_ready"])
    assert set(shown) == set(answer)
    assert {**answer, "instance": "", "errors": []} == {**shown, "instance": "", "errors": []}
    created(investigator.post("/v1/subjects", {"site": "NN", "year_of_birth": 1950, "sex": "male"}))
    item = ITEMS["not_ready"]
    assert item.detail == ApiError.by_code[item.code].remedy()

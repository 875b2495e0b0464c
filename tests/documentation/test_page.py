"""What every page has: a strict policy, the links between the pages, and nothing inline."""

import re

import pytest

from services.api.documentation.page import Page
from tests.make import Api

PAGES = ["/docs", "/redoc", "/problems", "/problems/not_ready"]


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_told_to_load_from_here_alone(unchanged: Api, address: str) -> None:
    answer = unchanged.client.get(address)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    rules = dict(
        rule.strip().split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; ")
    )
    assert rules.pop("default-src") == "'none'"
    assert rules.pop("frame-ancestors") == "'none'"
    assert rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    assert rules.pop("img-src") == "'self' data:"
    inline = " 'unsafe-inline'" if address == "/redoc" else ""
    assert rules.pop("style-src") == "'self'" + inline
    runs = {"script-src": "'self'", "connect-src": "'self'"}
    searches = {"worker-src": "blob:"} if address == "/redoc" else {}
    assert rules == ({**runs, **searches} if address in {"/docs", "/redoc"} else {})


@pytest.mark.parametrize("address", PAGES)
def test_a_page_holds_no_script_and_no_style_and_its_files_exist(
    unchanged: Api, address: str
) -> None:
    text = unchanged.client.get(address).text
    assert re.findall(r"<style|<script>| style=| on\w+=", text) == []
    loaded = re.findall(r'(?:src|href)="([^"#]+)', text)
    assert len(loaded) > 5
    for one in sorted({*loaded} - {"/openapi.json"}):
        assert one.startswith("/"), one
        assert unchanged.client.get(one).status_code == 200, one


def test_a_page_says_where_one_is() -> None:
    page = Page("A <title>", "/problems", "<main></main>")
    assert page.html.count('aria-current="page"') == 1
    assert '<a href="/problems" aria-current="page">' in page.html
    assert "<title>A &lt;title&gt; · Trial API</title>" in page.html

"""The files of the pages: whole, ours or brought by a package, compressed for who takes that."""

import gzip
import re

import pytest

from services.api.documentation.assets import FILES, LOGO_ELSEWHERE, Asset, asset
from tests.make import Api, problem


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_there_and_is_what_it_is_called(unchanged: Api, name: str) -> None:
    answer = unchanged.client.get(f"/docs/assets/{name}")
    assert answer.status_code == 200
    kind = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    assert answer.headers["Content-Type"].startswith(kind[name.rpartition(".")[2]])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Encoding"] == "gzip"
    found = asset(name)
    assert found is not None
    assert answer.content == found.body


def test_redoc_fetches_no_logo_of_its_makers() -> None:
    """The one address elsewhere that its file loads; the browser's tests would see another."""
    where, _, _ = FILES["redoc.standalone.js"]
    assert (where / "redoc.standalone.js").read_bytes().count(LOGO_ELSEWHERE) == 1
    found = asset("redoc.standalone.js")
    assert found is not None
    assert LOGO_ELSEWHERE not in found.body


@pytest.mark.parametrize("name", ["docs.css", "docs.js", "page.css", "redoc.js"])
def test_our_own_files_name_no_other_host(name: str) -> None:
    found = asset(name)
    assert found is not None
    assert re.findall(rb"https?://|@import|url\(", found.body) == []


def test_who_holds_the_file_gets_it_no_second_time(unchanged: Api) -> None:
    first = unchanged.client.get("/docs/assets/page.css")
    held = {"If-None-Match": first.headers["ETag"]}
    again = unchanged.client.get("/docs/assets/page.css", headers=held)
    assert (again.status_code, again.content) == (304, b"")
    assert "Content-Type" not in again.headers
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == "private, no-cache"
    plain = unchanged.client.get("/docs/assets/page.css", headers={**held, "Accept-Encoding": ""})
    assert plain.status_code == 200, "compressed bytes are another representation"
    assert "Accept-Encoding" in plain.headers["Vary"]


@pytest.mark.parametrize(
    ("header", "zipped"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP ; q=0.5", True),
        ("deflate,gzip;q=0.001", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("br, gzip; q=0.000, identity", False),
        ("x-gzip-not", False),
        ("*", False),
    ],
)
def test_only_who_takes_gzip_gets_it(header: str, zipped: bool) -> None:
    one = Asset(b"text " * 100, "text/plain")
    form = one.form(header)
    assert (form.headers == {"Content-Encoding": "gzip"}) == zipped
    assert (gzip.decompress(form.body) if zipped else form.body) == one.body


@pytest.mark.parametrize("name", ["nothing.js", "..%2fassets.py", "__init__.py", "icon.svg%00"])
def test_no_other_file_is_served(unchanged: Api, name: str) -> None:
    problem(unchanged.client.get(f"/docs/assets/{name}"), 404, "not_found")

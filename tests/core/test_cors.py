"""Pages of the origins that the settings name may read answers; pages of no other origin may."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from services.api.contract.answers import answer_of
from services.api.core.cors import METHODS, TAKEN, TOLD
from services.api.main import create_app
from services.api.settings import ANY_ORIGIN, Settings
from tests.make import SUBJECT, Api, created, ok, problem

OURS = "https://edc.example.org"
DEVELOPERS = "http://localhost:5173"
STRANGERS = [
    "https://elsewhere.example",
    "http://edc.example.org",
    "https://edc.example.org:8443",
    "https://edc.example.org.elsewhere.example",
    "https://sub.edc.example.org",
    "https://EDC.example.org",
    "https://edc.example.org/",
    "http://localhost.elsewhere.example",
    "http://localhost:5173.elsewhere.example",
    "http://127.0.0.1.elsewhere.example",
    "http://192.0.2.1",
    "null",
    "*",
]
ASKED = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
}
"""What a browser asks before a page of another origin posts JSON with a token."""

ALWAYS_TOLD = {"Cache-Control", "Content-Length", "Content-Type", "Expires", "Last-Modified"}
"""What any page may read (Fetch standard, CORS-safelisted response-header name)."""


def told(answer: httpx.Response) -> set[str]:
    """The headers of CORS in an answer."""
    return {name for name in answer.headers if name.startswith("access-control-")}


def readable(answer: httpx.Response, origin: str) -> None:
    """The answer says that a page of the origin may read it, with every header it needs."""
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Expose-Headers"].split(", ") == list(TOLD)
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"].split(", ")


class Installation:
    """An installation with these origins and without its database: it refuses, and is healthy."""

    def __init__(self, settings: Settings, *origins: str, sandbox: bool = False) -> None:
        changed = {"sandbox": sandbox, "cors_origins": frozenset(origins)}
        self.app = create_app(settings.model_copy(update=changed))

    def close(self) -> None:
        self.app.state.database.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """What it answers."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **options)

        return asyncio.run(send())

    def get(self, path: str, origin: str) -> httpx.Response:
        """What a page of that origin is answered."""
        return self.request("GET", path, headers={"Origin": origin})

    def preflight(self, path: str, origin: str) -> httpx.Response:
        """What a browser is answered that asks for a page of that origin."""
        return self.request("OPTIONS", path, headers={"Origin": origin, **ASKED})


@pytest.fixture(scope="module")
def named(settings: Settings) -> Iterator[Installation]:
    """An installation that names one origin."""
    with closing(Installation(settings, OURS)) as made:
        yield made


# --- an origin that is named ------------------------------------------------------------


def test_a_page_may_read_an_answer_and_its_headers(named: Installation) -> None:
    readable(named.get("/healthz", OURS), OURS)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/subjects", 401),
        ("GET", "/v1/nothing", 404),
        ("DELETE", "/v1/subjects", 405),
        ("POST", "/v1/oauth/token", 415),
        ("GET", "/v1/subjects?unknown=1", 422),
    ],
)
def test_a_page_may_read_every_refusal(
    named: Installation, method: str, path: str, status: int
) -> None:
    answer = named.request(method, path, headers={"Origin": OURS})
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    readable(answer, OURS)


def test_a_page_may_read_that_its_body_was_too_large(named: Installation) -> None:
    answer = named.request(
        "POST", "/v1/oauth/password", json={"x": "x" * 300_000}, headers={"Origin": OURS}
    )
    problem(answer, 413, "body_too_large")
    readable(answer, OURS)


def test_a_page_may_read_that_the_service_failed(
    named: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError

    monkeypatch.setattr("services.api.system.routes.Health", fail)
    answer = named.get("/healthz", OURS)
    problem(answer, 500, "internal")
    readable(answer, OURS)


@pytest.mark.parametrize("path", ["/v1/subjects", "/v1/oauth/token", "/nothing"])
def test_a_preflight_tells_what_a_page_may_send_and_for_how_long(
    named: Installation, path: str
) -> None:
    answer = named.preflight(path, OURS)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert answer.headers["Access-Control-Allow-Methods"].split(", ") == list(METHODS)
    assert answer.headers["Access-Control-Allow-Headers"].split(", ") == list(TAKEN)
    assert int(answer.headers["Access-Control-Max-Age"]) >= 600
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert answer.headers["Vary"] == "Origin"


def test_an_options_request_that_is_no_preflight_reaches_the_service(named: Installation) -> None:
    answer = named.request("OPTIONS", "/v1/subjects", headers={"Origin": OURS})
    assert "GET" in answer.headers["Allow"]
    problem(answer, 405, "method_not_allowed")
    readable(answer, OURS)


def test_what_varied_already_varies_by_origin_too(named: Installation) -> None:
    answer = named.get("/docs/assets/page.css", OURS)
    assert answer.headers["Vary"] == "Accept-Encoding, Origin"


# --- any other origin -------------------------------------------------------------------


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_page_of_another_origin_is_told_nothing(named: Installation, origin: str) -> None:
    for answer in (
        named.get("/healthz", origin),
        named.get("/v1/subjects", origin),
        named.preflight("/v1/subjects", origin),
    ):
        assert told(answer) == set()
        assert "Origin" in answer.headers["Vary"], "or a cache would give it to our own page"


def test_no_page_is_allowed_on_the_machine_of_an_installation(named: Installation) -> None:
    """In production localhost is a stranger: whatever runs on a visitor's machine."""
    assert told(named.get("/healthz", DEVELOPERS)) == set()


def test_an_answer_to_no_page_says_that_it_depends_on_the_origin(named: Installation) -> None:
    answer = named.request("GET", "/healthz")
    assert told(answer) == set()
    assert answer.headers["Vary"] == "Origin"


def test_without_a_named_origin_nothing_is_said(settings: Settings) -> None:
    with closing(Installation(settings)) as nobody:
        for origin in (OURS, DEVELOPERS):
            answer = nobody.get("/healthz", origin)
            assert told(answer) == set()
            assert "Vary" not in answer.headers
            refused = nobody.preflight("/v1/subjects", origin)
            assert refused.status_code == 405
            assert told(refused) == set()


# --- the sandbox ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        DEVELOPERS,
        "http://localhost",
        "https://localhost:4200",
        "http://127.0.0.1:8080",
        "http://[::1]:3000",
    ],
)
def test_in_the_sandbox_pages_of_this_machine_are_allowed(unchanged: Api, origin: str) -> None:
    readable(unchanged.client.get("/healthz", headers={"Origin": origin}), origin)


@pytest.mark.parametrize("origin", [*STRANGERS, OURS])
def test_in_the_sandbox_pages_from_elsewhere_are_not(unchanged: Api, origin: str) -> None:
    assert told(unchanged.client.get("/healthz", headers={"Origin": origin})) == set()


def test_in_the_sandbox_every_origin_may_be_allowed(settings: Settings) -> None:
    with closing(Installation(settings, ANY_ORIGIN, sandbox=True)) as open_to_all:
        for origin in ("https://anywhere.example", "null"):
            readable(open_to_all.get("/healthz", origin), origin)


def test_a_page_reads_tag_place_and_replay_of_what_it_made(api: Api) -> None:
    investigator, here = api.as_("investigator"), {"Origin": DEVELOPERS}
    made = investigator.post("/v1/subjects", SUBJECT, key="k", headers=here)
    again = investigator.post("/v1/subjects", SUBJECT, key="k", headers=here)
    assert created(made) == created(again)
    readable(again, DEVELOPERS)
    for name in ("ETag", "Location", "X-Request-Id"):
        assert name in made.headers
        assert name in TOLD
    assert "Idempotency-Replayed" in again.headers
    assert investigator.get(made.headers["Location"], headers=here).headers["ETag"]


# --- the lists are whole ----------------------------------------------------------------


def test_every_header_of_the_document_may_be_sent_or_read(unchanged: Api) -> None:
    sent, read = set(), set()
    document = ok(unchanged.client.get("/openapi.json"))
    for operations in document["paths"].values():
        for operation in operations.values():
            sent |= {p["name"] for p in operation.get("parameters", []) if p["in"] == "header"}
            for answer in operation["responses"].values():
                read |= set(answer_of(document, answer).get("headers", {}))
    assert {"Idempotency-Key", "If-Match"} <= sent
    assert sent <= set(TAKEN)
    assert {"ETag", "Link"} <= read
    assert read <= set(TOLD) | ALWAYS_TOLD

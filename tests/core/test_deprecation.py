"""An operation that will end says so in the document and in each of its answers."""

import asyncio
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, Query

from services.api.core import errors, openapi
from services.api.core.auth import open_to_all
from services.api.core.cors import TOLD
from services.api.core.deprecation import NOTICE, Deprecation
from services.api.core.errors import NotFound, responses
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.system.schemas import Health

Json = dict[str, Any]

SINCE, SUNSET = date(2026, 11, 2), date(2027, 6, 1)
ANYONE = Depends(open_to_all(Action.READ_DOCUMENTATION))


def made() -> openapi.Documented:
    """An app of one operation that will end, and one that goes on."""
    router = Router(prefix="/v1/old things", tags=["old things"], dependencies=[ANYONE])
    ends = Depends(Deprecation(SINCE, SUNSET, "list_new_things"))

    @router.get("", dependencies=[ends], responses=responses(NotFound))
    async def list_old_things(size: Annotated[int, Query()] = 0) -> Health:
        """Old things."""
        if size > 1:
            raise NotFound
        if size > 0:
            raise ZeroDivisionError
        return Health(status="ok")

    @router.get("/others", responses=responses(NotFound))
    async def go_on() -> Health:
        """What goes on."""
        return Health(status="ok")

    app = openapi.Documented(title="Test", generate_unique_id_function=openapi.operation_id)
    errors.install(app)
    app.include_router(router)
    return app


def asked(method: str, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(made(), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 200), ("?size=2", 404), ("?size=x", 422), ("?other=1", 422), ("?size=1", 500)],
)
def test_every_answer_tells_since_when_and_until_when(query: str, status: int) -> None:
    answer = asked("GET", f"/v1/old things{query}")
    assert answer.status_code == status
    told = answer.headers["Deprecation"]
    assert told[0] == "@"
    assert datetime.fromtimestamp(int(told[1:]), UTC) == datetime(2026, 11, 2, tzinfo=UTC)
    assert answer.headers["Sunset"] == "Tue, 01 Jun 2027 00:00:00 GMT"
    assert parsedate_to_datetime(answer.headers["Sunset"]) == datetime(2027, 6, 1, tzinfo=UTC)
    links = answer.headers.get_list("Link", split_commas=True)
    assert links == [
        '</redoc#tag/old-things/operation/list_old_things>; rel="deprecation"; type="text/html"',
        '</redoc#section/Versions>; rel="sunset"; type="text/html"',
    ]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/others", 200), ("PUT", "", 405), ("GET", "/nothing", 404)],
)
def test_what_goes_on_says_nothing(method: str, path: str, status: int) -> None:
    answer = asked(method, f"/v1/old things{path}")
    assert answer.status_code == status
    assert not {"Deprecation", "Sunset", "Link"} & {name.title() for name in answer.headers}


def test_the_document_says_it_with_the_same_values() -> None:
    paths = made().openapi()["paths"]
    old, other = (paths[f"/v1/old things{path}"]["get"] for path in ("", "/others"))
    assert old["deprecated"] is True
    assert old["description"].startswith(
        "Deprecated since 2026-11-02; ends on 2027-06-01: call `list_new_things`."
    )
    answer = asked("GET", "/v1/old things")
    for described in old["responses"].values():
        for name in ("Deprecation", "Sunset"):
            assert described["headers"][name]["schema"]["const"] == answer.headers[name]
        assert "rel=sunset" in described["headers"]["Link"]["description"]
    assert "deprecated" not in other
    assert "Sunset" not in other["responses"]["200"]["headers"]


def test_a_page_of_another_origin_may_read_it() -> None:
    assert {"Deprecation", "Sunset", "Link"} <= set(TOLD)


def test_callers_have_half_a_year_at_least() -> None:
    assert NOTICE.days >= 180
    Deprecation(SINCE, SINCE + NOTICE, "list_new_things")
    with pytest.raises(ValueError, match="180 days"):
        Deprecation(SINCE, date(2027, 4, 30), "list_new_things")

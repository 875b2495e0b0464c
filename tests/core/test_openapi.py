"""The document says of each operation what every operation has in common, and it is true."""

from typing import Any

import httpx
import pytest

from services.api.contract.answers import answer_of
from services.api.core.openapi import MAY_BE_ABSENT
from tests.conftest import Served
from tests.make import SUBJECT, Api

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document(served: Served) -> Json:
    found: Json = served.app.openapi()
    return found


def documented(document: Json, path: str, method: str, status: int) -> Json:
    return answer_of(document, document["paths"][path][method]["responses"][str(status)])


def check(document: Json, route: str, answer: httpx.Response) -> None:
    """The answer has the documented media type and every documented header."""
    method = answer.request.method.lower()
    described = documented(document, route, method, answer.status_code)
    assert answer.headers["Content-Type"] in described["content"]
    absent = {name for name in described["headers"] if name not in answer.headers} - {
        "Link",
        "Idempotency-Replayed",
        "Retry-After",
    }  # only while there is one
    assert not absent


READS = [
    ("/v1/me", "/v1/me"),
    ("/v1/study", "/v1/study"),
    ("/v1/sites", "/v1/sites"),
    ("/v1/sites/{code}", "/v1/sites/NN"),
    ("/v1/sites/{code}/activations", "/v1/sites/NN/activations"),
    ("/v1/protocol-versions", "/v1/protocol-versions"),
    ("/v1/protocol-versions/{version}", "/v1/protocol-versions/1.0"),
    ("/v1/randomization/commitment", "/v1/randomization/commitment"),
    ("/v1/randomizations", "/v1/randomizations"),
    ("/v1/subjects", "/v1/subjects"),
    ("/v1/adverse-events", "/v1/adverse-events"),
    ("/.well-known/jwks.json", "/.well-known/jwks.json"),
    ("/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server"),
    ("/healthz", "/healthz"),
    ("/sandbox/clock", "/sandbox/clock"),
]


@pytest.mark.parametrize(("route", "path"), READS)
def test_a_success_has_the_headers_that_are_documented(
    unchanged: Api, document: Json, route: str, path: str
) -> None:
    answer = unchanged.as_("monitor").get(path)
    assert answer.status_code == 200
    check(document, route, answer)


def test_what_is_created_has_the_headers_that_are_documented(api: Api, document: Json) -> None:
    investigator = api.as_("investigator")
    check(document, "/v1/subjects", investigator.post("/v1/subjects", SUBJECT, key="k"))
    again = investigator.post("/v1/subjects", SUBJECT, key="k")
    check(document, "/v1/subjects", again)
    described = documented(document, "/v1/subjects", "post", 201)["headers"]
    assert {"ETag", "Idempotency-Replayed", "X-Request-Id"} <= set(described)
    assert "Idempotency-Replayed" in again.headers


@pytest.mark.parametrize(
    ("role", "method", "path", "route", "status"),
    [
        (None, "GET", "/v1/subjects", "/v1/subjects", 401),
        ("dmc", "GET", "/v1/subjects", "/v1/subjects", 403),
        ("monitor", "GET", "/v1/subjects?cursor=x", "/v1/subjects", 400),
        ("monitor", "GET", "/v1/subjects?limit=x", "/v1/subjects", 422),
        ("monitor", "GET", "/v1/sites/ZZ", "/v1/sites/{code}", 404),
        ("investigator", "POST", "/v1/subjects", "/v1/subjects", 415),
        (None, "GET", "/readyz", "/readyz", 503),
    ],
)
def test_a_refusal_is_documented_with_its_headers(
    unchanged: Api,
    document: Json,
    role: str | None,
    method: str,
    path: str,
    route: str,
    status: int,
) -> None:
    caller = unchanged.as_(role) if role else unchanged
    answer = caller.request(method, path)
    assert answer.status_code == status
    check(document, route, answer)
    described = documented(document, route, method.lower(), status)
    code = answer.json()["type"].rpartition("/")[2]
    assert f"`{code}`" in described["description"]


def test_a_token_request_and_its_refusal_are_as_documented(api: Api, document: Json) -> None:
    form = {"grant_type": "password", "username": "monitor-nn", "password": "sandbox-only"}
    answer = api.client.post("/v1/oauth/token", data=form)
    assert answer.status_code == 200
    check(document, "/v1/oauth/token", answer)
    assert answer.headers["Cache-Control"] == "no-store"
    refused = api.client.post("/v1/oauth/token", data={**form, "password": "x"})
    assert refused.status_code == 400
    check(document, "/v1/oauth/token", refused)


def test_the_framework_s_own_refusals_are_not_documented(document: Json) -> None:
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])
    assert {"Problem", "FieldError"} <= set(document["components"]["schemas"])


def test_only_single_records_carry_a_tag_and_only_pages_a_link(document: Json) -> None:
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status in operation["responses"]:
                answer = documented(document, path, method, int(status))
                schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
                name = schema.get("$ref", "").rpartition("/")[2]
                one = bool(name) and "next_cursor" not in schemas[name]["properties"]
                assert ("ETag" in answer["headers"]) == one, (method, path, status)
                cursor = any(item["name"] == "cursor" for item in operation.get("parameters", []))
                leads_on = (cursor and status == "200") or operation.get("deprecated", False)
                assert ("Link" in answer["headers"]) == leads_on


def test_the_document_is_served_whole(unchanged: Api, document: Json) -> None:
    assert unchanged.client.get("/openapi.json").json() == document


def test_a_member_of_an_answer_may_be_null_but_is_there(document: Json) -> None:
    schemas = document["components"]["schemas"]
    assert {
        name: set(schema["properties"]) - set(schema["required"])
        for name, schema in schemas.items()
        if name.endswith(("Read", "Rule", "Page", "Answer", "Problem")) and "properties" in schema
        if set(schema["properties"]) - set(schema["required"])
    } == MAY_BE_ABSENT
    shown = schemas["RadiotherapyRead"]
    assert "first_fraction_on" in shown["required"]


def test_what_is_sent_may_leave_out_what_has_a_default(document: Json) -> None:
    put = document["components"]["schemas"]["RadiotherapyPut"]
    assert "first_fraction_on" not in put["required"]

"""Every refusal is an RFC 9457 problem that tells what to do and repeats nothing that was sent."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from psycopg import errors as postgres
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from structlog.testing import capture_logs

from services.api.core import errors
from services.api.core.errors import ApiError, FieldError, Invalid, pointer, responses
from tests.make import Api, problem

CODES = sorted(set(ApiError.by_code))
SENT = "a-value-that-must-not-come-back"


def answer_to(error: Exception) -> httpx.Response:
    """What a client gets when an endpoint raises."""
    app = FastAPI()
    errors.install(app)

    @app.get("/")
    async def endpoint() -> None:
        raise error

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/")

    return asyncio.run(get())


def database_error(kind: type[Exception]) -> DBAPIError:
    return DBAPIError("SELECT 1", None, kind(SENT))


@pytest.mark.parametrize("code", CODES)
def test_every_problem_says_what_happened_and_what_to_do(code: str) -> None:
    kind = ApiError.by_code[code]
    assert kind.title()
    assert kind.remedy()
    assert kind.remedy() != kind.title()
    assert 400 <= kind.status <= 599


def test_two_problems_cannot_share_a_code() -> None:
    with pytest.raises(TypeError, match="not_found"):
        type("Another", (ApiError,), {"code": "not_found"})
    assert ApiError.by_code["not_found"] is errors.NotFound


def test_every_constraint_that_means_a_refusal_exists(unchanged: Api) -> None:
    """A renamed constraint would turn its refusal into a 500."""
    found = {
        row[0]
        for row in unchanged.rows(
            "SELECT conname FROM pg_constraint UNION SELECT relname FROM pg_class"
            # What a trigger refuses is named in its function as a constraint would be.
            " UNION SELECT (regexp_matches(prosrc, 'CONSTRAINT = ''(\\w+)''', 'g'))[1] FROM pg_proc"
        )
    }
    assert ApiError.by_constraint
    assert ApiError.by_constraint.keys() <= found


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.NotFound(), 404, "not_found"),
        (errors.Unavailable(), 503, "unavailable"),
        (errors.OutcomeUnknown(), 503, "outcome_unknown"),
        (HTTPException(404, SENT), 404, "not_found"),
        (HTTPException(405, SENT), 405, "method_not_allowed"),
        (HTTPException(413, SENT), 413, "body_too_large"),
        (HTTPException(415, SENT), 415, "unsupported_media_type"),
        (HTTPException(400, SENT), 400, "bad_request"),
        (HTTPException(418, SENT), 400, "bad_request"),
        (HTTPException(502, SENT), 500, "internal"),
        (PoolTimeout(SENT), 503, "unavailable"),
        (database_error(postgres.QueryCanceled), 503, "unavailable"),
        (database_error(postgres.LockNotAvailable), 503, "unavailable"),
        (database_error(postgres.TooManyConnections), 503, "unavailable"),
        (database_error(postgres.AdminShutdown), 503, "unavailable"),
        (database_error(postgres.DeadlockDetected), 503, "unavailable"),
        (OperationalError("SELECT 1", None, Exception(SENT)), 503, "unavailable"),
        (database_error(postgres.CheckViolation), 500, "internal"),
        (database_error(postgres.InsufficientPrivilege), 500, "internal"),
        (database_error(postgres.UndefinedColumn), 500, "internal"),
        (ValueError(SENT), 500, "internal"),
        (RecursionError(SENT), 500, "internal"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_whatever_is_raised_becomes_a_problem_without_its_text(
    error: Exception, status: int, code: str
) -> None:
    with capture_logs() as logged:
        answer = answer_to(error)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == f"/problems/{code}"
    assert SENT not in answer.text
    assert SENT not in str(logged)
    assert ("Retry-After" in answer.headers) == (status == 503)


def test_an_unforeseen_failure_carries_its_request_id_and_logs_only_where(
    unchanged: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(SENT)

    monkeypatch.setattr("services.api.study.service.list_sites", fail)
    with capture_logs() as logged:
        answer = unchanged.as_("monitor").get("/v1/sites", headers={"X-Request-Id": "unforeseen-1"})
    problem(answer, 500, "internal")
    assert answer.headers["X-Request-Id"] == "unforeseen-1"
    assert SENT not in str(logged)
    failure = next(line for line in logged if line["event"] == "unforeseen")
    assert failure["kind"] == "RuntimeError"
    assert "test_errors.py" in failure["where"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", f"/v1/{SENT}", 404, "not_found"),
        ("GET", "/v1/subjects/", 404, "not_found"),
        ("GET", "/%00", 404, "not_found"),
        ("DELETE", "/v1/subjects", 405, "method_not_allowed"),
        ("TRACE", "/healthz", 405, "method_not_allowed"),
        ("GET", f"/v1/subjects/{SENT}", 422, "invalid"),
        ("GET", f"/v1/subjects?limit={SENT}", 422, "invalid"),
        ("GET", f"/v1/subjects?{SENT}=1", 422, "invalid"),
    ],
)
def test_what_no_route_answers_is_a_problem_too(
    unchanged: Api, method: str, path: str, status: int, code: str
) -> None:
    answer = unchanged.as_("investigator").request(method, path)
    body = problem(answer, status, code)
    if status != 422 or f"?{SENT}=" not in path:  # the name of an unknown parameter is its place
        assert SENT not in answer.text
    assert ("errors" in body) == (status == 422)
    assert ("Allow" in answer.headers) == (status == 405)


def test_a_refused_value_is_named_by_its_pointer_and_never_repeated(api: Api) -> None:
    answer = api.as_("investigator").post(
        "/v1/subjects", {"site": SENT, "year_of_birth": "x", "sex": SENT, "name": SENT}
    )
    body = problem(answer, 422, "invalid")
    assert [(item["pointer"], item["code"]) for item in body["errors"]] == [
        ("/site", "string_pattern_mismatch"),
        ("/year_of_birth", "int_type"),
        ("/sex", "enum"),
        ("/name", "extra_forbidden"),
    ]
    assert SENT not in answer.text


@pytest.mark.parametrize(
    "body", [b"x" * (256 * 1024 + 1), [b"x" * 65536] * 5], ids=["declared", "chunked"]
)
def test_a_body_over_256_kib_is_refused(unchanged: Api, body: bytes | list[bytes]) -> None:
    answer = unchanged.as_("investigator").request(
        "POST",
        "/v1/subjects",
        content=body if isinstance(body, bytes) else iter(body),
        headers={"Content-Type": "application/json", "Idempotency-Key": "1"},
    )
    problem(answer, 413, "body_too_large")


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (("body", "facts", "a/b~c", 0), "/facts/a~1b~0c/0"),
        (("query", "limit"), "/query/limit"),
        (("header", "if-match"), "/header/if-match"),
        (("body",), ""),
        ((), ""),
    ],
)
def test_a_pointer_follows_rfc_6901(location: tuple[str | int, ...], expected: str) -> None:
    assert pointer(location) == expected


def test_responses_group_the_problems_of_a_status() -> None:
    described = responses(errors.KeyReused, errors.NotFound, Invalid)
    assert list(described) == [404, 422]
    assert "`idempotency_key_reused`" in described[422]["description"]
    assert "`invalid`" in described[422]["description"]


def test_errors_are_absent_unless_there_are_any() -> None:
    assert b"errors" not in errors.NotFound().response().body
    item = FieldError(pointer="/grade", code="missing", detail="Field required")
    assert b'"pointer":"/grade"' in Invalid(errors=[item]).response().body


def test_nobody_keeps_a_refusal(api: Api) -> None:
    """A record that was not found may be there the next moment; and a reason tells of a subject."""
    subject = api.as_("investigator").screened()
    answer = api.as_("investigator").get(f"/v1/subjects/{subject['id']}/endpoint/none")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")
    answer = api.as_("investigator").get(f"/v1/subjects/{uuid4()}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (errors.StillInFlight, "Retry-After", "1"),
        (errors.Unavailable, "Retry-After", "2"),
        (errors.OutcomeUnknown, "Retry-After", "2"),
        (errors.Unauthorized, "WWW-Authenticate", "Bearer"),
    ],
)
def test_a_refusal_brings_the_header_that_its_status_asks_for(
    make: Callable[[], ApiError], name: str, value: str
) -> None:
    assert make().response().headers[name] == value

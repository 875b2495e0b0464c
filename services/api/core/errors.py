"""Every refusal of the service, as RFC 9457 problems.

    ApiError
    ├── BadRequest            400    ├── Conflict              409
    ├── IdempotencyKeyMissing 400    ├── StillInFlight         409
    ├── BadCursor             400    ├── StaleVersion          412
    ├── Unauthorized          401    ├── BodyTooLarge          413
    ├── Forbidden             403    ├── UnsupportedMediaType  415
    ├── NotFound              404    ├── Invalid               422
    ├── MethodNotAllowed      405    ├── KeyReused             422
    ├── NotAcceptable         406
    ├── RecordFrozen          409    ├── IfMatchMissing        428
    ├── RecordLocked          409    ├── TooManyRequests       429
    └── Unavailable, OutcomeUnknown  503

Each resource adds its own in its `errors.py`. The class's docstring is the
problem's title and, below its first line, what to do next; `/problems/{code}`
shows both.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, SkipValidation
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.api.core.deprecation import tell_deprecation
from services.api.core.negotiation import depends_on, language_of
from services.api.language.catalogue import problems, translated
from services.api.language.tags import Language
from services.api.language.wording import Wording

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One thing that is wrong: where (RFC 6901 pointer), a code for programs, a text for people."""

    pointer: str = Field(
        examples=["/grade"],
        description="Where: an RFC 6901 pointer into the body, or `/query/…`, `/header/…`,"
        " `/path/…`.",
    )
    code: str = Field(
        examples=["less_than_equal"], description="What is wrong, for programs; the set may grow."
    )
    # Kept as it is given: a Wording can be said in another language.
    detail: SkipValidation[str] = Field(
        examples=["Input should be less than or equal to 4"],
        description="What is wrong, for people, in the language of Content-Language. It never"
        " repeats what was sent.",
    )


class Problem(BaseModel):
    """RFC 9457 problem details. It never repeats a value that was sent."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/problems/not_ready"], description="A page that explains it.")
    title: str = Field(
        examples=["The subject cannot be randomized yet"],
        description="What the problem is, the same each time.",
    )
    status: int = Field(examples=[409], description="The HTTP status, again.")
    detail: str = Field(
        examples=["Mend each item of errors, then send the same request again."],
        description="What to do next.",
    )
    instance: str = Field(
        examples=["019abf00c0de7000800000000000abcd"], description="The request's X-Request-Id."
    )
    errors: list[FieldError] | None = Field(
        default=None,
        description="Each thing that is wrong; absent where one text says it all.",
    )


class ApiError(Exception):
    """Something went wrong.

    What to do next stands here in each subclass.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    constraint: ClassVar[str | None] = None
    """A database constraint whose violation means this refusal."""

    by_code: ClassVar[dict[str, type["ApiError"]]] = {}
    by_constraint: ClassVar[dict[str, type["ApiError"]]] = {}

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.detail = detail or self.remedy()
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        super().__init__(self.detail)

    def __init_subclass__(cls) -> None:
        if cls.code in ApiError.by_code:
            raise TypeError(f"two problems have the code {cls.code}")
        ApiError.by_code[cls.code] = cls
        if cls.constraint is not None:
            ApiError.by_constraint[cls.constraint] = cls

    @classmethod
    def title(cls, language: Language = Language.ENGLISH) -> str:
        """What happened: in English, the first line of the docstring."""
        if (told := problems(language).get(cls.code)) is not None:
            return told.title
        return (cls.__doc__ or "").strip().split("\n", 1)[0].rstrip(".")

    @classmethod
    def remedy(cls, language: Language = Language.ENGLISH) -> str:
        """What to do next: in English, the rest of the docstring."""
        if (told := problems(language).get(cls.code)) is not None:
            return told.remedy
        return " ".join((cls.__doc__ or "").strip().split("\n", 1)[-1].split())

    def response(self, language: Language = Language.ENGLISH) -> Response:
        """The problem as an HTTP answer."""
        request_id = correlation_id.get() or ""
        problem = Problem.model_validate(
            {
                "type": f"/problems/{self.code}",
                "title": self.title(language),
                "status": self.status,
                "detail": said(self.detail, language),
                "instance": request_id,
                "errors": [told(one, language) for one in self.errors] or None,
                **self.extra,
            }
        )
        return Response(
            problem.model_dump_json(exclude_none=True),
            self.status,
            # What is refused now may be answered next, and tells of a subject as answers do.
            {"Cache-Control": "no-store", **self.headers, "Content-Language": language.value},
            MEDIA_TYPE,
        )


class BadRequest(ApiError):
    """The request cannot be read.

    Send well-formed JSON in UTF-8.
    """

    code, status = "bad_request", 400


class IdempotencyKeyMissing(ApiError):
    """The Idempotency-Key header is missing or malformed.

    Send a fresh key, 1 to 255 printable ASCII characters, with each new
    request, and the same key when you retry it.
    """

    code, status = "idempotency_key_missing", 400


class BadCursor(ApiError):
    """The cursor is not one that this list gave out.

    Use next_cursor of the page before, unchanged, or start without a cursor.
    """

    code, status = "bad_cursor", 400


class Unauthorized(ApiError):
    """The access token is missing or not valid.

    Ask for a new one at /v1/oauth/token and send it as a bearer token.
    """

    code, status = "unauthorized", 401

    def __init__(self, detail: str | None = None, *, challenge: str = "Bearer") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class Forbidden(ApiError):
    """Your role does not include this operation.

    GET /v1/me lists what you may do; the delegation is changed by an admin.
    """

    code, status = "forbidden", 403


class NotFound(ApiError):
    """There is no such record.

    Check the address; records of sites that are not yours do not exist for you.
    """

    code, status = "not_found", 404


class MethodNotAllowed(ApiError):
    """The resource does not have that method.

    The Allow header lists the methods it has.
    """

    code, status = "method_not_allowed", 405


class NotAcceptable(ApiError):
    """The answer has no form that the Accept header takes.

    Ask for one of the media types that the operation's documentation lists.
    """

    code, status = "not_acceptable", 406


class Conflict(ApiError):
    """The request contradicts what is recorded.

    Read the record again and decide anew.
    """

    code, status = "conflict", 409


class RecordFrozen(ApiError):
    """The record is frozen: the site changes no clinical data of it.

    GET /v1/subjects/{id}/lock and /v1/study/lock tell since when and why.
    Adverse events and withdrawals of consent are recorded all the same. For
    anything else ask the data manager to open it, or answer the query that is
    still open.
    """

    code, status, constraint = "record_frozen", 409, "record_frozen"


class RecordLocked(ApiError):
    """The record is locked: nobody changes it.

    GET /v1/subjects/{id}/lock and /v1/study/lock tell since when and why. The
    data manager may open it again, with a reason.
    """

    code, status, constraint = "record_locked", 409, "record_locked"


class StillInFlight(ApiError):
    """A request with the same Idempotency-Key is still being worked on.

    Send the same request again after the seconds in Retry-After.
    """

    code, status = "still_in_flight", 409

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class StaleVersion(ApiError):
    """The record has changed since you read it.

    GET it again, look at what changed, and send the new ETag as If-Match.
    """

    code, status = "stale_version", 412


class BodyTooLarge(ApiError):
    """The body is larger than 256 KiB.

    Send less in one request.
    """

    code, status = "body_too_large", 413


class UnsupportedMediaType(ApiError):
    """The body's Content-Type is not accepted here.

    Send application/json, or application/merge-patch+json for PATCH.
    """

    code, status = "unsupported_media_type", 415


class Invalid(ApiError):
    """The request is not valid.

    Mend each item of errors and send it again; nothing was stored.
    """

    code, status = "invalid", 422

    @classmethod
    def at(cls, pointer: str, code: str, detail: str) -> "Invalid":
        """The refusal of one field."""
        return cls(errors=[FieldError(pointer=pointer, code=code, detail=detail)])


class KeyReused(ApiError):
    """The Idempotency-Key was used for another request.

    Use a fresh key for a new request.
    """

    code, status = "idempotency_key_reused", 422
    constraint = "idempotent_answer_pkey"  # an answer that is hidden from the caller's role


class IfMatchMissing(ApiError):
    """A change needs the If-Match header.

    GET the record and send its ETag as If-Match.
    """

    code, status = "if_match_missing", 428


class Internal(ApiError):
    """The service failed.

    Nothing of this request was stored. Quote `instance` when you report it.
    """

    code, status = "internal", 500


class TooManyRequests(ApiError):
    """Too many requests, or too many failed attempts to sign in.

    Wait as many seconds as Retry-After says, then try again.
    """

    code, status = "too_many_requests", 429

    def __init__(self, pause: timedelta) -> None:
        super().__init__(headers={"Retry-After": str(max(1, math.ceil(pause.total_seconds())))})


class Unavailable(ApiError):
    """The service cannot reach its database or is overloaded.

    Nothing of this request was stored. Retry after the seconds in Retry-After.
    """

    code, status = "unavailable", 503

    def __init__(self, detail: str | None = None, *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail, errors=errors, headers={"Retry-After": "2"})


class OutcomeUnknown(ApiError):
    """It is not known whether the request was stored.

    Send it again with the same Idempotency-Key or If-Match: the answer tells.
    """

    code, status = "outcome_unknown", 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "2"})


def told(fault: FieldError, language: Language) -> FieldError:
    """What is wrong, in that language."""
    return FieldError(pointer=fault.pointer, code=fault.code, detail=said(fault.detail, language))


def said(text: str, language: Language) -> str:
    """A text of a problem in another language; in English where nobody has translated it."""
    if language is Language.ENGLISH:
        return text
    told = translated(text, language) or _of_problems(language).get(text)
    return text if told is None else told


@cache
def _of_problems(language: Language) -> Mapping[str, str]:
    """Every title and remedy by its English: a problem may be one of the errors of another."""
    kinds = ApiError.by_code.values()
    return {kind.title(): kind.title(language) for kind in kinds} | {
        kind.remedy(): kind.remedy(language) for kind in kinds
    }


def responses(*refusals: type[ApiError]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI `responses` of a route: one entry per status, naming each problem's code."""
    by_status: dict[int, list[type[ApiError]]] = {}
    for refusal in refusals:
        by_status.setdefault(refusal.status, []).append(refusal)
    return {status: problem_response(kinds) for status, kinds in sorted(by_status.items())}


def problem_response(kinds: Iterable[type[ApiError]]) -> dict[str, Any]:
    """One OpenAPI response object for problems of the same status."""
    text = "\n\n".join(f"`{kind.code}`: {kind.title()}. {kind.remedy()}" for kind in kinds)
    return {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def pointer(location: Sequence[int | str]) -> str:
    """A validation error's place as an RFC 6901 pointer into the body, or `/query/…` and so on."""
    parts = list(location[1:]) if location and location[0] == "body" else list(location)
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def refused_input(error: RequestValidationError) -> ApiError:
    """The problem for input that FastAPI refused, without the input itself."""
    found = error.errors()
    for item in found:
        place = tuple(str(part).lower() for part in item["loc"][:2])
        if item["type"] == "json_invalid":
            return BadRequest()
        if place == ("header", "idempotency-key"):
            return IdempotencyKeyMissing()
        if place == ("header", "if-match"):
            return IfMatchMissing()
    return Invalid(
        errors=[
            FieldError(pointer=pointer(item["loc"]), code=item["type"], detail=_validation(item))
            for item in found
        ]
    )


def _validation(item: Mapping[str, Any]) -> Wording:
    """What Pydantic says of a value; its message is found by its type, or by the text of ours."""
    context: Mapping[str, Any] = item.get("ctx", {})
    ours = context.get("error")
    if isinstance(ours, ValueError) and ours.args:
        text = ours.args[0]
        template, values = (
            (text.template, text.values) if isinstance(text, Wording) else (str(text), {})
        )
        return Wording.keyed(template, item["msg"], values)
    values = dict(context)
    if "expected" in values:  # "'a', 'b' or 'c'"
        values["expected"] = tuple(str(values["expected"]).replace(" or ", ", ").split(", "))
    return Wording.keyed(f"pydantic:{item['type']}", item["msg"], values)


def _http(error: HTTPException) -> ApiError:
    kinds: dict[int, type[ApiError]] = {
        404: NotFound,
        405: MethodNotAllowed,
        413: BodyTooLarge,
        415: UnsupportedMediaType,
    }
    if error.status_code in kinds:
        return kinds[error.status_code](headers=error.headers)
    if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return BadRequest()
    return Internal()


def _allowed(request: Request) -> str:
    """Every method of the path; the router knows only those of the route it tried first."""
    template = getattr(request.scope.get("route"), "path", "")
    methods = request.app.openapi()["paths"].get(template, {})
    return ", ".join(method.upper() for method in methods)


_SERVER_FAULTS = {"08", "40", "53", "57"}
"""SQLSTATE classes: no connection, rollback, resources, operator intervention."""
_LOCK_NOT_AVAILABLE = "55P03"


def _database(error: DBAPIError) -> ApiError:
    """What a database error that no service foresaw means: the server's fault, or ours."""
    state = getattr(error.orig, "sqlstate", None) or ""
    lost = error.connection_invalidated or (isinstance(error, OperationalError) and not state)
    if lost or state[:2] in _SERVER_FAULTS or state == _LOCK_NOT_AVAILABLE:
        return Unavailable()
    return Internal()


def _answer(request: Request, problem: ApiError) -> Response:
    """The problem in the caller's language, saying that another language brings another text."""
    depends_on(request, "Accept-Language")
    answer = problem.response(language_of(request))
    answer.headers["Vary"] = ", ".join(request.state.vary)
    tell_deprecation(request, answer)
    return answer


def install(app: FastAPI) -> None:
    """Make every non-2xx answer of the app a problem."""

    @app.exception_handler(ApiError)
    async def _api(request: Request, error: ApiError) -> Response:
        return _answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def _input(request: Request, error: RequestValidationError) -> Response:
        return _answer(request, refused_input(error))

    @app.exception_handler(HTTPException)
    async def _starlette(request: Request, error: HTTPException) -> Response:
        problem = _http(error)
        if isinstance(problem, MethodNotAllowed):
            problem.headers["Allow"] = _allowed(request)
        return _answer(request, problem)

    @app.exception_handler(PoolTimeout)
    async def _overload(request: Request, __: PoolTimeout) -> Response:
        log.warning("pool_exhausted")
        return _answer(request, Unavailable())

    @app.exception_handler(DBAPIError)
    async def _dbapi(request: Request, error: DBAPIError) -> Response:
        problem = _database(error)
        # The driver's text repeats parameters, which are clinical data: log its kind only.
        log.error("database", kind=type(error.orig).__name__, answered=problem.code)
        return _answer(request, problem)

    @app.exception_handler(Exception)
    async def _any(request: Request, error: Exception) -> Response:
        # Runs outside the request-id middleware, so it sets the header itself.
        log.error("unforeseen", kind=type(error).__name__, where=_where(error))
        problem = Internal(headers={"X-Request-Id": correlation_id.get() or ""})
        return _answer(request, problem)


def _where(error: Exception) -> str:
    """File and line of the raise: enough to find it, without a message that may hold data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""

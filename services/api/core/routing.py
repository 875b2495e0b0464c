"""How an endpoint runs: one thread, one transaction, one answer.

Every route of `Router` that takes a session runs here: the transaction begins
with the caller's security context, a retried request is answered from its
Idempotency-Key, the answer is serialised, and only then the transaction
commits. The caller is never told of what was not stored.
"""

import functools
import inspect
import re
from collections.abc import AsyncGenerator, Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session
from starlette.responses import Response

from services.api.core import audit, etag, idempotency
from services.api.core.audit import Happening
from services.api.core.auth import Principal
from services.api.core.bodies import read_form, read_json
from services.api.core.db import Database
from services.api.core.deprecation import tell_deprecation
from services.api.core.errors import (
    ApiError,
    BodyTooLarge,
    Invalid,
    OutcomeUnknown,
    UnsupportedMediaType,
)
from services.api.core.pagination import Page

ATTEMPTS = 3
"""How often a transaction that PostgreSQL gave up (deadlock, serialization) is run."""

MERGE_PATCH = "application/merge-patch+json"

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class StrictRequest(Request):
    """A request whose body is bounded and whose JSON is read by our stricter parser."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body's chunks.

        Raises:
            BodyTooLarge: as soon as there are more bytes than the settings allow.
        """
        left = self.app.state.settings.max_body_bytes
        if int(self.headers.get("Content-Length", 0)) > left:
            raise BodyTooLarge
        async for chunk in super().stream():
            left -= len(chunk)
            if left < 0:
                raise BodyTooLarge
            yield chunk

    async def json(self) -> Any:
        """The body, or a refusal."""
        if not hasattr(self, "_json"):
            self._json = await read_json(self)
        return self._json


class Route(APIRoute):
    """A route that reads strictly and answers from inside its transaction."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self._transacted = "session" in inspect.signature(endpoint).parameters
        if self._transacted:
            endpoint = in_transaction(endpoint, options.get("status_code") or 200)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind the check of the body's media type."""
        handle = super().get_route_handler()
        accepted = self._accepted_media_type()
        known = {name for one in self.dependant.query_params for name in _names(one)}

        async def strict(request: Request) -> Response:
            read = StrictRequest(request.scope, request.receive)
            if unexpected := set(request.query_params) - known:
                pointer = f"/query/{min(unexpected)}"[:200]
                raise Invalid.at(pointer, "extra_forbidden", "No such parameter here")
            if accepted is not None:
                sent = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                if sent != accepted:
                    raise UnsupportedMediaType(headers={"Accept": accepted})
                # Read here: inside, FastAPI would turn every refusal into a plain 400.
                await (read.json() if accepted.endswith("json") else read_form(read))
            elif request.method != "GET" and await read.body() and await read.json() != {}:
                raise Invalid.at("", "extra_forbidden", "This operation takes no body")
            try:
                answer = await handle(read)
            except ApiError as refusal:
                await _note_refusal(request, refusal)
                raise
            if not self._transacted and answer.media_type == "application/json":
                _tag(request, answer, None)
            # RFC 6749 section 5.1 for tokens; and no proxy may keep what it says of a subject.
            caching = "private, no-cache" if request.method == "GET" else "no-store"
            answer.headers["Cache-Control"] = getattr(request.state, "caching", caching)
            if (vary := getattr(request.state, "vary", None)) is not None:
                answer.headers["Vary"] = ", ".join(vary)
            tell_deprecation(request, answer)
            return answer

        return strict

    def _accepted_media_type(self) -> str | None:
        if self.body_field is None:
            return None
        return str(getattr(self.body_field.field_info, "media_type", "application/json"))


def _names(parameter: Any) -> list[str]:
    """The names a query parameter, or each member of a model of them, has in a URL."""
    annotation = parameter.field_info.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [field.alias or name for name, field in annotation.model_fields.items()]
    return [parameter.alias]


class Router(APIRouter):
    """An `APIRouter` of `Route`s."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=Route, **options)


def in_transaction(endpoint: Callable[..., Any], status: int) -> Callable[..., Response]:
    """The endpoint as one transaction that ends before its answer begins."""

    @functools.wraps(endpoint)
    def run(**arguments: Any) -> Response:
        session: Session = arguments["session"]
        request: Request = session.info["request"]
        session.info["caller"] = getattr(request.state, "principal", None)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with session:
                    answer = idempotency.recall(session, request)
                    if answer is None:
                        answer = _answer(request, endpoint(**arguments), status)
                        _note_read(session, request)
                        idempotency.keep(session, request, answer)
                    _commit(session)
                return answer
            except IntegrityError as error:
                raise _refusal(error) from error
            except DBAPIError as error:
                if attempt == ATTEMPTS or not _may_run_again(error):
                    raise
        raise AssertionError("the last attempt returns or raises")

    return run


def _note_read(session: Session, request: Request) -> None:
    """Put into the trail whose record was read, in the transaction that read it."""
    if request.method == "GET":
        asked = _asked(request)
        asked.pop("subject_id", None)  # the event tells it by itself
        asked |= {
            name: value
            for name, value in request.query_params.items()
            if name not in {"cursor", "limit"} and _NAME.fullmatch(value)
        }
        audit.note_read(session, request.scope["route"].name, asked)


async def _note_refusal(request: Request, refusal: ApiError) -> None:
    """Put into the trail that a known caller was denied, on its own, for the request is undone.

    Before the answer: who cannot be recorded is told 503 and not 403.
    """
    caller = getattr(request.state, "principal", None)
    if refusal.status == HTTPStatus.FORBIDDEN and caller is not None:
        await run_in_threadpool(_store_refusal, request, caller, refusal.code)


def _store_refusal(request: Request, caller: Principal, code: str) -> None:
    database: Database = request.app.state.database
    detail = {"problem": code, **_asked(request)}
    with database.transaction(caller) as session:
        audit.note(session, Happening.REFUSED, request.scope["route"].name, "", detail=detail)


def _asked(request: Request) -> dict[str, str]:
    """The parts of the path that name a record, as far as they can be anything."""
    parts = {name: str(value) for name, value in request.path_params.items()}
    return {name: value for name, value in parts.items() if _NAME.fullmatch(value)}


def _commit(session: Session) -> None:
    info = session.connection().connection.info
    info.pop("unconfirmed", None)
    try:
        session.commit()
    except DBAPIError as error:
        if _may_run_again(error) and not error.connection_invalidated:
            raise  # refused by PostgreSQL, so certainly not stored
        if isinstance(error, IntegrityError):
            raise  # a deferred constraint, so certainly not stored
        raise OutcomeUnknown from error
    if info.pop("unconfirmed", False):
        raise OutcomeUnknown


def _may_run_again(error: DBAPIError) -> bool:
    """Whether nothing was stored and the same transaction may succeed now."""
    state = getattr(error.orig, "sqlstate", None)
    return state in {"40001", "40P01"} or error.connection_invalidated


def _refusal(error: IntegrityError) -> Exception:
    """The problem that stands for a violated constraint."""
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    kind = ApiError.by_constraint.get(name or "")
    return kind() if kind else error


def _answer(request: Request, result: Any, status: int) -> Response:
    """The serialised answer, with its entity tag, next page and place."""
    if isinstance(result, Response):
        return result
    body = result.model_dump_json(by_alias=True).encode()
    answer = Response(body, status, media_type="application/json")
    if isinstance(result, Page):
        link_next(request, result, answer)
    else:
        version = getattr(result, "version", None)
        _tag(request, answer, version if isinstance(version, int) else None)
        _locate(result, answer)
    return answer


def link_next(request: Request, result: Page[Any], answer: Response) -> None:
    """Name the next page in the answer's header."""
    if result.next_cursor is not None:
        # A feed's `after` names a place as the cursor does: never both.
        begun = request.url.remove_query_params("after")
        url = begun.include_query_params(cursor=result.next_cursor)
        answer.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'


def _tag(request: Request, answer: Response, version: int | None) -> None:
    """Tag an answer, and leave its body out where the caller holds the same."""
    current = etag.tag(bytes(answer.body), version)
    answer.headers["ETag"] = current
    if request.method == "GET" and etag.unchanged(request.headers.get("If-None-Match"), current):
        answer.status_code = 304
        answer.body = b""
        del answer.headers["content-length"], answer.headers["content-type"]


def _locate(result: BaseModel, answer: Response) -> None:
    """Say where a record that was just made is found."""
    links = getattr(result, "links", None)
    if answer.status_code == 201 and links is not None:
        answer.headers["Location"] = links.self

"""The OpenAPI document: FastAPI's, with the conventions that every operation shares.

Written once here: the problem schema, the statuses that any operation can
answer, the headers of answers, and stable operation ids.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from services.api.core.auth import Open, Require
from services.api.core.deprecation import Deprecation, deprecation_of
from services.api.core.described import tidy
from services.api.core.errors import (
    ApiError,
    BadRequest,
    BodyTooLarge,
    Internal,
    Invalid,
    OutcomeUnknown,
    Problem,
    RecordFrozen,
    RecordLocked,
    Unavailable,
    UnsupportedMediaType,
    problem_response,
)
from services.api.core.permissions import GRANTS, PUBLIC, SITE_BOUND, Action, Role
from services.api.language.catalogue import enumerations
from services.api.language.tags import Language

Json = dict[str, Any]

ALWAYS = (Invalid, Internal, Unavailable, OutcomeUnknown)
"""A parameter that does not exist is refused anywhere, and every caller is noted in the trail."""
WITH_BODY = (BadRequest, BodyTooLarge, UnsupportedMediaType)
OF_THE_RECORD = (RecordFrozen, RecordLocked)

BESIDE_THE_RECORD = frozenset(
    {
        "identity",
        "accounts",
        "certificates",
        "study",
        "reference documents",
        "submissions",  # of what is recorded, and owed all the same
        "events",
        "webhooks",
        "locks",
        "system",
        "sandbox",
    }
)
"""Tags whose operations change no record of a subject: a lock never refuses them."""

MAY_BE_ABSENT = {
    # of the protocol document, which is shown as it was published:
    "CriterionRule": frozenset({"flag", "flag_text"}),
    "FactRead": frozenset({"quantity", "unit", "uln", "dated", "choices", "minimum", "maximum"}),
    "Problem": frozenset({"errors"}),
    "RandomizationRead": frozenset({"arm"}),  # an assessor's answer shows not even a null
    "TokenAnswer": frozenset({"refresh_token"}),  # RFC 6749 section 5.1: systems get none
}
"""Members that an answer leaves out; of all others, what is unknown is null."""

GROWING = frozenset(
    {
        "Action",
        "DeliveryFault",
        "DeviationCode",
        "EventType",
        "ExposureFlag",
        "GradingFlag",
        "RecordKind",
        "Scenario",
        "VisitFlag",
    }
)
"""Enumerations that get more values without a new version: programs pass over what they do not
know. The values of all others are decided upon, so a new one is a break (contract/promises.py)."""
GROWS = "The set may grow: pass over a value that you do not know."

_CHANGED = frozenset({"201", "204"})
"""Statuses of a success that only an operation which changes something has."""


def operation_id(route: APIRoute) -> str:
    """The endpoint's name: stable, unique, and a good method name in a generated client."""
    return route.name


class Documented(FastAPI):
    """An app whose document is ours; its pages are those of `documentation`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(openapi_url=None, docs_url=None, redoc_url=None, **settings)

    def openapi(self) -> Json:
        """The document, made when it is first asked for."""
        if self.openapi_schema is None:
            self.openapi_schema = _complete(
                get_openapi(
                    title=self.title,
                    version=self.version,
                    openapi_version="3.1.0",
                    summary=self.summary,
                    description=self.description,
                    routes=self.routes,
                    tags=self.openapi_tags,
                    license_info=self.license_info,
                    contact=self.contact,
                    servers=[{"url": "/", "description": "This installation"}],
                ),
                {operation_id(route): _declared(route) for route in _routes(self.routes)},
            )
        return self.openapi_schema


def _routes(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """Every operation of the document, however deep its router is included."""
    for route in routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            yield route
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _routes(inner.routes)


def _declared(route: APIRoute) -> tuple[Action, Deprecation | None]:
    """What the route's dependencies declare: who may, and whether it will end."""
    return _action(route), deprecation_of(route)


def _action(route: APIRoute) -> Action:
    """The one action that the route's dependencies require, or open to all."""
    waiting = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        if isinstance(dependant.call, Require | Open):
            return dependant.call.action
        waiting += dependant.dependencies
    raise TypeError(f"{route.path} names no action")


def _complete(document: Json, declared: Mapping[str, tuple[Action, Deprecation | None]]) -> Json:
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    tidy(document)
    _describe_values(schemas)
    for path in document["paths"].values():
        for method, operation in path.items():
            _complete_operation(method, operation, schemas)
            action, deprecation = declared[operation["operationId"]]
            _say_who_may(operation, action)
            if deprecation is not None:
                deprecation.describe(operation)
    _require_what_always_comes(document)
    return document


def _require_what_always_comes(document: Json) -> None:
    """Let callers count on every member of an answer, also on one with a default."""
    schemas = document["components"]["schemas"]
    operations = [one for path in document["paths"].values() for one in path.values()]
    left = _named_in([(one.get("requestBody"), one.get("parameters")) for one in operations])
    sent: set[str] = set()
    while left:
        name = left.pop()
        sent.add(name)
        left |= _named_in(schemas[name]) - sent
    for name, schema in schemas.items():
        if name not in sent and "properties" in schema:
            absent = MAY_BE_ABSENT.get(name, frozenset())
            schema["required"] = [one for one in schema["properties"] if one not in absent]


def _named_in(described: Any) -> set[str]:
    """The schemas that something refers to."""
    if isinstance(described, dict):
        reference = described.get("$ref")
        if isinstance(reference, str):
            return {reference.rpartition("/")[2]}
        return _named_in(list(described.values()))
    if isinstance(described, list | tuple):
        return {name for one in described for name in _named_in(one)}
    return set()


def _describe_values(schemas: Json) -> None:
    """Say of each value of a named enumeration what it means."""
    labels = enumerations(Language.ENGLISH)
    for name, schema in schemas.items():
        meant = [
            f"- `{value}`: {labels[name][value].meaning}"
            for value in schema.get("enum", ())
            if value in labels.get(name, {})
        ]
        if meant:
            grows = [GROWS, ""] if name in GROWING else []
            schema["description"] = "\n".join([schema["description"], "", *grows, *meant])


def _complete_operation(method: str, operation: Json, schemas: Json) -> None:
    summary, _, rest = operation.get("description", "").partition("\n")
    operation["summary"] = summary.rstrip(".")
    operation["description"] = " ".join(rest.split())
    answers = operation["responses"]
    if "422" in answers and "application/json" in answers["422"].get("content", {}):
        del answers["422"]  # FastAPI's own shape, which we never answer
    for kind in _possible(operation):
        _add(answers, kind)
    if method != "get" and BESIDE_THE_RECORD.isdisjoint(operation["tags"]):
        for refusal in OF_THE_RECORD:
            _add(answers, refusal)
    operation["responses"] = dict(sorted(answers.items()))
    for status, answer in operation["responses"].items():
        _describe_headers(operation, status, answer)
        _describe_success(operation, status, answer, schemas)


def _say_who_may(operation: Json, action: Action) -> None:
    """Name the roles that are granted the operation, and whether it needs a token at all."""
    if action in PUBLIC:
        operation["security"] = []
        who = "anyone, without a token"
    else:
        who = "; ".join(_granted(action))
    said = f"{operation['description']}\n\n**Who may** (`{action}`): {who}."
    operation["description"] = said.strip()


def _granted(action: Action) -> Iterator[str]:
    roles = [role for role in Role if action in GRANTS[role]]
    if len(roles) == len(Role):
        yield "every role"
        return
    for of_a_site, where in ((True, "at their own sites"), (False, "for the whole trial")):
        named = [f"`{role}`" for role in roles if (role in SITE_BOUND) is of_a_site]
        if named:
            yield f"{', '.join(named)} {where}"


def _add(answers: Json, kind: type[ApiError]) -> None:
    """Document a problem beside those of the same status."""
    described = problem_response([kind])
    answer = answers.setdefault(str(kind.status), described)
    if f"`{kind.code}`" not in answer["description"]:
        answer["description"] += "\n\n" + described["description"]


def _describe_success(operation: Json, status: str, answer: Json, schemas: Json) -> None:
    """Let a success be described by what it holds, with the headers it brings."""
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    if not status.startswith("2") or not name:
        return
    answer["description"] = schemas[name]["description"]
    headers = answer["headers"]
    names = {parameter["name"] for parameter in operation.get("parameters", [])}
    if "next_cursor" not in schemas[name]["properties"]:
        headers["ETag"] = _header("The version of the answer; send it as If-Match to change it.")
    elif "cursor" in names:
        headers["Link"] = _header("The next page, rel=next, while there is one.")
    if "Idempotency-Key" in names:
        headers["Idempotency-Replayed"] = _header("`true` when this is the answer to a retry.")


def _possible(operation: Json) -> tuple[type[ApiError], ...]:
    if "requestBody" in operation:
        return (*WITH_BODY, *ALWAYS)
    if _CHANGED & operation["responses"].keys():  # takes no body, and refuses one
        return (BadRequest, BodyTooLarge, *ALWAYS)
    return ALWAYS


def _header(description: str, schema: Json | None = None) -> Json:
    return {"description": description, "schema": schema or {"type": "string"}}


def _describe_headers(operation: Json, status: str, answer: Json) -> None:
    headers = answer.setdefault("headers", {})
    headers["X-Request-Id"] = _header("The request's id, for logs and the audit trail.")
    names = {parameter["name"] for parameter in operation.get("parameters", [])}
    if not status.startswith("2"):
        headers["Content-Language"] = _header(
            "The language of the problem's texts: `en`, or `zh-Hans` for an `Accept-Language` that"
            " prefers Chinese."
        )
    if status == "401":
        headers["WWW-Authenticate"] = _header("How to authenticate.")
    if status in {"429", "503"} or (status == "409" and "Idempotency-Key" in names):
        headers["Retry-After"] = _header("Seconds to wait.", {"type": "integer"})

"""Follows a link of the document from a recorded answer, as a client that walks them would."""

import re
from typing import Any

import httpx

from services.api.core.permissions import GRANTS, PUBLIC, Action, Role
from tests.contract.recorder import Exchange
from tests.make import Api

Json = dict[str, Any]

NOTHING = {"no_such_member": 0}
"""A body that every operation refuses, so that a change is reached and not made."""


def value_of(expression: str, exchange: Exchange) -> str | None:
    """What a runtime expression finds in an exchange (OpenAPI 3.1, section 4.8.20.4)."""
    source, _, pointer = expression.partition("#")
    if source == "$response.body":
        found = exchange.answer
        for part in pointer.removeprefix("/").split("/"):
            found = found[part]
        return None if found is None else str(found)
    if source == "$response.header.ETag":
        return exchange.tag
    name = source.removeprefix("$request.path.")
    assert name != source, f"an expression that nobody understands: {expression}"
    return str(exchange.parameters[name])


def follow(
    api: Api, link: Json, exchange: Exchange, operations: dict[str, tuple[str, str, Json]]
) -> httpx.Response | None:
    """The answer to the call that a link leads to; None where it leads nowhere now."""
    path, method, target = operations[link["operationId"]]
    placed: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
    for name, expression in link.get("parameters", {}).items():
        value = value_of(expression, exchange)
        if value is None:
            return None
        place, _, parameter = name.partition(".")
        placed[place][parameter] = value
    headers = placed["header"]
    options: Json = {"params": placed["query"], "headers": headers}
    if method != "get":
        content = target.get("requestBody", {}).get("content", {})
        headers["Content-Type"] = next(iter(content), "application/json")
        headers["Idempotency-Key"] = "a-link-followed"
        options["json"] = NOTHING
    caller = _allowed(api, target)
    return caller.request(method.upper(), path.format_map(placed["path"]), **options)


def _allowed(api: Api, operation: Json) -> Api:
    """The API as somebody who may do that."""
    (named,) = re.findall(r"\*\*Who may\*\* \(`([a-z_:]+)`\)", operation["description"])
    action = Action(named)
    if action in PUBLIC:
        return api
    roles = [role for role in Role if action in GRANTS[role]]
    return api.as_(roles[0])

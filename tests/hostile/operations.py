"""Every operation of the API as its OpenAPI document describes it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]

DOCUMENT = Path(__file__).parents[2] / "openapi" / "openapi.json"

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Operation:
    """One operation; `schema` is its body's, without references, or None."""

    id: str
    method: str
    path: str
    media_type: str | None
    schema: Json | None
    parameters: tuple[Json, ...]
    statuses: frozenset[int]
    public: bool

    def __str__(self) -> str:
        return self.id

    def header(self, name: str) -> bool:
        """Whether the operation asks for that header."""
        return any(
            parameter["in"] == "header" and parameter["name"] == name
            for parameter in self.parameters
        )

    @property
    def of_a_site(self) -> bool:
        """Whether the path names a record, which belongs to one site."""
        return self.names_one and not self.of_admins

    @property
    def names_one(self) -> bool:
        """Whether the path holds an id."""
        return "_id}" in self.path

    @property
    def of_admins(self) -> bool:
        """Whether it is about accounts, which belong to no site."""
        return self.path.startswith(("/v1/users", "/v1/clients"))


@cache
def document() -> Json:
    """The OpenAPI document, as tests/test_openapi.py holds it equal to the application's."""
    loaded: Json = json.loads(DOCUMENT.read_text())
    return loaded


@cache
def operations() -> tuple[Operation, ...]:
    """Every documented operation."""
    return tuple(
        _operation(method.upper(), path, item)
        for path, methods in document()["paths"].items()
        for method, item in methods.items()
    )


def writes() -> list[Operation]:
    """The operations that change something."""
    return [operation for operation in operations() if operation.method in CHANGING]


def reads() -> list[Operation]:
    """The operations that only read."""
    return [operation for operation in operations() if operation.method == "GET"]


def _operation(method: str, path: str, item: Json) -> Operation:
    content = item.get("requestBody", {}).get("content", {})
    media_type, body = next(iter(content.items()), (None, None))
    return Operation(
        id=item["operationId"],
        method=method,
        path=path,
        media_type=media_type,
        schema=resolved(body["schema"]) if body else None,
        parameters=tuple(item.get("parameters", ())),
        statuses=frozenset(map(int, item["responses"])),
        public=not item.get("security"),
    )


def resolved(schema: Json) -> Json:
    """The schema with the members of what it refers to, at its top level."""
    while "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        schema = document()["components"]["schemas"][name]
    return schema


def alternatives(schema: Json) -> Iterator[Json]:
    """Each schema that a value may satisfy."""
    schema = resolved(schema)
    for one in map(resolved, schema.get("anyOf", [schema])):
        if isinstance(one.get("type"), list):
            yield from ({**one, "type": kind} for kind in one["type"])
        else:
            yield one

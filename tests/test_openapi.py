"""The committed contract is the app's, and describes every operation whole."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.api.document import openapi_text

COMMITTED = Path(__file__).parent.parent / "openapi" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(COMMITTED.read_text())
OPERATIONS = [
    pytest.param(f"{method.upper()} {path}", operation, id=operation["operationId"])
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
PUBLIC = re.compile(r".* (/healthz|/readyz|/problems/|/sandbox/|/\.well-known/|/v1/oauth/)")


def test_the_committed_document_is_what_the_code_makes() -> None:
    assert COMMITTED.read_text() == openapi_text(), "run `make openapi`"


def test_operation_ids_are_names_that_a_client_can_use() -> None:
    ids = [str(operation.id) for operation in OPERATIONS]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", one) for one in ids)


@pytest.mark.parametrize(("call", "operation"), OPERATIONS)
def test_every_operation_is_described(call: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    assert {"500", "503"} <= operation["responses"].keys()
    for parameter in operation.get("parameters", []):
        assert parameter.get("description"), parameter["name"]
    commitment = call == "GET /v1/randomization/commitment"
    if not PUBLIC.match(call) and not commitment:
        assert operation["security"] == [{"trial": []}]
        assert "401" in operation["responses"]


@pytest.mark.parametrize(("call", "operation"), OPERATIONS)
def test_every_refusal_is_a_problem_that_names_its_code(
    call: str, operation: dict[str, Any]
) -> None:
    for status, answer in operation["responses"].items():
        if not status.startswith("2"):
            assert list(answer["content"]) == ["application/problem+json"], (call, status)
            assert re.search(r"`[a-z_]+`: ", answer["description"]), (call, status)


def members() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every member of every schema."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for member, described in schema.get("properties", {}).items():
            yield f"{name}.{member}", described


def test_every_member_has_an_example_or_values_that_speak_for_themselves() -> None:
    def speaks(described: dict[str, Any]) -> bool:
        if {"examples", "enum", "const", "$ref", "format"} & described.keys():
            return True
        if described.get("type") == "boolean":
            return True
        inner = [*described.get("anyOf", []), *filter(None, [described.get("items")])]
        return any(speaks(one) for one in inner)

    assert [name for name, described in members() if not speaks(described)] == []

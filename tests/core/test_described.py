"""The document's schemas say what is true on the wire, in the shortest form."""

import copy
from typing import Any

import pytest

from services.api.core import fields
from services.api.core.described import tidy

Json = dict[str, Any]
NULL = {"type": "null"}


def told(answer: Json, body: Json | None = None, *, parameters: list[Json] | None = None) -> Json:
    """A document of one operation that answers `Answer`, takes `Body`, and knows `Inner`."""
    body = body or {"type": "object", "properties": {}}
    operation: Json = {
        "operationId": "act",
        "parameters": parameters or [],
        "requestBody": {"content": {"application/json": {"schema": _of("Body")}}},
        "responses": {"200": {"content": {"application/json": {"schema": _of("Answer")}}}},
    }
    inner = {"type": "object", "title": "Inner", "properties": {"size": {"type": "integer"}}}
    schemas = {"Answer": answer, "Body": body, "Inner": inner}
    document: Json = copy.deepcopy(
        {"paths": {"/act": {"post": operation}}, "components": {"schemas": schemas}}
    )
    tidy(document)
    return document


def _of(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def field(schema: Json, **options: Any) -> Json:
    """One field of an answer, as it is told."""
    answer = {"type": "object", "properties": {"field": schema}}
    shown = told(answer, **options)["components"]["schemas"]["Answer"]
    found: Json = shown["properties"]["field"]
    return found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "string", "title": "Field"}, {"type": "string"}),
        (
            {"anyOf": [{"type": "string", "format": "date"}, NULL], "title": "Field"},
            {"type": ["string", "null"], "format": "date"},
        ),
        (
            {"anyOf": [{"type": "string", "description": "D.", "examples": ["e"]}, NULL]},
            {"type": ["string", "null"], "description": "D.", "examples": ["e"]},
        ),
        ({"anyOf": [_of("Inner"), NULL]}, {"anyOf": [_of("Inner"), NULL]}),
        (
            {"anyOf": [{"type": "boolean", "const": True}, NULL]},
            {"anyOf": [{"type": "boolean", "const": True}, NULL]},
        ),
        ({"type": "integer", "maximum": 5.0}, {"type": "integer", "maximum": 5}),
        ({"type": "number", "maximum": 0.5}, {"type": "number", "maximum": 0.5}),
    ],
    ids=["title", "or null", "moved up", "reference", "constant", "whole limit", "other limit"],
)
def test_a_field_is_written_in_its_shortest_form(given: Json, expected: Json) -> None:
    assert field(given) == expected


def test_an_answer_shows_no_default_of_the_code() -> None:
    assert field({"type": "integer", "default": 0}) == {"type": "integer"}


def test_what_is_sent_may_be_left_out_as_the_schema_says() -> None:
    body = {
        "type": "object",
        "properties": {
            "inner": _of("Inner"),
            "empty": {"type": "string", "default": None},
            "many": {"type": "integer", "default": 50},
        },
        "required": ["inner"],
    }
    schemas = told({"type": "object", "properties": {}}, body)["components"]["schemas"]
    assert schemas["Body"]["required"] == ["inner"]
    assert schemas["Body"]["properties"]["empty"] == {"type": "string"}
    assert schemas["Body"]["properties"]["many"]["default"] == 50
    assert "required" not in schemas["Inner"]  # it is sent too


def test_a_field_without_words_of_its_own_has_the_common_ones() -> None:
    same = {"type": "object", "properties": {"reason": {"type": "string"}}}
    own = {"type": "string", "description": "Mine."}
    schemas = told(copy.deepcopy(same), copy.deepcopy(same))["components"]["schemas"]
    assert schemas["Answer"]["properties"]["reason"]["description"] == fields.EVERYWHERE["reason"]
    assert schemas["Body"]["properties"]["reason"]["description"] == fields.ASKED["reason"]
    assert field(own)["description"] == "Mine."


def test_a_parameter_is_never_null_and_is_described_beside_its_schema() -> None:
    parameter = {
        "name": "after",
        "in": "query",
        "schema": {
            "anyOf": [{"type": "string", "format": "uuid", "description": "Only later."}, NULL],
            "default": None,
            "title": "After",
        },
    }
    document = told({"type": "object", "properties": {}}, parameters=[parameter])
    (shown,) = document["paths"]["/act"]["post"]["parameters"]
    assert shown["schema"] == {"type": "string", "format": "uuid"}
    assert shown["description"] == "Only later."

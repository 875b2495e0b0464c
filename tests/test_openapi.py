"""The document that clients are generated from: committed, complete and true to the code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from services.api.contract.answers import answer_of
from services.api.core.errors import ApiError
from services.api.core.permissions import GRANTS, Action, Role
from services.api.document import openapi_text
from services.api.exports.formats import FORMATS
from services.api.language.catalogue import enumerations
from services.api.language.tags import Language
from services.api.main import TAGS

Json = dict[str, Any]
COMMITTED = Path(__file__).parents[1] / "openapi" / "openapi.json"
DOCUMENT: Json = json.loads(COMMITTED.read_text())


def _answers(operation: Json) -> Json:
    """Its answers by status, whole also where the document says them once for many."""
    return {
        status: answer_of(DOCUMENT, answer) for status, answer in operation["responses"].items()
    }


SCHEMAS: Json = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    operation["operationId"]: (path, method, operation | {"responses": _answers(operation)})
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
PUBLIC = {
    "issue_token",
    "revoke_token",
    "change_password",
    "offer_totp",
    "confirm_totp",
    "read_keys",
    "read_authorization_server",
    "read_commitment",
    "read_fhir_capabilities",
    "read_health",
    "read_readiness",
    "list_problems",
    "read_problem",
    "read_clock",
    "move_clock",
    "list_scenarios",
    "reset_sandbox",
}
ALWAYS_POSSIBLE = {"change_client"}
"""Changes that no state of the record forbids."""
HTML = {"list_problems", "read_problem"}
DRAWN = {
    "read_recruitment_report",
    "read_consort_report",
    "read_completeness_report",
    "read_agreement_report",
    "read_endpoints_report",
    "read_safety_report",
}
"""Answers that are also a page and a PDF for people."""
FILES = {"read_export"}
"""Operations that answer files of many formats: those of their own table."""
MESSAGES = {"read_case_report"}
"""Operations that answer an XML message too."""
STREAMS = {"list_events"}
"""Operations whose answer goes on, when asked to."""
RESOURCES = {"read_fhir_capabilities"}
"""Operations that answer FHIR and nothing else."""
TABLES = {"list_audit_events"}
"""Operations that answer a table too, when asked to."""


def test_the_committed_document_is_that_of_the_code() -> None:
    """When it is not: `trial openapi openapi/openapi.json`, and look at what callers will see."""
    assert COMMITTED.read_text() == openapi_text()


def test_the_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    validate(DOCUMENT)


def test_operation_ids_are_unique_method_names() -> None:
    ids = [
        operation["operationId"]
        for operations in DOCUMENT["paths"].values()
        for operation in operations.values()
    ]
    assert len(ids) == len(set(ids)) == len(OPERATIONS)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", one) for one in ids)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_does(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    assert 10 < len(operation["summary"]) < 120
    assert not operation["summary"].endswith(".")
    assert len(operation["description"]) > 10
    assert len(operation["tags"]) == 1


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_documents_every_way_it_may_end(name: str) -> None:
    path, method, operation = OPERATIONS[name]
    statuses = set(operation["responses"])
    expected = {"422", "500", "503"}
    if name not in PUBLIC:
        expected |= {"401"}
    if "requestBody" in operation:
        expected |= {"400", "413", "415"}
    if "{" in path:
        expected |= {"404"}
    if method in {"put", "patch"}:
        expected |= {"412", "428", "403"} | (set() if name in ALWAYS_POSSIBLE else {"409"})
    if "Idempotency-Key" in {item["name"] for item in operation.get("parameters", [])}:
        expected |= {"400", "403", "409", "422"}
    assert expected <= statuses
    assert len([status for status in statuses if status.startswith("2")]) == 1


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_refusal_is_a_problem_that_has_a_page(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    for status, answer in operation["responses"].items():
        if status == "204":
            assert "content" not in answer
            continue
        if status.startswith("2"):
            if name in FILES:
                forms = [form for one in FORMATS.values() for form in (*one.forms, *one.single)]
                assert set(answer["content"]) == {form.media_type for form in forms}
                continue
            also = {"text/csv"} if name in TABLES else set()
            also |= {"text/html", "application/pdf"} if name in DRAWN else set()
            also |= {"application/xml"} if name in MESSAGES else set()
            also |= {"text/event-stream"} if name in STREAMS else set()
            shown = {"text/html" if name in HTML else "application/json"}
            shown = {"application/fhir+json"} if name in RESOURCES else shown
            assert set(answer["content"]) == shown | also
            continue
        assert set(answer["content"]) == {"application/problem+json"}
        schema = answer["content"]["application/problem+json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Problem"}
        codes = re.findall(r"^`([a-z_]+)`: ", answer["description"], re.MULTILINE)
        assert codes
        for code in codes:
            assert ApiError.by_code[code].status == int(status)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_public_on_purpose_or_needs_a_token(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    security = operation.get("security", [])
    assert security == ([] if name in PUBLIC else [{"trial": []}])


def test_the_token_endpoint_is_the_one_that_issues_tokens() -> None:
    (scheme,) = DOCUMENT["components"]["securitySchemes"].values()
    flows = scheme["flows"]
    assert {flow["tokenUrl"] for flow in flows.values()} == {OPERATIONS["issue_token"][0]}
    assert set(flows) == {"password", "clientCredentials"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_creates_needs_a_key_and_what_changes_needs_the_version(name: str) -> None:
    _, method, operation = OPERATIONS[name]
    required = {item["name"] for item in operation.get("parameters", []) if item.get("required")}
    creates = method == "post" and name not in PUBLIC
    assert ("Idempotency-Key" in required) == creates
    assert {item.lower() for item in required} >= (
        {"if-match"} if method in {"put", "patch"} else set()
    )
    if creates:
        assert "201" in operation["responses"]
    if method == "patch":
        assert set(operation["requestBody"]["content"]) == {"application/merge-patch+json"}


def test_every_tag_is_explained_and_used() -> None:
    used = {operation["tags"][0] for _, _, operation in OPERATIONS.values()}
    assert used == {tag["name"] for tag in TAGS}
    assert all(len(tag["description"]) > 10 for tag in TAGS)


def test_every_request_body_refuses_unknown_members() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    bodies = 0
    for _, _, operation in OPERATIONS.values():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
            assert schema["additionalProperties"] is False
            bodies += 1
    assert bodies > 10


def test_every_field_and_parameter_says_more_than_its_name() -> None:
    said: list[tuple[str, str, str]] = [
        (name, member, field.get("description", ""))
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for member, field in schema.get("properties", {}).items()
    ]
    said += [
        (name, parameter["name"], parameter.get("description", ""))
        for name, (_, _, operation) in OPERATIONS.items()
        for parameter in operation.get("parameters", ())
    ]
    assert [(where, name) for where, name, text in said if len(_news(where, name, text)) < 2] == []


def _news(where: str, name: str, text: str) -> set[str]:
    """The words of a description that are not those of the names it describes."""
    known = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+", f"{where} {name}")}
    small = {"a", "an", "and", "by", "for", "in", "is", "it", "its", "of", "or", "the", "to", "was"}
    return set(re.findall(r"[a-z0-9]+", text.lower())) - known - small


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_names_the_roles_that_are_granted_it(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    text, _, who = operation["description"].rpartition("**Who may** (`")
    assert operation["summary"] not in text
    action, _, roles = who.partition("`): ")
    if name in PUBLIC:
        assert roles == "anyone, without a token."
    elif roles == "every role.":
        assert all(Action(action) in GRANTS[role] for role in Role)
    else:
        named = set(re.findall(r"`([a-z_]+)`", roles))
        assert named == {role for role in Role if Action(action) in GRANTS[role]}


def test_every_list_of_values_is_a_named_schema() -> None:
    """A generated client then has one type for it, with a name and a meaning."""
    schemas = DOCUMENT["components"]["schemas"]
    unnamed = [
        where
        for name, schema in schemas.items()
        for where in _places(schema, (name,))
        if len(where) > 1 and "enum" in _at(schemas, where)
    ]
    unnamed += [
        where
        for name, (_, _, operation) in OPERATIONS.items()
        for where in _places(operation, (name,))
        if "enum" in _at({name: operation}, where)
    ]
    assert unnamed == []


def test_no_schema_is_a_choice_without_a_name() -> None:
    """A choice of several types, apart from «or null», is a schema of its own."""
    schemas = DOCUMENT["components"]["schemas"]
    unnamed = [
        where
        for name, schema in schemas.items()
        for where in _places(schema, (name,))
        if len(where) > 1 and len(_choices(_at(schemas, where))) > 1
    ]
    assert unnamed == []


def test_every_object_inside_another_is_a_named_schema() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    inside = [where for name, schema in schemas.items() for where in _places(schema, (name,))]
    assert [
        where
        for where in inside
        if len(where) > 1 and where[-1] != "properties" and "properties" in _at(schemas, where)
    ] == []


def test_every_schema_has_a_name_of_its_own() -> None:
    """No module's path, no number and no variant for reading or writing."""
    assert all(re.fullmatch(r"([A-Z][a-z]*)+", name) for name in DOCUMENT["components"]["schemas"])


def _places(node: object, here: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    """The way to every object inside a schema or operation, but not into its examples."""
    if isinstance(node, list):
        inside = [_places(part, (*here, place)) for place, part in enumerate(node)]
    elif isinstance(node, dict):
        parts = ((key, part) for key, part in node.items() if key not in {"example", "examples"})
        inside = [[here], *(_places(part, (*here, key)) for key, part in parts)]
    else:
        inside = []
    return [place for places in inside for place in places]


def _at(node: Any, where: tuple[str | int, ...]) -> Json:
    for key in where:
        node = node[key]
    assert isinstance(node, dict)
    return node


def _choices(schema: Json) -> list[Json]:
    given = schema.get("anyOf") or schema.get("oneOf") or []
    return [one for one in given if isinstance(one, dict) and one.get("type") != "null"]


def test_every_schema_is_explained_and_its_members_are_in_snake_case() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert schema.get("description"), name
        for member in schema.get("properties", {}):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", member), (name, member)


def test_every_value_of_an_enumeration_says_what_it_means_in_every_language() -> None:
    """Whoever adds an enumeration or a value gives it a label in `services/api/language`."""
    values = {name: schema["enum"] for name, schema in SCHEMAS.items() if "enum" in schema}
    assert len(values) > 40
    for language in Language:
        labels = enumerations(language)
        assert labels.keys() == values.keys()
        for name, known in values.items():
            assert labels[name].keys() == set(known), name
    for name, known in values.items():
        for value in known:
            assert f"- `{value}`: " in SCHEMAS[name]["description"]

"""The examples are one story, told by the running service, and agree with the document."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from services.api.contract.answers import answer_of
from services.api.contract.examples import RECORDED, add_examples, as_written, recorded
from tests.contract.conftest import Told
from tests.contract.following import follow
from tests.test_openapi import DOCUMENT, OPERATIONS

Json = dict[str, Any]

WITHOUT_EXAMPLE = {
    "read_readiness": "refuses the throw-away database of the tests, which is not durable",
    "read_export": "answers a file of the format asked for",
    "read_fhir_capabilities": "answers a document of FHIR's own form",
    "read_labels": "answers every word of every form; docs/guides/languages.md shows some",
    "reset_sandbox": "would end the story",
    "list_problems": "answers a page for people",
    "read_problem": "answers a page for people",
}
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
REGISTRY: Registry[Any] = Registry().with_resource(
    "urn:document", DRAFT202012.create_resource(DOCUMENT)
)
EXAMPLES: Json = recorded()


def test_a_new_recording_gives_the_same_examples_and_every_link_leads_on(
    told: Told, pytestconfig: pytest.Config
) -> None:
    """When it does not: `make openapi`, and look at what readers will see.

    Both in one test, for the story takes seconds to tell.
    """
    if pytestconfig.getoption("record"):
        text = json.dumps(told.examples, indent=1, ensure_ascii=False)
        RECORDED.write_text(text + "\n", encoding="utf-8")
        return
    assert list(told.examples) == list(EXAMPLES)
    for operation, example in told.examples.items():
        assert example == EXAMPLES[operation], operation
    followed = 0
    for operation, exchange in told.recorder.kept.items():
        links = OPERATIONS[operation][2]["responses"][str(exchange.status)].get("links", {})
        for target, link in links.items():
            answer = follow(told.api, link, exchange, OPERATIONS)
            if answer is not None:
                expected = 200 if OPERATIONS[target][1] == "get" else 422
                assert answer.status_code == expected, (operation, target, answer.text)
                followed += 1
    assert followed > 60


def test_every_operation_has_an_example_but_for_a_reason() -> None:
    assert set(OPERATIONS) - set(EXAMPLES) == set(WITHOUT_EXAMPLE)
    assert set(EXAMPLES) <= set(OPERATIONS)


def test_every_part_of_an_example_has_its_place_in_the_document() -> None:
    for name, example in EXAMPLES.items():
        _, _, operation = OPERATIONS[name]
        named = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert example.get("parameters", {}).keys() <= named, name
        for media_type, body in example.get("request", {}).items():
            content = operation["requestBody"]["content"][media_type]
            assert content["examples"]["story"]["value"] == body, name
        if "answer" in example:
            content = operation["responses"][str(example["status"])]["content"]["application/json"]
            assert content["examples"]["story"]["value"] == example["answer"], name


def shown() -> Iterator[tuple[str, Json, Any]]:
    """Every example in the document: where it stands, its schema and its value."""
    for name, (_, _, operation) in OPERATIONS.items():
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                yield f"{name} {parameter['name']}", parameter["schema"], parameter["example"]
        for answer in (operation.get("requestBody", {}), *operation["responses"].values()):
            yield from _of_content(name, answer_of(DOCUMENT, answer))
    for kind, methods in DOCUMENT["webhooks"].items():
        yield from _of_content(kind, methods["post"]["requestBody"])


def _of_content(name: str, answer: Json) -> Iterator[tuple[str, Json, Any]]:
    for content in answer.get("content", {}).values():
        for example in content.get("examples", {}).values():
            yield name, content["schema"], example["value"]


SHOWN = list(shown())


def faults(schema: Json, value: Any) -> list[str]:
    """What is wrong with a value, by a schema of the document."""
    whole = json.loads(json.dumps(schema).replace('"#/', '"urn:document#/'))
    checks = Draft202012Validator(whole, registry=REGISTRY, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in checks.iter_errors(value)]


def test_every_example_is_valid() -> None:
    assert len(SHOWN) > 250
    wrong = {where: faults(schema, value) for where, schema, value in SHOWN}
    assert {where: found for where, found in wrong.items() if found} == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SubjectCreate", {"site": "NN", "year_of_birth": 1974, "sex": "woman"}),
        ("ConsentCreate", {"version": "1.0", "signed_on": "2026-02-30"}),
        ("GradingCreate", {}),
        ("ClockMove", {"now": "today"}),
    ],
    ids=["enumeration", "date", "required", "date-time"],
)
def test_an_example_that_is_not_valid_is_found(name: str, value: Json) -> None:
    assert faults({"$ref": f"#/components/schemas/{name}"}, value)


def test_every_id_was_answered_before_it_is_used() -> None:
    known: set[str] = set()
    strange: list[tuple[str, str]] = []
    for operation, example in EXAMPLES.items():
        asked = json.dumps([example.get("parameters"), example.get("request")])
        strange += [(operation, one) for one in UUID7.findall(asked) if one not in known]
        known |= set(UUID7.findall(json.dumps(example.get("answer"))))
    assert strange == []


def test_the_story_is_about_one_subject() -> None:
    subject = EXAMPLES["create_subject"]["answer"]
    told = [
        example["parameters"]["subject_id"]
        for operation, example in EXAMPLES.items()
        if "subject_id" in example.get("parameters", {})
    ]
    assert len(told) > 30
    assert set(told) == {subject["id"]}
    assert EXAMPLES["randomize"]["answer"]["subject_id"] == subject["id"]


def test_no_example_holds_what_only_its_owner_may_know() -> None:
    text = json.dumps(EXAMPLES)
    tokens = set(re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", text))
    assert {token.rpartition(".")[2] for token in tokens} == {"c2lnbmF0dXJl"}
    assert len(set(re.findall(r"whsec_[^\"]+", text))) == 1


def test_a_parameter_is_shown_as_a_value_of_its_type() -> None:
    assert as_written("7", {"type": "integer"}) == 7
    assert as_written("true", {"type": "boolean"}) is True
    assert as_written("due", {"type": "array", "items": {"type": "string"}}) == ["due"]
    assert as_written("7", {"type": "string"}) == "7"


def test_an_operation_without_an_example_stays_as_it_is() -> None:
    operation: Json = {"operationId": "unheard_of", "responses": {"200": {}}}
    add_examples({"paths": {"/unheard-of": {"get": operation}}})
    assert operation == {"operationId": "unheard_of", "responses": {"200": {}}}


def test_an_operation_that_changed_is_shown_without_what_no_longer_fits() -> None:
    """Else the document that a new recording reads could not be made."""
    operation: Json = {"operationId": "create_subject", "responses": {"202": {}}}
    add_examples({"paths": {"/v1/subjects": {"post": operation}}})
    assert operation == {"operationId": "create_subject", "responses": {"202": {}}}

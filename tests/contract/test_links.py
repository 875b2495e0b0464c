"""Links lead from an answer to a call that exists, with parameters that it has."""

import pytest

from services.api.contract.links import NEXT, Next, add_links
from tests.contract.following import value_of
from tests.contract.recorder import Exchange
from tests.test_openapi import OPERATIONS

LINKS = [
    (name, target, link)
    for name, (_, _, operation) in OPERATIONS.items()
    for status, answer in operation["responses"].items()
    if status.startswith("2")
    for target, link in answer.get("links", {}).items()
]


def test_there_are_links_from_every_operation_of_the_table() -> None:
    assert NEXT.keys() <= {name for name, _, _ in LINKS}
    assert len(LINKS) > 100


def test_a_link_gives_every_parameter_that_its_target_needs() -> None:
    """An Idempotency-Key is new in each call; everything else comes from the answer."""
    for name, target, link in LINKS:
        _, _, operation = OPERATIONS[target]
        needed = {
            f"{one['in']}.{one['name']}"
            for one in operation.get("parameters", ())
            if one.get("required") and one["name"] not in {"Idempotency-Key", "If-Match"}
        }
        assert needed - {"query.q"} <= link.get("parameters", {}).keys(), (name, target)


def test_a_link_says_why_one_would_follow_it() -> None:
    for name, target, link in LINKS:
        assert link["operationId"] == target
        assert link["description"].endswith("."), (name, target)


@pytest.mark.parametrize(
    ("source", "target", "parameters"),
    [
        ("create_subject", "record_consent", {"path.subject_id": "$response.body#/id"}),
        (
            "record_visit",
            "create_grading",
            {"path.subject_id": "$request.path.subject_id", "path.code": "$request.path.code"},
        ),
        (
            "read_radiotherapy",
            "record_radiotherapy",
            {
                "path.subject_id": "$request.path.subject_id",
                "header.If-Match": "$response.header.ETag",
            },
        ),
        ("list_subjects", "list_subjects", {"query.cursor": "$response.body#/next_cursor"}),
        ("read_grading", "read_subject", {"path.subject_id": "$response.body#/subject_id"}),
    ],
    ids=["next step", "from the request", "with its version", "next page", "its subject"],
)
def test_where_parameters_come_from(source: str, target: str, parameters: dict[str, str]) -> None:
    (found,) = (link for name, to, link in LINKS if (name, to) == (source, target))
    assert found["parameters"] == parameters


def test_a_link_to_nowhere_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.api.contract.links.NEXT", {"act": (Next("no_such", "Why."),)})
    operation = {"operationId": "act", "responses": {"200": {}}}
    document = {"paths": {"/act": {"get": operation}}, "components": {"schemas": {}}}
    with pytest.raises(KeyError, match="no_such"):
        add_links(document)


def test_an_expression_finds_its_value() -> None:
    exchange = Exchange("act", {"code": "RT1A"}, None, None, 200, {"id": 7, "none": None}, '"1-a"')
    assert value_of("$response.body#/id", exchange) == "7"
    assert value_of("$response.body#/none", exchange) is None
    assert value_of("$request.path.code", exchange) == "RT1A"
    assert value_of("$response.header.ETag", exchange) == '"1-a"'
    with pytest.raises(AssertionError):
        value_of("$url", exchange)

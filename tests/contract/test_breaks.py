"""Each change of the real document that would break a caller is found, and no other."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from services.api.contract.breaks import breaks, operations, users_of_schemas
from services.api.contract.promises import Way
from services.api.core.openapi import GROWING, GROWS
from tests.test_openapi import COMMITTED, DOCUMENT, SCHEMAS

Json = dict[str, Any]
Change = Callable[[Json], object]

TEXT = COMMITTED.read_text()


def changed(change: Change) -> Json:
    """The document with that change."""
    document: Json = json.loads(TEXT)
    change(document)
    assert document != DOCUMENT
    return document


def act(document: Json, name: str) -> Json:
    """An operation of the document."""
    found = (one for path in document["paths"].values() for one in path.values())
    return next(one for one in found if one["operationId"] == name)


def schema(document: Json, name: str) -> Json:
    found: Json = document["components"]["schemas"][name]
    return found


def field(document: Json, name: str, member: str) -> Json:
    found: Json = schema(document, name)["properties"][member]
    return found


def parameter(document: Json, name: str, named: str) -> Json:
    found = act(document, name)["parameters"]
    return next(one for one in found if one["name"] == named)


def answer(document: Json, name: str, status: str) -> Json:
    found: Json = act(document, name)["responses"][status]
    return found


def message(document: Json) -> Json:
    found: Json = document["webhooks"]["subject.randomized"]["post"]
    return found


def move(of: Json, old: str, new: str) -> None:
    of[new] = of.pop(old)


def without(document: Json, name: str, named: str) -> None:
    """Leave a parameter out."""
    of = act(document, name)
    of["parameters"] = [one for one in of["parameters"] if one["name"] != named]


def rename_schema(document: Json, old: str, new: str) -> None:
    text = json.dumps(document).replace(f'schemas/{old}"', f'schemas/{new}"')
    document.update(json.loads(text))
    move(document["components"]["schemas"], old, new)


def replace_problem(document: Json, old: str, new: str) -> None:
    document.update(json.loads(json.dumps(document).replace(f"`{old}`: ", f"`{new}`: ")))


PLACE = "/v1/subjects/{subject_id}"
NEW = {"type": "string", "description": "What is new."}
BREAKING: dict[str, tuple[Change, str, str]] = {
    # the operation
    "operation gone": (
        lambda d: d["paths"][PLACE].pop("get"),
        "read_subject",
        "GET /v1/subjects/{subject_id} is gone",
    ),
    "path gone": (
        lambda d: d["paths"].pop("/v1/visits"),
        "list_all_visits",
        "GET /v1/visits is gone",
    ),
    "path parameter renamed": (
        lambda d: move(d["paths"], PLACE, "/v1/subjects/{subject}"),
        "read_subject",
        "is gone",
    ),
    "operation id": (
        lambda d: act(d, "read_subject").update(operationId="get_subject"),
        "read_subject",
        "is called `get_subject`",
    ),
    "token needed": (
        lambda d: act(d, "read_commitment").update(security=[{"trial": []}]),
        "read_commitment",
        "security asks for more",
    ),
    "scope needed": (
        lambda d: act(d, "read_subject").update(security=[{"trial": ["subjects"]}]),
        "read_subject",
        "security asks for more",
    ),
    "token asked for elsewhere": (
        lambda d: d["components"]["securitySchemes"]["trial"]["flows"]["password"].update(
            tokenUrl="/v1/token"
        ),
        "trial",
        "security scheme has changed",
    ),
    # parameters
    "filter gone": (
        lambda d: without(d, "list_subjects", "status"),
        "list_subjects",
        "query status is gone",
    ),
    "filter required": (
        lambda d: parameter(d, "list_subjects", "site").update(required=True),
        "list_subjects",
        "query site is required",
    ),
    "parameter new and required": (
        lambda d: act(d, "read_subject")["parameters"].append(
            {"name": "purpose", "in": "query", "required": True, "schema": NEW}
        ),
        "read_subject",
        "query purpose is new and required",
    ),
    "parameter in another place": (
        lambda d: parameter(d, "record_visit", "If-Match").update({"in": "query"}),
        "record_visit",
        "header If-Match is gone",
    ),
    "fewer rows": (
        lambda d: parameter(d, "list_subjects", "limit")["schema"].update(maximum=100),
        "list_subjects",
        "query limit `maximum` was `200` and is `100`",
    ),
    "other default": (
        lambda d: parameter(d, "list_subjects", "limit")["schema"].update(default=20),
        "list_subjects",
        "query limit left out, it no longer means `50`",
    ),
    "other style": (
        lambda d: parameter(d, "list_subjects", "status").update(explode=False),
        "list_subjects",
        "query status is written in another style",
    ),
    # what is sent
    "body gone": (
        lambda d: act(d, "create_subject").pop("requestBody"),
        "create_subject",
        "body is gone",
    ),
    "body required": (
        lambda d: act(d, "read_subject").update(
            requestBody={"required": True, "content": {"application/json": {"schema": NEW}}}
        ),
        "read_subject",
        "body is required",
    ),
    "media type of the body": (
        lambda d: move(
            act(d, "change_subject")["requestBody"]["content"],
            "application/merge-patch+json",
            "application/json",
        ),
        "change_subject",
        "body is no `application/merge-patch+json` any more",
    ),
    "member no longer taken": (
        lambda d: schema(d, "SubjectCreate")["properties"].pop("national_id"),
        "SubjectCreate",
        "/national_id, sent by callers, is gone",
    ),
    "member must be sent": (
        lambda d: schema(d, "SubjectCreate")["required"].append("national_id"),
        "SubjectCreate",
        "/national_id, sent by callers, must now be sent",
    ),
    "new member must be sent": (
        lambda d: (
            schema(d, "SubjectCreate")["properties"].update(height=NEW),
            schema(d, "SubjectCreate")["required"].append("height"),
        ),
        "SubjectCreate",
        "/height, sent by callers, must now be sent",
    ),
    "limit of a member": (
        lambda d: field(d, "SubjectCreate", "year_of_birth").update(minimum=1950),
        "SubjectCreate",
        "/year_of_birth, sent by callers, `minimum`",
    ),
    "longer text asked for": (
        lambda d: field(d, "WithdrawalCreate", "reason").update(minLength=10),
        "WithdrawalCreate",
        "/reason, sent by callers, `minLength`",
    ),
    "pattern of a member": (
        lambda d: field(d, "SubjectCreate", "site").update(pattern="^N"),
        "SubjectCreate",
        "/site, sent by callers, `pattern`",
    ),
    "type of a member": (
        lambda d: field(d, "SubjectCreate", "year_of_birth").update(type="string"),
        "SubjectCreate",
        "was integer and is string",
    ),
    "null no longer taken": (
        lambda d: field(d, "RadiotherapyPut", "first_fraction_on").update(type="string"),
        "RadiotherapyPut",
        "/first_fraction_on, sent by callers, takes no null",
    ),
    "value no longer taken": (
        lambda d: schema(d, "Sex")["enum"].remove("male"),
        "Sex",
        "schema Sex, sent by callers, takes no `male`",
    ),
    # what is read
    "status of a success": (
        lambda d: move(act(d, "create_subject")["responses"], "201", "200"),
        "create_subject",
        "answer 200 is a new kind of success",
    ),
    "media type of an answer": (
        lambda d: move(answer(d, "read_subject", "200")["content"], "application/json", "text/csv"),
        "read_subject",
        "answer 200 is no `application/json` any more",
    ),
    "other schema": (
        lambda d: answer(d, "read_subject", "200")["content"]["application/json"].update(
            schema={"$ref": "#/components/schemas/ConsentRead"}
        ),
        "read_subject",
        "answer 200/number is gone",
    ),
    "header gone": (
        lambda d: answer(d, "read_subject", "200")["headers"].pop("ETag"),
        "read_subject",
        "answer 200 has no header `ETag` any more",
    ),
    "header of another type": (
        lambda d: answer(d, "read_subject", "200")["headers"]["ETag"]["schema"].update(
            type="integer"
        ),
        "read_subject",
        "answer 200 header ETag was string and is integer",
    ),
    "member gone": (
        lambda d: schema(d, "SubjectRead")["properties"].pop("number"),
        "SubjectRead",
        "/number, read by callers, is gone",
    ),
    "member may be missing": (
        lambda d: schema(d, "SubjectRead")["required"].remove("number"),
        "SubjectRead",
        "/number, read by callers, may now be missing",
    ),
    "member may be null": (
        lambda d: field(d, "SubjectRead", "number").update(type=["string", "null"]),
        "SubjectRead",
        "/number, read by callers, may now be null",
    ),
    "type of what is read": (
        lambda d: field(d, "RadiotherapyRead", "version").update(type="number"),
        "RadiotherapyRead",
        "was integer and is number",
    ),
    "format of what is read": (
        lambda d: field(d, "SubjectRead", "created_at").pop("format"),
        "SubjectRead",
        "`format` was `date-time` and is not said",
    ),
    "value that nobody knows": (
        lambda d: schema(d, "SubjectStatus")["enum"].append("paused"),
        "SubjectStatus",
        "may now be `paused`",
    ),
    "value that never comes": (
        lambda d: schema(d, "EventType")["enum"].remove("subject.died"),
        "EventType",
        "is never `subject.died` any more",
    ),
    "schema renamed": (
        lambda d: rename_schema(d, "GradingRead", "Grading"),
        "GradingRead",
        "schema is gone: clients use its name",
    ),
    # problems
    "problem renamed": (
        lambda d: replace_problem(d, "already_randomized", "randomized"),
        "already_randomized",
        "problem is answered by no operation any more",
    ),
    "status of a problem": (
        lambda d: move(act(d, "randomize")["responses"], "409", "400"),
        "randomize",
        "problem `already_randomized` was 409 and is 400",
    ),
    "member of a problem": (
        lambda d: schema(d, "Problem")["properties"].pop("instance"),
        "Problem",
        "/instance, read by callers, is gone",
    ),
    # webhooks
    "event gone": (
        lambda d: d["webhooks"].pop("subject.randomized"),
        "receive_subject_randomized",
        "POST subject.randomized is gone",
    ),
    "member of a message": (
        lambda d: schema(d, "EventMessage")["properties"].pop("timestamp"),
        "EventMessage",
        "/timestamp, read by callers, is gone",
    ),
    "signature gone": (
        lambda d: message(d).update(parameters=message(d)["parameters"][:2]),
        "receive_subject_randomized",
        "header webhook-signature is gone",
    ),
}


@pytest.mark.parametrize("change", BREAKING)
def test_a_change_that_breaks_is_found_and_named(change: str) -> None:
    made, name, said = BREAKING[change]
    found = breaks(DOCUMENT, changed(made))
    assert [str(one) for one in found if one.name == name and said in str(one)], map(str, found)


HARMLESS: dict[str, Change] = {
    "summary": lambda d: act(d, "read_subject").update(summary="Another summary"),
    "description": lambda d: act(d, "read_subject").update(description="Another text."),
    "tag": lambda d: act(d, "read_subject").update(tags=["subjects"]),
    "text of the whole": lambda d: d["info"].update(description="Another text."),
    "description of a field": lambda d: field(d, "SubjectRead", "number").update(description="X."),
    "description of an enumeration": lambda d: schema(d, "Sex").update(description="X."),
    "example of an answer": lambda d: answer(d, "read_subject", "200")["content"][
        "application/json"
    ].pop("examples"),
    "example of a field": lambda d: field(d, "SubjectRead", "number").update(examples=["LZ-0002"]),
    "link": lambda d: answer(d, "create_subject", "201")["links"].pop("randomize"),
    "new operation": lambda d: d["paths"].update(
        {"/v1/new": {"get": {**act(d, "read_study"), "operationId": "read_new"}}}
    ),
    "new event": lambda d: d["webhooks"].update(
        {"subject.paused": {"post": {**message(d), "operationId": "receive_subject_paused"}}}
    ),
    "new filter": lambda d: act(d, "list_subjects")["parameters"].append(
        {"name": "sex", "in": "query", "required": False, "schema": NEW}
    ),
    "key may be left out": lambda d: parameter(d, "create_subject", "Idempotency-Key").update(
        required=False
    ),
    "more rows": lambda d: parameter(d, "list_subjects", "limit")["schema"].update(maximum=500),
    "new member to send": lambda d: schema(d, "SubjectCreate")["properties"].update(height=NEW),
    "member may be left out": lambda d: schema(d, "SubjectCreate")["required"].remove("sex"),
    "wider limit": lambda d: field(d, "SubjectCreate", "year_of_birth").update(minimum=1800),
    "new media type to send": lambda d: act(d, "create_subject")["requestBody"]["content"].update(
        {"application/cbor": {"schema": NEW}}
    ),
    "new member to read": lambda d: (
        schema(d, "SubjectRead")["properties"].update(height=NEW),
        schema(d, "SubjectRead")["required"].append("height"),
    ),
    "never null": lambda d: field(d, "SubjectRead", "died_on").update(type="string"),
    "new value to send": lambda d: schema(d, "SettableStatus")["enum"].append("paused"),
    "new value of what may grow": lambda d: schema(d, "EventType")["enum"].append("subject.paused"),
    "new media type to read": lambda d: answer(d, "list_events", "200")["content"].update(
        {"text/plain": {"schema": NEW}}
    ),
    "new header": lambda d: answer(d, "read_subject", "200")["headers"].update(
        {"Last-Modified": {"description": "When.", "schema": {"type": "string"}}}
    ),
    "new problem": lambda d: act(d, "read_subject")["responses"].update(
        {"409": answer(d, "randomize", "409")}
    ),
    "problem of one operation less": lambda d: act(d, "read_subject")["responses"].pop("403"),
    "open to all": lambda d: act(d, "read_study").update(security=[]),
    "new schema": lambda d: d["components"]["schemas"].update(New=NEW),
    "deprecation": lambda d: (
        act(d, "read_subject").update(deprecated=True),
        answer(d, "read_subject", "200")["headers"].update(
            {"Sunset": {"description": "When.", "schema": {"type": "string", "const": "X"}}}
        ),
    ),
    "what callers answer to a message": lambda d: message(d)["responses"].pop("410"),
}


@pytest.mark.parametrize("change", HARMLESS)
def test_a_change_that_breaks_nobody_is_no_break(change: str) -> None:
    assert [str(one) for one in breaks(DOCUMENT, changed(HARMLESS[change]))] == []


def test_a_deprecation_that_is_taken_back_or_moved_is_no_break() -> None:
    deprecated = changed(HARMLESS["deprecation"])
    assert breaks(deprecated, DOCUMENT) == []


def test_a_break_of_what_many_operations_share_is_told_once_and_whom_it_concerns() -> None:
    (found,) = breaks(DOCUMENT, changed(BREAKING["member of a problem"][0]))
    assert len(found.operations) > 100


def test_a_schema_is_used_by_who_sends_or_reads_it_however_deep() -> None:
    sent, read = (users_of_schemas(DOCUMENT, way) for way in (Way.SENT, Way.READ))
    assert "SubjectCreate" in sent
    assert "SubjectCreate" not in read
    assert sent["Sex"] >= {"create_subject", "change_subject"}
    assert read["EventData"] >= {"receive_subject_randomized"}
    assert "create_subject" in read["Sex"]
    assert SCHEMAS.keys() - sent.keys() == read.keys() - sent.keys()


def test_every_operation_and_message_is_compared() -> None:
    found = operations(DOCUMENT)
    assert found["GET /v1/subjects"].name == "list_subjects"
    assert found["POST subject.randomized"].name == "receive_subject_randomized"
    assert "description" in found["GET /v1/subjects"].described["responses"]["401"]


def test_what_may_grow_says_so() -> None:
    assert {name for name, one in SCHEMAS.items() if GROWS in one["description"]} == GROWING
    assert users_of_schemas(DOCUMENT, Way.READ).keys() >= GROWING

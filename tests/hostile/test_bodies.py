"""No bad body is stored, in part or whole, by any write operation."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.facts import eligible_facts
from tests.hostile.bodies import PLANT, PLANTED_NUMBER, bodies
from tests.hostile.examples import EXAMPLES, Write, write_of
from tests.hostile.ledger import Ledger
from tests.hostile.operations import Operation, writes
from tests.hostile.refusals import Refusals
from tests.make import MERGE_PATCH, Api

WRITES = writes()
WITH_JSON = [one for one in WRITES if (one.media_type or "").endswith("json")]
WITH_BODY = [one for one in WRITES if one.media_type is not None]
LARGEST = 256 * 1024


def test_every_write_operation_has_an_example() -> None:
    assert {operation.id for operation in WRITES} == EXAMPLES.keys()


@pytest.mark.parametrize("operation", WITH_JSON, ids=str)
def test_a_bad_body_is_refused_and_stores_nothing(
    api: Api, ledger: Ledger, operation: Operation
) -> None:
    write, example = write_of(operation, api)
    assert write.body is not None
    assert operation.schema is not None
    refusals = Refusals(ledger)
    for bad in bodies(write.body, operation.schema, example.optional):
        refusals.expect(bad.name, write.send(content=bad.content), bad.status)
    assert not refusals.faults, refusals.verdict()
    assert write.send().is_success


BAD_FACTS: tuple[object, ...] = (
    PLANT,
    PLANTED_NUMBER * 10**12,
    -PLANTED_NUMBER,
    [PLANT],
    {"x": PLANT},
    {},
)


@pytest.mark.parametrize("bad", BAD_FACTS, ids=lambda bad: f"{bad!r:.20}")
def test_every_bad_eligibility_fact_is_named_and_nothing_is_stored(
    api: Api, ledger: Ledger, bad: object
) -> None:
    operation = next(one for one in WRITES if one.id == "record_eligibility")
    write, _ = write_of(operation, api)
    facts = eligible_facts(api.today())
    parts = [
        (name, part) for name, good in facts.items() if isinstance(good, dict) for part in good
    ]
    refusals = Refusals(ledger)
    answer = write.send(body={"facts": dict.fromkeys(facts, bad)})
    refusals.expect("facts", answer, 422, "invalid")
    assert {f"/facts/{name}" for name in facts} == {_fact(error) for error in _errors(answer)}
    inside = {
        name: dict.fromkeys(good, bad) if isinstance(good, dict) else good
        for name, good in facts.items()
    }
    answer = write.send(body={"facts": inside})
    refusals.expect("parts of facts", answer, 422, "invalid")
    named = {error["pointer"] for error in _errors(answer)}
    # A number cannot be judged without its unit: only its type is.
    judged = [(name, part) for name, part in parts if part not in {"value", "uln"}]
    assert {f"/facts/{name}/{part}" for name, part in judged} <= named
    assert not refusals.faults, refusals.verdict()
    assert write.send().is_success


def _errors(answer: httpx.Response) -> list[dict[str, str]]:
    errors: list[dict[str, str]] = answer.json()["errors"]
    return errors


def _fact(error: dict[str, str]) -> str:
    return "/".join(error["pointer"].split("/")[:3])


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_another_media_type_is_refused(api: Api, ledger: Ledger, operation: Operation) -> None:
    write, _ = write_of(operation, api)
    types = [None, "", "text/plain", "application/xml", "multipart/form-data; boundary=x"]
    types += ["application/jsonx", "json", "application/json-patch+json", f"text/{PLANT}"]
    types += [
        one
        for one in ("application/json", MERGE_PATCH, "application/x-www-form-urlencoded")
        if one != operation.media_type
    ]
    refusals = Refusals(ledger)
    content = json.dumps(write.body).encode()
    for sent in types:
        answer = write.send(content=content, headers={"Content-Type": sent})
        refusals.expect(f"Content-Type {sent}", answer, 415, "unsupported_media_type")
    assert not refusals.faults, refusals.verdict()


@pytest.mark.parametrize("operation", WRITES, ids=str)
def test_a_body_over_256_kib_is_refused(api: Api, ledger: Ledger, operation: Operation) -> None:
    write, _ = write_of(operation, api)
    refusals = Refusals(ledger)
    for size in (LARGEST + 1, 3 * LARGEST):
        content = _padded(write, size)
        for name, sent in (("measured", content), ("chunked", _chunks(content))):
            answer = write.send(content=sent)
            refusals.expect(f"{name} {size}", answer, 413, "body_too_large")
    assert not refusals.faults, refusals.verdict()
    if operation in WITH_JSON:
        assert write.send(content=_padded(write, LARGEST)).is_success


@pytest.mark.parametrize("operation", [one for one in WRITES if not one.media_type], ids=str)
def test_a_body_where_none_is_asked_is_refused(
    api: Api, ledger: Ledger, operation: Operation
) -> None:
    write, _ = write_of(operation, api)
    refusals = Refusals(ledger)
    for content in (b'{"arm": "experimental"}', b"[]", b"null", f'"{PLANT}"'.encode()):
        refusals.expect(repr(content), write.send(content=content), 422, "invalid")
    for content in (PLANT.encode(), b"\x80"):
        refusals.expect(repr(content), write.send(content=content), 400, "bad_request")
    assert not refusals.faults, refusals.verdict()
    assert write.send(content=b"{}").is_success


def _padded(write: Write, size: int) -> bytes:
    return json.dumps(write.body or {}).encode().ljust(size)


def _chunks(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 50_000):
        yield content[start : start + 50_000]

"""No write operation acts without its token, its role, its site, its key and its version."""

import json
from uuid import uuid4

import httpx
import pytest

from services.api.core.making import new_id
from tests.hostile.bodies import PLANT
from tests.hostile.examples import write_of
from tests.hostile.ledger import Ledger
from tests.hostile.operations import Operation, writes
from tests.hostile.refusals import Refusals
from tests.make import SUBJECT, Api, created

WRITES = writes()
PROTECTED = [one for one in WRITES if not one.public]
OF_EVERY_SITE = {
    "change_certificate",
    "correct_submission",
    "record_correction",
    "record_submission",
    "set_subject_lock",
}
"""What only roles of every site write: no site is another one to them."""
OF_A_SITE = [one for one in WRITES if one.of_a_site and one.id not in OF_EVERY_SITE]
WITH_ID = [one for one in WRITES if one.names_one]
WITH_KEY = [one for one in WRITES if one.header("Idempotency-Key")]
WITH_VERSION = [one for one in WRITES if one.header("If-Match")]


def test_what_creates_takes_a_key_and_what_changes_takes_a_version() -> None:
    acts_once = {one.id for one in PROTECTED if one.method == "POST"}
    assert {one.id for one in WITH_KEY} == acts_once
    changes = {one.id for one in WRITES if one.method in {"PUT", "PATCH"}}
    assert {one.id for one in WITH_VERSION} == changes


# --- who asks ------------------------------------------------------------------------

BAD_CREDENTIALS = (
    None,
    "",
    "Bearer",
    f"Bearer {PLANT}",
    f"Bearer {PLANT}.{PLANT}.{PLANT}",
    f"Bearer {'a' * 10_000}.b.c",
    f"Basic {PLANT}",
    f"{PLANT} {PLANT}",
    "Bearer \u0661.\u0662.\u0663".encode(),
)


@pytest.mark.parametrize("operation", PROTECTED, ids=str)
def test_without_a_good_token_nothing_is_done(
    api: Api, ledger: Ledger, operation: Operation
) -> None:
    write, example = write_of(operation, api)
    token = str(example.caller.token)
    tampered = [f"Bearer {token[:-4]}AAAA", f"Bearer {token}.", f"Bearer {token} {token}"]
    refusals = Refusals(ledger)
    for sent in (*BAD_CREDENTIALS, *tampered):
        answer = write.send(caller=api, headers={"Authorization": sent})
        refusals.expect(f"Authorization {sent!r:.40}", answer, 401, "unauthorized")
        if not answer.headers.get("WWW-Authenticate", "").startswith("Bearer"):
            refusals.faults.append(f"{sent!r:.40}: no WWW-Authenticate")
    assert not refusals.faults, refusals.verdict()


@pytest.mark.parametrize("operation", PROTECTED, ids=str)
def test_a_role_without_the_grant_is_refused(
    api: Api, ledger: Ledger, operation: Operation
) -> None:
    write, example = write_of(operation, api)
    refusals = Refusals(ledger)
    for role in (example.ungranted, "dmc"):
        answer = write.send(caller=api.as_(role))
        refusals.expect(role, answer, 403, "forbidden")
    assert not refusals.faults, refusals.verdict()


@pytest.mark.parametrize("operation", OF_A_SITE, ids=str)
def test_another_sites_record_does_not_exist(
    api: Api, ledger: Ledger, operation: Operation
) -> None:
    write, example = write_of(operation, api)
    stranger = api.as_(example.stranger, "LZ")
    unknown = {**example.ids, **_unknown_ids(operation)}
    refusals = Refusals(ledger)
    foreign = write.send(caller=stranger)
    nowhere = write.send(caller=stranger, path=write.elsewhere(unknown))
    own = write.send(path=write.elsewhere(unknown))
    for name, answer in (("foreign", foreign), ("unknown", nowhere), ("unknown here", own)):
        refusals.expect(name, answer, 404, "not_found")
    assert not refusals.faults, refusals.verdict()
    assert _anonymous(foreign) == _anonymous(nowhere) == _anonymous(own)
    assert write.send().is_success


@pytest.mark.parametrize("operation", WITH_ID, ids=str)
def test_a_malformed_id_is_refused(api: Api, ledger: Ledger, operation: Operation) -> None:
    write, example = write_of(operation, api)
    refusals = Refusals(ledger)
    for name in _id_names(operation):
        for bad in (PLANT, "%00", "0", "a" * 3000, f"{PLANT}%0A", "%ED%A0%80", "%FF", "..%5c"):
            answer = write.send(path=write.elsewhere({**example.ids, name: bad}))
            refusals.expect(f"{name} {bad:.20}", answer, 422, "invalid")
    assert not refusals.faults, refusals.verdict()


@pytest.mark.parametrize("site", ["LZ", "ZZ"])
def test_a_foreign_site_in_the_body_is_refused(api: Api, ledger: Ledger, site: str) -> None:
    for operation in WRITES:
        if "site" not in (operation.schema or {}).get("properties", {}):
            continue
        write, _ = write_of(operation, api)
        refusals = Refusals(ledger)
        body = {**(write.body or {}), "site": site}
        refusals.expect(site, write.send(body=body), 403, "forbidden")
        assert not refusals.faults, refusals.verdict()


def test_a_consent_is_not_found_under_another_subject(api: Api, ledger: Ledger) -> None:
    operation = next(one for one in WRITES if one.id == "withdraw_consent")
    write, example = write_of(operation, api)
    other = example.caller.consented()
    refusals = Refusals(ledger)
    answer = write.send(path=write.elsewhere({**example.ids, "subject_id": other["id"]}))
    refusals.expect("another subject", answer, 404, "not_found")
    assert not refusals.faults, refusals.verdict()


def _id_names(operation: Operation) -> list[str]:
    return [
        one["name"]
        for one in operation.parameters
        if one["in"] == "path" and one["name"].endswith("_id")
    ]


def _unknown_ids(operation: Operation) -> dict[str, str]:
    return {name: str(new_id()) for name in _id_names(operation)}


def _anonymous(answer: httpx.Response) -> tuple[str, list[str]]:
    """The answer without its request id."""
    request_id = answer.headers["X-Request-Id"]
    varying = {"date", "x-request-id"}
    headers = [f"{name}: {value}" for name, value in answer.headers.items() if name not in varying]
    return answer.text.replace(request_id, ""), headers


# --- once ------------------------------------------------------------------------------

BAD_KEYS = (None, "", "a b", "a\tb", "x" * 256, "x" * 10_000, "ключ".encode(), b"\xff")


@pytest.mark.parametrize("operation", WITH_KEY, ids=str)
def test_a_key_is_needed_and_stands_for_one_request(
    api: Api, ledger: Ledger, operation: Operation
) -> None:
    write, example = write_of(operation, api)
    refusals = Refusals(ledger)
    for key in BAD_KEYS:
        answer = write.send(headers={"Idempotency-Key": key})
        refusals.expect(f"key {key!r:.20}", answer, 400, "idempotency_key_missing")
    assert not refusals.faults, refusals.verdict()
    first = write.send()
    assert first.is_success, first.text
    refusals = Refusals(ledger)
    again = write.send()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["ETag"] == first.headers["ETag"]
    other_text = json.dumps(write.body or {}).encode() + b" "
    refusals.expect("other body", write.send(content=other_text), 422, "idempotency_key_reused")
    other_path = write.elsewhere({**example.ids, **_unknown_ids(operation)})
    if other_path != write.path:
        refusals.expect("other path", write.send(path=other_path), 422, "idempotency_key_reused")
    assert not refusals.faults, refusals.verdict()


def test_a_key_belongs_to_its_caller(api: Api) -> None:
    key = str(uuid4())
    first = created(api.as_("investigator").post("/v1/subjects", SUBJECT, key=key))
    second = created(api.as_("coordinator").post("/v1/subjects", SUBJECT, key=key))
    assert first["id"] != second["id"]


# --- on which version ---------------------------------------------------------------------

BAD_TAGS = (
    '"99"',
    '"999999999"',
    '"99999999999999999999"',
    "*",
    "0",
    "1",
    "",
    '""',
    '"',
    f'"{PLANT}"',
    '"-1"',
    '"1.0"',
    '"0x1"',
    'W/"0"',
    'W/"1"',
    '"0", "1"',
    '"0-ABC"',
    '"0-"',
    '"\u0660"'.encode(),
    b"\xff",
)


@pytest.mark.parametrize("operation", WITH_VERSION, ids=str)
def test_a_change_needs_the_current_version(api: Api, ledger: Ledger, operation: Operation) -> None:
    write, _ = write_of(operation, api)
    refusals = Refusals(ledger)
    answer = write.send(headers={"If-Match": None})
    refusals.expect("no If-Match", answer, 428, "if_match_missing")
    for tag in BAD_TAGS:
        answer = write.send(headers={"If-Match": tag})
        refusals.expect(f"If-Match {tag!r:.20}", answer, 412, "stale_version")
    too_long = write.send(headers={"If-Match": '"' + "1" * 10_000 + '"'})
    refusals.expect("a long If-Match", too_long, 412, "stale_version")
    assert not refusals.faults, refusals.verdict()
    assert write.send().is_success
    refusals = Refusals(ledger)
    refusals.expect("the version before", write.send(), 412, "stale_version")
    assert not refusals.faults, refusals.verdict()

"""No read fails, repeats what was sent, or writes, whatever its path, query and headers hold."""

from dataclasses import replace
from urllib.parse import quote, unquote
from uuid import uuid5

import pytest

from services.api.core.logs import REQUEST_ID
from services.api.sandbox.service import NAMESPACE
from tests.hostile.bodies import PLANT, PLANTED_NUMBER, Json, allows
from tests.hostile.ledger import Ledger
from tests.hostile.operations import Operation, alternatives, operations, reads
from tests.hostile.refusals import Refusals
from tests.make import (
    DOCUMENT,
    SUSPECTED,
    WEBHOOK,
    Api,
    adverse_event,
    created,
    grading,
    ok,
    submission,
)
from tests.make import query as about

READS = [one for one in reads() if one.id != "read_readiness"]
"""Without readiness: the throw-away database of the tests is not durable, as it rightly says."""
EXPORT = "/v1/exports/{format}"
LISTS = [one for one in READS if any(part["name"] == "cursor" for part in one.parameters)]
ASKED = [one for one in READS if any(part["in"] == "query" for part in one.parameters)]


@pytest.fixture
def ids(api: Api) -> dict[str, str]:
    """A record of every kind, by the name it has in paths."""
    caller = api.as_("investigator")
    subject = caller.treated()
    here = f"/v1/subjects/{subject['id']}"
    ok(caller.put(f"{here}/visits/BL", {"date": str(api.today())}, version=0))
    made = created(caller.post(f"{here}/visits/BL/gradings", grading(api.today())))
    edition = DOCUMENT | {"effective_on": str(api.today())}
    document = api.as_("safety_officer").post("/v1/safety/reference-documents", edition)
    assert document.status_code in {201, 409}, "a test before may have published it"
    susar = {**adverse_event(api.today()), **SUSPECTED}
    event = created(caller.post(f"{here}/adverse-events", susar))
    reports = f"/v1/adverse-events/{event['id']}/submissions"
    body = submission(api.state.clock.now(), "sponsor")
    sent = created(api.as_("safety_officer").post(reports, body))
    hook = created(api.as_("hospital_system").post("/v1/webhooks", WEBHOOK))
    found = {
        "webhook_id": hook["id"],
        "subject_id": subject["id"],
        "grading_id": made["id"],
        "adjudication_id": api.disputed()["id"],
        "certificate_id": str(uuid5(NAMESPACE, "certificate of assessor-nn")),
        "event_id": event["id"],
        "submission_id": sent["id"],
        "rule_id": "severe_reactions",
        "deadline_id": ok(caller.get("/v1/safety/deadlines"))["items"][0]["id"],
        "query_id": created(api.as_("monitor").post("/v1/queries", about(subject)))["id"],
        "exposure_id": caller.took_study_drug(subject)["id"],
        "user_id": str(uuid5(NAMESPACE, "monitor-nn")),
        "account_id": str(uuid5(NAMESPACE, "his-nn")),
        "version": "1.0",
        "format": "csv",
    }
    ok(caller.get("/v1/events"))  # which publishes all that, so that no read has anything to do
    return found


def place(operation: Operation, ids: dict[str, str], **changed: str) -> str:
    """The operation's path to those records."""
    codes = {"sites": "NN", "problems": "not_ready"}
    code = codes.get(operation.path.strip("/").removeprefix("v1/").split("/")[0], "BL")
    return operation.path.format(**{"code": code, **ids, **changed})


def reader(api: Api, operation: Operation) -> Api:
    """Someone who may read it."""
    if "proof" in operation.path:
        return api.as_("auditor")
    if operation.path in {"/v1/reports/endpoints", "/v1/reports/safety-by-arm", EXPORT}:
        return api.as_("statistician")
    if "stopping-rules" in operation.path:
        return api.as_("safety_officer")
    if "webhooks" in operation.path:
        return api.as_("hospital_system")
    return api.as_("admin" if operation.of_admins else "investigator")


def test_every_read_works_with_good_input(api: Api, ids: dict[str, str]) -> None:
    for operation in READS:
        answer = reader(api, operation).get(place(operation, ids))
        assert answer.status_code == 200, (operation.id, answer.text)


# --- the query ------------------------------------------------------------------------

BAD_TEXTS: tuple[str, ...] = (
    PLANT,
    PLANT * 500,
    "",
    "%00",
    f"{PLANT}%00",
    "%ED%A0%80",
    "%FF",
    "%0A",
    "null",
    "[]",
    "nn",
    "NN%0A",
    quote("ＮＮ"),
    quote("NN-٠٠٠١"),
    str(-PLANTED_NUMBER),
    f"{PLANTED_NUMBER}{PLANTED_NUMBER}",
)
BAD_LIMITS = ("0", "201", "-1", str(10**30), "NaN", "Infinity", "1.5", "1e2", "0x10", "", "true")
BAD_CURSORS = (
    PLANT,
    "",
    "a",
    "AZq_AMDecACAAAAAAAAAA",
    "AZq_AMDecACAAAAAAAAAAB",
    "AZq_AMDecACAAAAAAAAAAA==",
    "AZq/AMDecACAAAAAAAAAAA",
    "%00",
    "%FF",
    quote("курсор"),
)


def test_a_bad_limit_or_cursor_is_refused(api: Api, ledger: Ledger, ids: dict[str, str]) -> None:
    refusals = Refusals(ledger)
    for operation in LISTS:
        caller, path = reader(api, operation), place(operation, ids)
        for limit in BAD_LIMITS:
            answer = caller.get(f"{path}?limit={limit}")
            refusals.expect(f"{operation.id} limit={limit}", answer, 422, "invalid")
        for cursor in BAD_CURSORS:
            answer = caller.get(f"{path}?cursor={cursor}")
            refusals.expect(f"{operation.id} cursor={cursor}", answer, 400, "bad_cursor")
        answer = caller.get(f"{path}?cursor={PLANT * 10}")
        refusals.expect(f"{operation.id} long cursor", answer, 422, "invalid")
    assert not refusals.faults, refusals.verdict()


def test_an_unknown_query_parameter_is_refused(
    api: Api, ledger: Ledger, ids: dict[str, str]
) -> None:
    refusals = Refusals(ledger)
    for operation in ASKED:
        caller = reader(api, operation)
        for query in (f"unknown={PLANT}", "Limit=1", f"limit=1&{quote('ключ')}=1", "%00=1", "x"):
            answer = caller.get(f"{place(operation, ids)}?{query}")
            refusals.expect(f"{operation.id} {query}", answer, 422, "invalid")
    assert not refusals.faults, refusals.verdict()


def test_a_bad_filter_is_refused(api: Api, ledger: Ledger, ids: dict[str, str]) -> None:
    refusals = Refusals(ledger)
    for operation in ASKED:
        caller = reader(api, operation)
        for name, schema in _filters(operation).items():
            for bad in _not_allowed(schema):
                answer = caller.get(f"{place(operation, ids)}?{name}={bad}")
                refusals.expect(f"{operation.id} {name}={bad:.20}", answer, 422, "invalid")
    assert refusals.requests
    assert not refusals.faults, refusals.verdict()


def _filters(operation: Operation) -> dict[str, Json]:
    """The schemas of query parameters that take less than any text."""
    return {
        one["name"]: one["schema"]
        for one in operation.parameters
        if one["in"] == "query"
        and one["name"] not in {"limit", "cursor"}
        and not any(_any_text(schema) for schema in alternatives(one["schema"]))
    }


def _not_allowed(schema: Json) -> list[str]:
    kinds = list(alternatives(schema))
    return [bad for bad in BAD_TEXTS if not any(allows(kind, unquote(bad)) for kind in kinds)]


def _any_text(schema: Json) -> bool:
    return schema.get("type") == "string" and not {"pattern", "enum"} & schema.keys()


# --- the path --------------------------------------------------------------------------


def test_a_bad_path_is_refused(api: Api, ledger: Ledger, ids: dict[str, str]) -> None:
    refusals = Refusals(ledger)
    for operation in READS:
        caller = reader(api, operation)
        parts = [one for one in operation.parameters if one["in"] == "path"]
        for name, schema in ((one["name"], one["schema"]) for one in parts):
            for bad in (text for text in _not_allowed(schema) if text not in {"", "null", "nn"}):
                answer = caller.get(place(operation, ids, **{name: bad}))
                refusals.expect(f"{operation.id} {name}={bad:.20}", answer, 422, "invalid")
    assert not refusals.faults, refusals.verdict()


def test_an_unknown_path_is_a_problem(api: Api, ledger: Ledger, ids: dict[str, str]) -> None:
    caller, refusals = api.as_("investigator"), Refusals(ledger)
    paths = [f"/{PLANT}", "/v1", "/v1/", "/v2/subjects", f"/v1/subjects/{ids['subject_id']}/x"]
    paths += ["/v1//subjects", "/v1/%2e%2e/subjects", "/%00", "/v1/subjects%00", "/static/../x"]
    paths += [f"{place(one, ids)}/" for one in READS]
    for path in paths:
        for method in ("GET", "POST", "DELETE"):
            answer = caller.request(method, path)
            refusals.expect(f"{method} {path}", answer, 404, "not_found")
    assert not refusals.faults, refusals.verdict()


def test_a_wrong_method_is_told_the_right_ones(
    api: Api, ledger: Ledger, ids: dict[str, str]
) -> None:
    caller, refusals = api.as_("investigator"), Refusals(ledger)
    ids = {**ids, "consent_id": ids["subject_id"]}
    allowed: dict[str, set[str]] = {}
    for operation in operations():
        allowed.setdefault(operation.path, set()).add(operation.method)
    for path, methods in allowed.items():
        where = place(replace(READS[0], path=path), ids)
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - methods:
            answer = caller.request(method, where)
            refusals.expect(f"{method} {path}", answer, 405, "method_not_allowed")
            told = {one.strip() for one in answer.headers.get("Allow", "").split(",")}
            if told != methods:
                refusals.faults.append(f"{method} {path}: Allow is {told}, not {methods}")
    assert not refusals.faults, refusals.verdict()


# --- headers ---------------------------------------------------------------------------

ODD_HEADERS: dict[str, tuple[str | bytes, ...]] = {
    "If-None-Match": ("", "*", "W/", '"', PLANT, "," * 5000, '"' * 10_000, b"\xff\xfe", '"\\"'),
    "If-Match": ("*", PLANT),
    "Idempotency-Key": ("ключ".encode(), "x" * 10_000),
    "Accept": ("text/html", "image/png;q=0", PLANT, b"\xff"),
    "Accept-Encoding": ("identity;q=0", PLANT),
    "Accept-Language": ("zh-CN", PLANT * 100),
    "Content-Type": ("application/json", PLANT),
    "Range": ("bytes=0-0", "bytes=-1", PLANT),
    "traceparent": ("00-zz", PLANT, "00-" + "0" * 32 + "-" + "0" * 16 + "-00", b"\xff"),
    "X-Forwarded-For": (PLANT, "' OR 1=1 --"),
    "Expect": ("100-continue", PLANT),
    "Cookie": (PLANT * 300, "a=\\"),
}


def test_an_odd_header_does_no_harm(api: Api, ledger: Ledger, ids: dict[str, str]) -> None:
    before = ledger.read()
    for name, values in ODD_HEADERS.items():
        for turn, value in enumerate(values):
            for operation in READS[turn % 3 :: 3] if name == "If-None-Match" else READS[::6]:
                caller = reader(api, operation)
                answer = caller.get(place(operation, ids), headers={name: value})
                expected = {200, 304} if value == "*" else {200}
                if name == "Accept":
                    expected |= operation.statuses & {406}
                assert answer.status_code in expected, (operation.id, value, answer.text)
                assert PLANT not in f"{answer.text} {answer.headers}"
    assert ledger.read() == before


def test_a_read_without_a_good_token_is_refused(
    api: Api, ledger: Ledger, ids: dict[str, str]
) -> None:
    refusals = Refusals(ledger)
    for operation in (one for one in READS if not one.public):
        for sent in ({}, {"Authorization": f"Bearer {PLANT}"}):
            answer = api.get(place(operation, ids), headers=sent)
            refusals.expect(operation.id, answer, 401, "unauthorized")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert not refusals.faults, refusals.verdict()


@pytest.mark.parametrize("sent", [PLANT, "a", "a.b-c_d", "0" * 64])
def test_a_request_id_of_the_caller_comes_back(api: Api, sent: str) -> None:
    assert api.get("/healthz", headers={"X-Request-Id": sent}).headers["X-Request-Id"] == sent
    refused = api.get("/v1/me", headers={"X-Request-Id": sent})
    assert refused.json()["instance"] == refused.headers["X-Request-Id"] == sent


@pytest.mark.parametrize(
    "sent",
    ["", "0" * 65, "0" * 10_000, "a b", "a\tb", 'a"b', "{}", "<script>", "ü".encode(), b"\xff"],
)
def test_an_odd_request_id_is_replaced(api: Api, sent: str | bytes) -> None:
    answer = api.get("/v1/me", headers={"X-Request-Id": sent})
    given = answer.headers["X-Request-Id"]
    assert REQUEST_ID.fullmatch(given)
    assert given != sent
    assert answer.json()["instance"] == given

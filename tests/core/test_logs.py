"""The log says what happened to which route, and nothing about any person."""

import json
import subprocess
import sys
from collections.abc import MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.make import SUBJECT, Api, created

Lines = list[MutableMapping[str, Any]]


def requests(lines: Lines) -> Lines:
    return [line for line in lines if line["event"] == "request"]


def test_one_line_a_request_with_the_route_s_template(api: Api) -> None:
    investigator = api.as_("investigator")
    with capture_logs() as lines:
        subject = created(investigator.post("/v1/subjects", SUBJECT))
        investigator.get(f"/v1/subjects/{subject['id']}")
        investigator.get("/v1/subjects/not-an-id?limit=5")
        investigator.get("/no/such/place")
        api.get("/v1/subjects")
    logged = [(line["method"], line["route"], line["status"]) for line in requests(lines)]
    assert logged == [
        ("POST", "/v1/subjects", 201),
        ("GET", "/v1/subjects/{subject_id}", 200),
        ("GET", "/v1/subjects/{subject_id}", 422),
        ("GET", None, 404),
        ("GET", "/v1/subjects", 401),
    ]
    assert all(0 < line["milliseconds"] < 60_000 for line in requests(lines))


def test_no_identifier_body_or_token_is_logged(api: Api) -> None:
    investigator = api.as_("investigator")
    person = {**SUBJECT, "national_id": "450103197101010011"}
    with capture_logs() as lines:
        subject = created(investigator.post("/v1/subjects", person))
        investigator.get(f"/v1/subjects/{subject['id']}?secret=1")
        investigator.get(f"/v1/subjects?number={subject['number']}")
        form = {"grant_type": "password", "username": "investigator-nn", "password": "wrong-one"}
        api.client.post("/v1/oauth/token", data=form)
    said = str(lines)
    for secret in (
        "450103197101010011",
        subject["id"],
        subject["number"],
        "1971",
        str(investigator.token),
        "investigator-nn",
        "wrong-one",
    ):
        assert secret not in said


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "4bf92f3577b34da6a3ce929d0e0e4736",
        ),
        ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", None),
        ("00-short-00f067aa0ba902b7-01", None),
        ('nonsense"}{', None),
        (None, None),
    ],
)
def test_a_trace_is_followed(unchanged: Api, header: str | None, expected: str | None) -> None:
    with capture_logs() as lines:
        unchanged.get("/healthz", headers={"traceparent": header} if header else {})
    assert [line["trace_id"] for line in requests(lines)] == [expected]


@pytest.mark.parametrize("given", ["a", "8e03978e-40d5-43dd", "A.b_c-1", "x" * 64])
def test_a_request_id_is_taken_over(unchanged: Api, given: str) -> None:
    answer = unchanged.get("/healthz", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "a\tb", "ä", "{}", "a,b", "a/b"])
def test_a_request_id_that_could_disturb_a_log_is_replaced(unchanged: Api, given: str) -> None:
    headers = {"X-Request-Id": given.encode("latin-1")}
    answers = [unchanged.get("/healthz", headers=headers) for _ in range(2)]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert given not in ids
    assert len(set(ids)) == 2
    assert all(len(one) == 32 for one in ids)


def test_every_answer_has_a_request_id_and_a_problem_names_it(unchanged: Api) -> None:
    for path in ("/healthz", "/no/such/place", "/v1/me", "/openapi.json"):
        assert unchanged.get(path).headers["X-Request-Id"]
    refused = unchanged.get("/v1/me", headers={"X-Request-Id": "mine"})
    assert refused.json()["instance"] == "mine"


def test_the_log_is_json_lines_on_standard_error() -> None:
    program = (
        "from services.api.core import logs; logs.configure();"
        "logs.log.info('request', route='/v1/me'); logs.log.debug('hidden')"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    said = json.loads(line)
    assert (said["event"], said["route"], said["level"]) == ("request", "/v1/me", "info")
    assert said["timestamp"].endswith("Z")
    assert "request_id" in said

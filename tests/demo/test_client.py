"""An answer that is not what the contract says is never taken for one that is."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from services.api.demo.client import Caller, Unexpected, expect, expect_refusal

SUBJECT = {"id": "x", "version": 1}
HEADERS = {"X-Request-Id": "r-1", "ETag": '"1-ab"', "Content-Type": "application/json"}
PROBLEM = {
    "type": "/problems/not_ready",
    "title": "Not yet",
    "status": 409,
    "detail": "Sign first.",
    "instance": "r-1",
}


def answer(status: int = 201, body: object = None, **headers: str) -> httpx.Response:
    merged = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    request = httpx.Request("POST", "http://trial.test/v1/subjects")
    return httpx.Response(status, headers=merged, json=body or SUBJECT, request=request)


def refusal(**changed: object) -> httpx.Response:
    return answer(409, PROBLEM | changed, Content_Type="application/problem+json")


def test_an_answer_within_the_contract_is_read() -> None:
    assert expect(answer(), 201).holds(id="x").tag == '"1-ab"'


@pytest.mark.parametrize(
    "wrong",
    [
        answer(200),
        answer(500, {"detail": "broken"}),
        answer(Content_Type="text/html"),
        answer(ETag='"2-ab"'),
        answer(ETag=""),
        answer(X_Request_Id=""),
        answer(body=["x"]),
    ],
)
def test_an_answer_outside_the_contract_is_unexpected(wrong: httpx.Response) -> None:
    with pytest.raises(Unexpected, match=r"POST /v1/subjects: expected .*; got \d{3} "):
        expect(wrong, 201)


@pytest.mark.parametrize("fields", [{"id": "y"}, {"arm": "control"}])
def test_a_body_without_the_expected_values_is_unexpected(fields: dict[str, str]) -> None:
    with pytest.raises(Unexpected):
        expect(answer(), 201).holds(**fields)


def test_a_body_without_a_promised_field_is_unexpected() -> None:
    assert expect(answer(), 201).has("id", "version")["id"] == "x"
    with pytest.raises(Unexpected, match="no arm"):
        expect(answer(), 201).has("id", "arm")


def test_a_refusal_within_the_contract_is_read() -> None:
    assert expect_refusal(refusal(), 409, "not_ready") == PROBLEM


@pytest.mark.parametrize(
    "wrong",
    [
        refusal(type="/problems/forbidden"),
        refusal(status=403),
        refusal(instance="another"),
        refusal(title=""),
        answer(409, PROBLEM),
        answer(201),
    ],
)
def test_a_refusal_outside_the_contract_is_unexpected(wrong: httpx.Response) -> None:
    with pytest.raises(Unexpected):
        expect_refusal(wrong, 409, "not_ready")


def caller(handle: Callable[[httpx.Request], httpx.Response]) -> Caller:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/oauth/token":
            return httpx.Response(200, headers=HEADERS, json={"access_token": "t"})
        return handle(request)

    transport = httpx.MockTransport(respond)
    return Caller(httpx.Client(base_url="http://trial.test", transport=transport), "investigator")


def test_a_401_is_answered_by_signing_in_once_more() -> None:
    asked: list[httpx.Request] = []

    def tired(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(401 if len(asked) == 1 else 200, headers=HEADERS, json=SUBJECT)

    assert caller(tired).get("/v1/subjects/x")["id"] == "x"
    assert len(asked) == 2


def test_a_second_401_is_unexpected() -> None:
    refusing = caller(lambda _: httpx.Response(401, headers=HEADERS, json={}))
    with pytest.raises(Unexpected, match="expected status 200; got 401"):
        refusing.get("/v1/subjects/x")


def test_every_post_carries_a_key_of_its_own() -> None:
    keys: list[str] = []

    def note(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        return answer()

    creating = caller(note)
    creating.post("/v1/subjects", {})
    creating.post("/v1/subjects", {})
    assert len(set(keys)) == 2


def test_a_fresh_key_answered_by_a_replay_is_unexpected() -> None:
    with pytest.raises(Unexpected, match="replay"):
        caller(lambda _: replay()).post("/v1/subjects", {})


class Cut(Caller):
    """A caller whose first, broken attempt never leaves the house."""

    def _send_and_cut(self, *_: Any, **__: Any) -> None:
        """Nothing is sent."""


def retried(*answers: httpx.Response, unread: bool) -> tuple[bool, int]:
    waiting = iter(answers)
    cut = Cut(caller(lambda _: next(waiting)).http, "investigator")
    got = cut.post_through_a_cut("/v1/subjects", {}, unread=unread)
    return got.replayed, cut.counts["replays"]


def replay(body: object = None) -> httpx.Response:
    return answer(body=body, Idempotency_Replayed="true")


def test_a_retry_after_a_lost_answer_must_be_a_replay() -> None:
    assert retried(replay(), replay(), unread=False) == (True, 2)
    with pytest.raises(Unexpected, match="without Idempotency-Replayed"):
        retried(answer(), replay(), unread=False)


def test_a_retry_after_an_unread_answer_may_be_the_first_to_act_and_the_next_is_a_replay() -> None:
    assert retried(answer(), replay(), unread=True) == (False, 1)
    with pytest.raises(Unexpected, match="without Idempotency-Replayed"):
        retried(answer(), answer(), unread=True)


def test_two_answers_for_one_key_are_unexpected() -> None:
    other = {"id": "y", "version": 1}
    with pytest.raises(Unexpected, match="two answers"):
        retried(replay(), replay(other), unread=False)


def test_a_retry_waits_while_the_first_is_in_flight() -> None:
    body = PROBLEM | {"type": "/problems/still_in_flight"}
    busy = answer(409, body, Content_Type="application/problem+json", Retry_After="0")
    assert retried(busy, busy, replay(), replay(), unread=True) == (True, 2)

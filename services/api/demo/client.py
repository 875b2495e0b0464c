"""One account at the API: every answer is held against the contract before it is used."""

import http.client
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

Json = dict[str, Any]

JSON, PROBLEM = "application/json", "application/problem+json"
MERGE_PATCH = "application/merge-patch+json"
SANDBOX_PASSWORD = "sandbox-only"
NEW = '"0"'
"""The entity tag of a record that is not made yet."""
TIMEOUT = 30.0
TRIES_IN_FLIGHT = 20


class Unexpected(Exception):
    """An answer that is not what the contract says."""


@dataclass(frozen=True)
class Answer:
    """A success that was as expected: its body, entity tag, and whether it is a replay."""

    asked: str
    body: Json
    tag: str
    replayed: bool

    def __getitem__(self, name: str) -> Any:
        """A field of the body.

        Raises:
            Unexpected: the body lacks it.
        """
        if name not in self.body:
            raise Unexpected(f"{self.asked}: the answer has no {name}")
        return self.body[name]

    def has(self, *names: str) -> "Answer":
        """The answer itself, if its body has those fields.

        Raises:
            Unexpected: it lacks one.
        """
        for name in names:
            self[name]
        return self

    def holds(self, **fields: object) -> "Answer":
        """The answer itself, if its body has those values.

        Raises:
            Unexpected: it has others.
        """
        for name, value in fields.items():
            if self[name] != value:
                raise Unexpected(f"{self.asked}: expected {name} {value!r}; got {self[name]!r}")
        return self


def expect(answer: httpx.Response, status: int) -> Answer:
    """The answer, if it has that status and is a JSON object with the headers it needs.

    Raises:
        Unexpected: it does not; says what was sent, expected and answered.
    """
    body = _read(answer, status, JSON)
    tag = answer.headers.get("ETag", "")
    version = body.get("version")
    if isinstance(version, int) and not tag.startswith(f'"{version}-'):
        raise _unexpected(answer, "an ETag that begins with the record's version")
    replayed = answer.headers.get("Idempotency-Replayed") == "true"
    return Answer(_asked(answer), body, tag, replayed)


def expect_refusal(answer: httpx.Response, status: int, code: str) -> Json:
    """The problem, if the request was refused with that status and code.

    Raises:
        Unexpected: it was not.
    """
    problem = _read(answer, status, PROBLEM)
    request_id = answer.headers["X-Request-Id"]
    wanted = {"type": f"/problems/{code}", "status": status, "instance": request_id}
    for name, value in wanted.items():
        if problem.get(name) != value:
            raise _unexpected(answer, f"a problem with {name} {value!r}")
    if not problem.get("title") or not problem.get("detail"):
        raise _unexpected(answer, "a problem with title and detail")
    return problem


def _read(answer: httpx.Response, status: int, media_type: str) -> Json:
    if answer.status_code != status:
        raise _unexpected(answer, f"status {status}")
    if answer.headers.get("Content-Type", "").partition(";")[0] != media_type:
        raise _unexpected(answer, f"Content-Type {media_type}")
    if not answer.headers.get("X-Request-Id"):
        raise _unexpected(answer, "an X-Request-Id")
    try:
        body = answer.json()
    except ValueError:
        raise _unexpected(answer, "a JSON body") from None
    if not isinstance(body, dict):
        raise _unexpected(answer, "a JSON object")
    return body


def _unexpected(answer: httpx.Response, wanted: str) -> Unexpected:
    got = f"{answer.status_code} {answer.text[:300]}"
    return Unexpected(f"{_asked(answer)}: expected {wanted}; got {got}")


def _asked(answer: httpx.Response) -> str:
    return f"{answer.request.method} {answer.request.url.path}"


@dataclass
class Caller:
    """An account and its connection; signs in when needed, again after a 401.

    `counts` counts requests, refusals that were as expected, and replays.
    """

    http: httpx.Client
    account: str
    password: str = SANDBOX_PASSWORD
    machine: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    _token: str | None = None

    # --- requests that succeed ----------------------------------------------------------

    def get(self, path: str, **parameters: str | int) -> Answer:
        """A record or a page of a list."""
        return expect(self.send("GET", path, params=parameters), 200)

    def pages(self, path: str, **parameters: str | int) -> Iterator[Json]:
        """Every item of a list, page after page."""
        cursor: str | None = None
        while True:
            page = self.get(path, **parameters, limit=200, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def feed(self, path: str, after: str | None = None, **parameters: str) -> Iterator[Json]:
        """Every event of a feed after one of them."""
        while True:
            given = parameters if after is None else {**parameters, "after": after}
            page = self.get(path, **given, limit=200)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            after = page["items"][-1]["id"]

    def download(self, path: str, media_type: str, **parameters: str) -> bytes:
        """What a path answers in another form than JSON.

        Raises:
            Unexpected: no success, or another form.
        """
        answer = self.send("GET", path, params=parameters, headers={"Accept": media_type})
        if answer.status_code != 200 or answer.headers.get("Content-Type") != media_type:
            raise _unexpected(answer, f"200 and {media_type}")
        return answer.content

    def post(self, path: str, body: Json | None = None) -> Answer:
        """Create a record."""
        created = expect(self.send("POST", path, json=body), 201)
        if created.replayed:
            raise Unexpected(f"POST {path}: a fresh Idempotency-Key was answered by a replay")
        return created

    def put(self, path: str, body: Json, tag: str = NEW) -> Answer:
        """Record on the version that the tag names; the first one by default."""
        return expect(self.send("PUT", path, json=body, tag=tag), 200)

    def patch(self, path: str, body: Json, tag: str) -> Answer:
        """Change by merge patch the version that the tag names."""
        return expect(self.send("PATCH", path, json=body, tag=tag), 200)

    # --- requests that are refused --------------------------------------------------------

    def refused(
        self, status: int, code: str, method: str, path: str, body: Json | None = None, **how: Any
    ) -> Json:
        """Send what the contract refuses, and verify the refusal."""
        problem = expect_refusal(self.send(method, path, json=body, **how), status, code)
        self.counts["refusals"] += 1
        return problem

    # --- the connection that breaks --------------------------------------------------------

    def post_through_a_cut(self, path: str, body: Json | None, *, unread: bool) -> Answer:
        """Create over a connection that breaks, and retry with the same key.

        With `unread` the connection closes before the answer comes, so nobody
        knows whether the server acted; else the answer comes and is lost. Either
        way the retries have one effect and get one answer.
        """
        key = str(uuid4())
        self._send_and_cut(path, body, key, unread=unread)
        first = self._retry(path, body, key)
        again = self._retry(path, body, key)
        if not (first.replayed or unread) or not again.replayed:
            raise Unexpected(f"POST {path}: a retry without Idempotency-Replayed")
        if first.body != again.body:
            raise Unexpected(f"POST {path}: two answers for one Idempotency-Key")
        self.counts["replays"] += first.replayed + again.replayed
        return first

    def _send_and_cut(self, path: str, body: Json | None, key: str, *, unread: bool) -> None:
        request = self._request("POST", path, json=body, key=key)
        secure = request.url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(request.url.host, request.url.port, timeout=TIMEOUT)
        try:
            connection.request("POST", request.url.path, request.content, dict(request.headers))
            if not unread:
                connection.getresponse().read()
        finally:
            connection.close()
        self.counts["requests"] += 1

    def _retry(self, path: str, body: Json | None, key: str) -> Answer:
        for _ in range(TRIES_IN_FLIGHT):
            answer = self.send("POST", path, json=body, key=key)
            if answer.status_code != 409 or "/problems/still_in_flight" not in answer.text:
                return expect(answer, 201)
            time.sleep(float(answer.headers["Retry-After"]))
        raise Unexpected(f"POST {path}: still in flight after {TRIES_IN_FLIGHT} tries")

    # --- sending ---------------------------------------------------------------------------

    def send(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Any request as this account; `how` as for `httpx`, and `tag` and `key`."""
        answer = self._deliver(method, path, how)
        if answer.status_code == 401:
            self._token = None  # it lives 15 minutes, and the demo may take longer
            answer = self._deliver(method, path, how)
        return answer

    def _deliver(self, method: str, path: str, how: Json) -> httpx.Response:
        self.counts["requests"] += 1
        return self.http.send(self._request(method, path, **how))

    def _request(self, method: str, path: str, **how: Any) -> httpx.Request:
        headers = {"Authorization": f"Bearer {self._token or self._sign_in()}"}
        tag, key = how.pop("tag", None), how.pop("key", None)
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid4()) if key is None else key
        if tag is not None:
            headers["If-Match"] = tag
        if method == "PATCH":
            headers["Content-Type"] = MERGE_PATCH
        headers |= how.pop("headers", {})
        return self.http.build_request(method, path, headers=headers, **how)

    def _sign_in(self) -> str:
        person = {"grant_type": "password", "username": self.account, "password": self.password}
        client = {
            "grant_type": "client_credentials",
            "client_id": self.account,
            "client_secret": self.password,
        }
        answer = self.http.post("/v1/oauth/token", data=client if self.machine else person)
        self.counts["requests"] += 1
        self._token = str(expect(answer, 200)["access_token"])
        return self._token

"""One call: its token, its attempts, and its answer or problem."""

from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

import httpx

from trial_client.answers import Answer, Download
from trial_client.credentials import Credentials, Session
from trial_client.problems import TrialProblem, Unreachable, json_in
from trial_client.records import is_own, version_of
from trial_client.retries import Delivered, Retries, deliver

MERGE_PATCH = "application/merge-patch+json"
WITHOUT_BODY = frozenset({204, 205})


def fresh_key() -> str:
    """An Idempotency-Key for a new request: the same for all its attempts, and for no other."""
    return str(uuid4())


def segment(value: str) -> str:
    """A value as one segment of a path."""
    return quote(str(value), safe="")


class Sender:
    """The connection to one installation as one caller.

    A call with an `idempotency_key` or `if_match`, and every GET, is sent again
    when the line breaks or the service is busy; nothing else is. A token
    that is refused is renewed once.
    """

    def __init__(
        self,
        address: str,
        credentials: Credentials | None = None,
        *,
        retries: Retries | None = None,
        language: str | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        """Connect; `http` brings your own proxies, certificates and time limits.

        Without `credentials`, only what is public can be called. `language`
        (such as `zh-CN`) is that of labels and problems.
        """
        self._http = http or httpx.Client(timeout=httpx.Timeout(30, connect=5))
        self._http.base_url = httpx.URL(address)
        if language is not None:
            self._http.headers["Accept-Language"] = language
        self._retries = retries or Retries()
        self._session: Session | None = None
        if credentials is not None:
            self._session = Session(self._http, credentials, self._retries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back. The session goes on: end it with `sign_out`."""
        self._http.close()

    def sign_out(self) -> None:
        """End the session: its tokens are refused from now on."""
        if self._session is not None:
            self._session.end()

    # --- what the operations call -----------------------------------------------------------

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        form: Mapping[str, object] | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Answer[Any]:
        """Any request that is answered in JSON.

        Raises:
            TrialProblem: it was refused.
            Unreachable: it was not answered.
        """
        request = self._request(method, path, query, body, form, if_match, idempotency_key)
        try:
            delivered = self._delivered(request)
            own = None
            if delivered.response.status_code == 412 and delivered.uncertain:
                own = self._own_change(method, path, body or {}, str(if_match))
            return own or _answer(_successful(delivered))
        except (TrialProblem, Unreachable) as error:
            error.idempotency_key = idempotency_key
            raise

    def pages(self, method: str, path: str, *, query: Mapping[str, object]) -> Iterator[Any]:
        """Every item of a list."""
        cursor: str | None = None
        while True:
            page = self.send(method, path, query={**query, "cursor": cursor}).body
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def download(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        accept: str = "*/*",
    ) -> Download:
        """An answer that is a file."""
        request = self._request(method, path, query)
        request.headers["Accept"] = accept
        return Download(lambda: _successful(self._delivered(request, stream=True)))

    # --- sending ------------------------------------------------------------------------------

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        form: Mapping[str, object] | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> httpx.Request:
        headers = {"Accept": "application/json"}
        if method == "PATCH":
            headers["Content-Type"] = MERGE_PATCH
        if if_match is not None:
            headers["If-Match"] = if_match
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        given: Any = {name: one for name, one in (query or {}).items() if one is not None}
        fields: Any = form
        return self._http.build_request(
            method, path, params=given, json=body, data=fields, headers=headers
        )

    def _delivered(self, request: httpx.Request, *, stream: bool = False) -> Delivered:
        secured = "Idempotency-Key" in request.headers or "If-Match" in request.headers
        began = 0 if self._session is None else self._session.ended
        return deliver(
            lambda: self._attempt(request, began, stream=stream),
            safe=request.method == "GET" or secured,
            asked=request.method,
            path=request.url.path,
            retries=self._retries,
        )

    def _attempt(self, request: httpx.Request, began: int, *, stream: bool) -> httpx.Response:
        if self._session is None:
            return self._read(request, stream=stream)
        token = self._session.token(began=began)
        response = self._read(_with_token(request, token), stream=stream)
        if response.status_code == 401:
            renewed = self._session.token(began=began, refused=token)
            if renewed not in {None, token}:
                response = self._read(_with_token(request, renewed), stream=stream)
        return response

    def _read(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        response = self._http.send(request, stream=stream)
        if stream and not response.is_success:
            response.read()
        return response

    def _own_change(
        self, method: str, path: str, body: Mapping[str, object], if_match: str
    ) -> Answer[Any] | None:
        """The answer of a change that was made, although its first answer was lost.

        The version that it was made on is gone. It was ours that took its place
        if the next version is what was sent; where that cannot be told, it was not.
        """
        try:
            found = _successful(self._delivered(self._request("GET", path)))
            record = json_in(found)
        except (TrialProblem, Unreachable):
            return None
        next_one = version_of(found.headers.get("ETag", "")) == version_of(if_match) + 1
        own = next_one and is_own(record, body, whole=method == "PUT")
        return _answer(found, replayed=True) if own else None


def _with_token(request: httpx.Request, token: str | None) -> httpx.Request:
    if token is not None:
        request.headers["Authorization"] = f"Bearer {token}"
    return request


def _successful(delivered: Delivered) -> httpx.Response:
    if not delivered.response.is_success:
        raise TrialProblem(delivered.response, uncertain=delivered.uncertain)
    return delivered.response


def _answer(response: httpx.Response, *, replayed: bool = False) -> Answer[Any]:
    return Answer(
        body=None if response.status_code in WITHOUT_BODY else json_in(response),
        etag=response.headers.get("ETag", ""),
        replayed=replayed or response.headers.get("Idempotency-Replayed") == "true",
        request_id=response.headers.get("X-Request-Id", ""),
    )

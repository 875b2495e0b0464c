"""A line whose answers are told beforehand: for the Python client, in place of a service."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from trial_client import AccessToken, Credentials, Retries, Trial

Met = httpx.Response | httpx.TransportError | Callable[[], httpx.Response]
"""What a request meets: an answer, a failure of the line, or something that is done meanwhile."""

NOBODY = AccessToken(lambda: "token")


class Script:
    """What each request meets in its turn, and what was sent."""

    def __init__(self, *met: Met) -> None:
        self._met = iter(met)
        self.sent: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The next answer."""
        self.sent.append(request)
        met = next(self._met)
        if isinstance(met, httpx.TransportError):
            raise met
        return met if isinstance(met, httpx.Response) else met()

    @property
    def asked(self) -> list[str]:
        """Method and path of each request."""
        return [f"{request.method} {request.url.path}" for request in self.sent]

    def trial(self, credentials: Credentials = NOBODY, *, attempts: int = 5) -> Trial:
        """A client on this line that hardly waits."""
        retries = Retries(attempts=attempts, pause=0.001, longest=0.002)
        http = httpx.Client(transport=httpx.MockTransport(self))
        return Trial("http://service.test", credentials, retries=retries, http=http)


def cut() -> httpx.TransportError:
    """The line was cut after the request was sent."""
    return httpx.ReadError("cut")


def record(body: Any, version: int = 1) -> httpx.Response:
    """A success of the service."""
    return httpx.Response(200, json=body, headers={"ETag": f'"{version}"'})


def problem(status: int, code: str) -> httpx.Response:
    """A refusal of the service."""
    told = {"type": f"/problems/{code}", "title": code, "status": status, "detail": code}
    headers = {"Content-Type": "application/problem+json"}
    return httpx.Response(status, content=json.dumps(told), headers=headers)


def page(status: int) -> httpx.Response:
    """What something between the client and the service answers."""
    return httpx.Response(status, html="<h1>Sign in to the hospital's network</h1>")


def tokens(generation: int = 0) -> httpx.Response:
    """Tokens of a session, as they are answered."""
    told = {"access_token": f"access-{generation}", "refresh_token": f"refresh-{generation}"}
    return record({**told, "expires_in": 900})


def form(request: httpx.Request) -> dict[str, str]:
    """The fields of a form that was sent."""
    return dict(httpx.QueryParams(request.content.decode()))

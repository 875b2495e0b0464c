"""From the bearer token to the principal, and the one dependency that grants an action."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.models import (
    OAuthFlowClientCredentials,
    OAuthFlowPassword,
    OAuthFlows,
)
from fastapi.requests import HTTPConnection
from fastapi.security import OAuth2

from services.api.core.errors import Forbidden, Unauthorized
from services.api.core.outside import OutsideIssuer
from services.api.core.permissions import GRANTS, PUBLIC, Action, Role
from services.api.core.signed import BadToken
from services.api.core.tokens import Claims, TokenIssuer

FLOWS = OAuthFlows(
    password=OAuthFlowPassword(tokenUrl="/v1/oauth/token"),
    clientCredentials=OAuthFlowClientCredentials(tokenUrl="/v1/oauth/token"),
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a person, or a machine client of a hospital.

    `session` is what the token's holder may end; signing remembers it.
    """

    id: UUID
    name: str
    role: Role
    sites: tuple[str, ...]
    machine: bool
    session: UUID

    @property
    def actions(self) -> frozenset[Action]:
        """What the role may do."""
        return GRANTS[self.role]


WORKER_ID = UUID("0c5a7d0e-3f6b-4b59-8f5e-7d2c1a9b6e40")


class OwnRole(StrEnum):
    """Whom the trail names where nobody asked: no token ever carries it, and it has no grant."""

    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Worker:
    """The service itself, which reminds and derives at the sites it is given."""

    sites: tuple[str, ...]
    id: UUID = WORKER_ID
    name: str = "trial worker"
    role: OwnRole = OwnRole.WORKER


Caller = Principal | Worker
"""On whose behalf a transaction runs."""


class EndedSessions(Protocol):
    """What is known of sessions that ended: see `identity/watch.py`."""

    @property
    def stale(self) -> bool:
        """Whether it is too old to rely on."""

    def refresh(self) -> None:
        """Ask the database now."""

    def has_ended(self, session: UUID) -> bool:
        """Whether a session is over."""


async def is_over(session: UUID, ended: EndedSessions) -> bool:
    """Whether a session has ended, which the end of a token's time is not.

    Raises:
        Unavailable: it cannot be known.
    """
    if ended.stale:
        await run_in_threadpool(ended.refresh)
    return ended.has_ended(session)


class TokenCache:
    """Tokens verified before, so that a signature is checked once per token and worker.

    Holds at most `size` tokens; the oldest goes first. Time is real time.
    """

    def __init__(
        self, issuer: TokenIssuer, outside: OutsideIssuer | None = None, size: int = 10_000
    ) -> None:
        self._issuer = issuer
        self._outside = outside
        self._size = size
        self._known: dict[str, tuple[Principal, int]] = {}
        self._generation = issuer.generation

    async def principal(self, token: str, ended: EndedSessions) -> Principal:
        """The token's principal.

        Raises:
            Unauthorized: the token is not valid now, or its session is over.
            Unavailable: it cannot be known whether the session is over.
        """
        if self._generation != self._issuer.generation:  # a key was taken out
            self._generation = self._issuer.generation
            self._known.clear()
        principal, expires_at = self._known.get(token) or await self._verify(token)
        if await is_over(principal.session, ended) or expires_at <= time.time():
            self._known.pop(token, None)
            raise _invalid()
        return principal

    async def _verify(self, token: str) -> tuple[Principal, int]:
        try:
            if self._outside is not None and self._outside.speaks_for(token):
                # May wait for the provider's keys.
                claims = await run_in_threadpool(self._outside.verify, token)
            else:
                claims = self._issuer.verify(token)
        except BadToken:
            raise _invalid() from None
        entry = (_principal(claims), claims.expires_at)
        if len(self._known) >= self._size:
            self._known.pop(next(iter(self._known)), None)
        self._known[token] = entry
        return entry


def _principal(claims: Claims) -> Principal:
    return Principal(
        claims.subject, claims.name, claims.role, claims.sites, claims.machine, claims.session
    )


def _invalid() -> Unauthorized:
    return Unauthorized(challenge='Bearer error="invalid_token"')


class Require(OAuth2):
    """The dependency behind `require(action)`; the meta-tests read its `action`."""

    def __init__(self, action: Action) -> None:
        super().__init__(
            flows=FLOWS,
            scheme_name="trial",
            description="An access token of POST /v1/oauth/token, sent as a bearer token.",
        )
        self.action = action

    async def __call__(self, request: HTTPConnection) -> Any:
        """The principal, if their role is granted the action; the class above yields a text.

        Raises:
            Unauthorized: no token, or a bad one.
            Forbidden: the role lacks the action.
        """
        given = request.headers.getlist("Authorization")
        # Of several, a proxy before us may look at another than we do (RFC 9110 section 5.3).
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized
        cache: TokenCache = request.app.state.tokens
        principal = await cache.principal(token, request.app.state.watch)
        request.state.principal = principal
        if self.action not in principal.actions:
            raise Forbidden
        return principal


class Open:
    """The dependency of an operation that needs no token, named all the same."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self) -> None:
        """Admit anyone."""


def require(action: Action) -> Callable[..., Awaitable[Principal]]:
    """A dependency that yields the principal, if the action is granted to their role."""
    if action in PUBLIC:
        raise ValueError(f"{action} is public: declare it with open_to_all")
    return Require(action)


def open_to_all(action: Action) -> Callable[..., Awaitable[None]]:
    """A dependency that names a public operation."""
    if action not in PUBLIC:
        raise ValueError(f"{action} is not public: declare it with require")
    return Open(action)

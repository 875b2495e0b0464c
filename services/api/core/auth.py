"""From the bearer token to the principal, and the one dependency that grants an action."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request
from fastapi.openapi.models import (
    OAuthFlowClientCredentials,
    OAuthFlowPassword,
    OAuthFlows,
)
from fastapi.security import OAuth2

from services.api.core.errors import Forbidden, Unauthorized
from services.api.core.permissions import GRANTS, PUBLIC, Action, Role
from services.api.core.tokens import BadToken, Claims, TokenIssuer

FLOWS = OAuthFlows(
    password=OAuthFlowPassword(tokenUrl="/v1/oauth/token"),
    clientCredentials=OAuthFlowClientCredentials(tokenUrl="/v1/oauth/token"),
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a person, or a machine client of a hospital."""

    id: UUID
    name: str
    role: Role
    sites: tuple[str, ...]
    machine: bool

    @property
    def actions(self) -> frozenset[Action]:
        """What the role may do."""
        return GRANTS[self.role]


class TokenCache:
    """Tokens verified before, so that a signature is checked once per token and worker.

    Holds at most `size` tokens; the oldest goes first. Time is real time.
    """

    def __init__(self, issuer: TokenIssuer, size: int = 10_000) -> None:
        self._issuer = issuer
        self._size = size
        self._known: dict[str, tuple[Principal, int]] = {}

    def principal(self, token: str) -> Principal:
        """The token's principal.

        Raises:
            Unauthorized: the token is not valid now.
        """
        principal, expires_at = self._known.get(token) or self._verify(token)
        if expires_at <= time.time():
            self._known.pop(token, None)
            raise _invalid()
        return principal

    def _verify(self, token: str) -> tuple[Principal, int]:
        try:
            claims = self._issuer.verify(token)
        except BadToken:
            raise _invalid() from None
        entry = (_principal(claims), claims.expires_at)
        if len(self._known) >= self._size:
            self._known.pop(next(iter(self._known)), None)
        self._known[token] = entry
        return entry


def _principal(claims: Claims) -> Principal:
    return Principal(claims.subject, claims.name, claims.role, claims.sites, claims.machine)


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

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]
        """Admit a caller whose role is granted the action.

        Raises:
            Unauthorized: no token, or a bad one.
            Forbidden: the role lacks the action.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized
        cache: TokenCache = request.app.state.tokens
        principal = cache.principal(token)
        if self.action not in principal.actions:
            raise Forbidden
        request.state.principal = principal
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

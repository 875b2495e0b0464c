"""Signing in, the keys that verify our tokens, and who the caller is."""

import base64
import binascii
from typing import Annotated

from fastapi import Depends, Form, Request

from services.api.core.auth import Principal, open_to_all, require
from services.api.core.context import SettingsDep
from services.api.core.db import SessionDep
from services.api.core.errors import Unauthorized, responses
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.core.tokens import TokenIssuer
from services.api.identity import service
from services.api.identity.errors import (
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    UnsupportedGrantType,
)
from services.api.identity.schemas import (
    AuthorizationServer,
    JsonWebKeySet,
    Me,
    TokenAnswer,
    TokenRequest,
)

router = Router(tags=["identity"])

Caller = Annotated[Principal, Depends(require(Action.READ_SELF))]


@router.post(
    "/v1/oauth/token",
    dependencies=[Depends(open_to_all(Action.SIGN_IN))],
    responses=responses(InvalidRequest, InvalidGrant, UnsupportedGrantType, InvalidClient),
)
def issue_token(
    form: Annotated[TokenRequest, Form()], request: Request, session: SessionDep
) -> TokenAnswer:
    """Get an access token.

    People use `password` with username and password; hospital systems use
    `client_credentials` with their id and secret, in the form or as HTTP
    Basic. The token is a JWT signed with ES256 and lives at most 15 minutes.
    """
    caller = _sign_in(form, request, session)
    issuer: TokenIssuer = request.app.state.issuer
    token = issuer.issue(
        subject=caller.id,
        role=caller.role,
        sites=caller.sites,
        name=caller.name,
        machine=caller.machine,
    )
    return TokenAnswer(access_token=token, expires_in=issuer.seconds)


def _sign_in(form: TokenRequest, request: Request, session: SessionDep) -> Principal:
    if form.grant_type == "password":
        if form.username is None or form.password is None:
            raise InvalidRequest
        return service.sign_in_user(session, form.username, form.password)
    if form.grant_type == "client_credentials":
        client_id, secret = _basic(request) or (form.client_id, form.client_secret)
        if not client_id or not secret:
            raise InvalidRequest
        return service.sign_in_client(session, client_id, secret)
    raise UnsupportedGrantType


def _basic(request: Request) -> tuple[str, str] | None:
    """The client's id and secret from HTTP Basic (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidClient from None
    if "\0" in client_id:
        raise InvalidClient
    return client_id, secret


@router.get("/v1/me", responses=responses(Unauthorized))
async def read_me(caller: Caller) -> Me:
    """Who the token's holder is, at which sites, and what they may do."""
    return Me(
        id=caller.id,
        name=caller.name,
        role=caller.role,
        sites=list(caller.sites),
        machine=caller.machine,
        actions=sorted(caller.actions),
    )


@router.get("/.well-known/jwks.json", dependencies=[Depends(open_to_all(Action.READ_KEYS))])
async def read_keys(request: Request) -> JsonWebKeySet:
    """The public keys that verify access tokens (RFC 7517)."""
    issuer: TokenIssuer = request.app.state.issuer
    return JsonWebKeySet.model_validate(issuer.jwks())


@router.get(
    "/.well-known/oauth-authorization-server",
    dependencies=[Depends(open_to_all(Action.READ_KEYS))],
)
async def read_authorization_server(settings: SettingsDep) -> AuthorizationServer:
    """Where and how to get tokens (RFC 8414)."""
    return AuthorizationServer(
        issuer=settings.issuer,
        token_endpoint=f"{settings.issuer}/v1/oauth/token",
        jwks_uri=f"{settings.issuer}/.well-known/jwks.json",
    )

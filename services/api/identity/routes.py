"""Signing in and out, credentials, the keys that verify our tokens, and who the caller is."""

import base64
import binascii
from typing import Annotated

from fastapi import Depends, Form, Request, Response

from services.api.core.auth import Principal, open_to_all, require
from services.api.core.context import SettingsDep
from services.api.core.errors import Invalid, TooManyRequests, Unauthorized, responses
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.core.signed import BadToken
from services.api.core.tokens import TokenIssuer
from services.api.identity import service
from services.api.identity.door import Door, Source
from services.api.identity.errors import (
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    PasswordChangeRequired,
    TicketRefused,
    TotpEnrolmentRequired,
    TotpRequired,
    UnsupportedGrantType,
)
from services.api.identity.schemas import (
    ASSERTION_TYPE,
    AuthorizationServer,
    JsonWebKeySet,
    Me,
    PasswordChange,
    PasswordChanged,
    Revocation,
    Revoked,
    TokenAnswer,
    TokenRequest,
    TotpConfirmation,
    TotpConfirmed,
    TotpOffer,
    TotpOfferRead,
)
from services.api.identity.service import SignedIn

router = Router(tags=["identity"])

Caller = Annotated[Principal, Depends(require(Action.READ_SELF))]

DEVICE = "trial-device"
DEVICE_SECONDS = 90 * 24 * 3600
PERSON = (InvalidGrant, TotpRequired, TooManyRequests, Invalid)


async def _door(request: Request) -> Door:
    return Door(request.app.state.database, request.app.state.settings)


async def _source(request: Request) -> Source:
    address = request.client.host if request.client else ""
    return Source(address, request.cookies.get(DEVICE))


DoorDep = Annotated[Door, Depends(_door)]
SourceDep = Annotated[Source, Depends(_source)]


@router.post(
    "/v1/oauth/token",
    dependencies=[Depends(open_to_all(Action.SIGN_IN))],
    response_model_exclude_none=True,
    responses=responses(
        InvalidRequest,
        UnsupportedGrantType,
        PasswordChangeRequired,
        TotpEnrolmentRequired,
        InvalidClient,
        *PERSON,
    ),
)
def issue_token(
    form: Annotated[TokenRequest, Form()],
    request: Request,
    answer: Response,
    door: DoorDep,
    source: SourceDep,
) -> TokenAnswer:
    """Get an access token.

    People use `password` with username, password and, if they have a second
    factor, `totp`; then `refresh_token` until they sign out. Each refresh
    token is good once; a retry within ten seconds of a lost answer gets the
    same next one, any other second use ends the session. Hospital systems use
    `client_credentials` with their id and secret, in the form or as HTTP
    Basic, or with a `client_assertion` signed by their key (RFC 7523). The
    token is a JWT signed with ES256 and lives at most 15 minutes.

    Wrong guesses are slowed down per account and address. A browser keeps the
    cookie `trial-device`, by which its owner is told apart from strangers.
    """
    signed_in = _sign_in(form, request, door, source)
    if signed_in.device is not None:
        answer.set_cookie(
            DEVICE,
            signed_in.device,
            max_age=DEVICE_SECONDS,
            path="/v1/oauth",
            secure=door.settings.issuer.startswith("https:"),
            httponly=True,
            samesite="strict",
        )
    caller = signed_in.caller
    issuer: TokenIssuer = request.app.state.issuer
    token = issuer.issue(
        subject=caller.id,
        role=caller.role,
        sites=caller.sites,
        name=caller.name,
        machine=caller.machine,
        session=caller.session,
    )
    return TokenAnswer(
        access_token=token, expires_in=issuer.seconds, refresh_token=signed_in.refresh_token
    )


def _sign_in(form: TokenRequest, request: Request, door: Door, source: Source) -> SignedIn:
    if form.grant_type == "password":
        if form.username is None or form.password is None:
            raise InvalidRequest
        return service.sign_in_user(door, source, form.username, form.password, form.totp)
    if form.grant_type == "refresh_token":
        if form.refresh_token is None:
            raise InvalidRequest
        return service.refresh(door, form.refresh_token)
    if form.grant_type == "client_credentials":
        return _sign_in_client(form, request, door, source)
    raise UnsupportedGrantType


def _sign_in_client(form: TokenRequest, request: Request, door: Door, source: Source) -> SignedIn:
    if form.client_assertion is not None:
        if form.client_assertion_type != ASSERTION_TYPE or form.client_secret is not None:
            raise InvalidRequest
        return service.sign_in_with_key(door, source, form.client_assertion, form.client_id)
    client_id, secret = _basic(request) or (form.client_id, form.client_secret)
    if not client_id or not secret:
        raise InvalidRequest
    return service.sign_in_client(door, source, client_id, secret)


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


@router.post("/v1/oauth/revoke", dependencies=[Depends(open_to_all(Action.SIGN_OUT))])
def revoke_token(form: Annotated[Revocation, Form()], request: Request, door: DoorDep) -> Revoked:
    """Sign out: end the session of a refresh or access token of yours (RFC 7009).

    Every token of the session is refused within a second. A token that is
    not ours, or no longer, is answered alike: there is nothing left to end.
    """
    session_id = service.session_of(door, form.token)
    if session_id is None:
        issuer: TokenIssuer = request.app.state.issuer
        try:
            session_id = issuer.verify(form.token).session
        except BadToken:
            return Revoked()
    service.sign_out(door, session_id)
    return Revoked()


@router.post(
    "/v1/oauth/password",
    dependencies=[Depends(open_to_all(Action.CHANGE_PASSWORD))],
    responses=responses(*PERSON),
)
def change_password(given: PasswordChange, door: DoorDep, source: SourceDep) -> PasswordChanged:
    """Replace your password, with the old one and your code instead of a token.

    A password that an admin gave has to be replaced before signing in. Every
    session of yours ends. At least 12 characters; common and guessable ones
    are refused.
    """
    changed_at = service.change_password(
        door, source, given.username, given.password, given.totp, given.new_password
    )
    return PasswordChanged(changed_at=changed_at)


@router.post(
    "/v1/oauth/totp",
    dependencies=[Depends(open_to_all(Action.ENROL_TOTP))],
    responses=responses(PasswordChangeRequired, *PERSON),
)
def offer_totp(given: TotpOffer, door: DoorDep, source: SourceDep) -> TotpOfferRead:
    """Get a secret for an authenticator app (RFC 6238), to be confirmed within ten minutes.

    Nothing changes before the confirmation. Who has an authenticator already
    gives its code, and replaces it.
    """
    offer = service.offer_totp(door, source, given.username, given.password, given.totp)
    return TotpOfferRead(secret=offer.secret, uri=offer.uri, ticket=offer.ticket)


@router.post(
    "/v1/oauth/totp/confirmation",
    dependencies=[Depends(open_to_all(Action.ENROL_TOTP))],
    responses=responses(PasswordChangeRequired, TicketRefused, *PERSON),
)
def confirm_totp(given: TotpConfirmation, door: DoorDep, source: SourceDep) -> TotpConfirmed:
    """Enrol the authenticator by a code that it shows; every session of yours ends."""
    confirmed_at = service.confirm_totp(
        door, source, given.username, given.password, given.ticket, given.totp
    )
    return TotpConfirmed(confirmed_at=confirmed_at)


@router.get("/v1/me", responses=responses(Unauthorized))
async def read_me(caller: Caller) -> Me:
    """Who the token's holder is, at which sites, and what they may do.

    Ask it after signing in: a front end shows what `actions` allow, and nothing else.
    """
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
    """The public keys that verify access tokens (RFC 7517).

    Keep them, and ask again when a token names a `kid` that you do not have.
    """
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
        revocation_endpoint=f"{settings.issuer}/v1/oauth/revoke",
        jwks_uri=f"{settings.issuer}/.well-known/jwks.json",
    )

"""Token requests and answers, and who the caller is."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.api.core.bodies import Omittable
from services.api.core.permissions import Action, Role

Credential = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]*$")
]


Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Token = Annotated[str, StringConstraints(min_length=1, max_length=8192, pattern=r"^[!-~]*$")]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class TokenRequest(BaseModel):
    """A form as in RFC 6749 sections 4.3.2, 4.4.2 and 6, and RFC 7523 section 2.2."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grant_type: Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z_:-]+$")] = Field(
        examples=["password"], description="`password`, `refresh_token` or `client_credentials`."
    )
    username: Credential | None = Field(
        default=None, examples=["investigator-nn"], description="Of `password`: who signs in."
    )
    password: Credential | None = Field(
        default=None,
        examples=["sandbox-only"],
        description="Of `password`: what only the person knows. Wrong guesses are slowed down"
        " (429).",
    )
    totp: Code | None = Field(
        default=None, examples=["492039"], description="The code of the second factor."
    )
    refresh_token: Token | None = Field(
        default=None,
        examples=["0199.0.bWFj"],
        description="Of `refresh_token`: the last one given; a second use of it ends the session.",
    )
    client_id: Credential | None = Field(
        default=None,
        examples=["his-nn"],
        description="Of `client_credentials`: which system asks; with an assertion it may be left"
        " out.",
    )
    client_secret: Credential | None = Field(
        default=None,
        examples=["sandbox-only"],
        description="Of `client_credentials`: the system's secret, here or by HTTP Basic.",
    )
    client_assertion_type: Token | None = Field(
        default=None,
        examples=[ASSERTION_TYPE],
        description="Of `client_credentials` with a key: this very URN (RFC 7523).",
    )
    client_assertion: Token | None = Field(
        default=None,
        examples=["eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.e30.c2ln"],
        description="A JWT of the client: iss and sub are its id, aud is the issuer, jti is new.",
    )
    scope: Credential | None = Field(
        default=None,
        examples=["trial"],
        description="`trial`, the only scope there is: the role decides what a token may do.",
    )


class TokenAnswer(BaseModel):
    """An access token (RFC 6749 section 5.1)."""

    access_token: str = Field(
        examples=["eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2ln"],
        description="A JWT signed with ES256: send it as `Authorization: Bearer`, and keep it in"
        " memory only.",
    )
    token_type: Literal["Bearer"] = Field(
        default="Bearer", description="How it is sent (RFC 6750)."
    )
    expires_in: int = Field(examples=[900], description="Seconds until it expires.")
    refresh_token: Omittable[str] = Field(
        default=None, examples=["0199.0.bWFj"], description="For people: good for one use."
    )
    scope: str = Field(
        default="trial", examples=["trial"], description="The scope given: always `trial`."
    )


Ignored = Annotated[str, StringConstraints(max_length=128, pattern=r"^[^\x00-\x1f]*$")]
"""What client libraries send although the token says enough."""


class Revocation(BaseModel):
    """A form as in RFC 7009 section 2.1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: Token = Field(examples=["0199.0.bWFj"], description="A refresh or access token.")
    token_type_hint: Ignored | None = Field(
        default=None,
        examples=["refresh_token"],
        description="Taken and not needed: the token itself tells what it is.",
    )
    client_id: Ignored | None = Field(
        default=None,
        examples=["his-nn"],
        description="Taken and not needed: whoever holds the token may end its session.",
    )
    client_secret: Ignored | None = Field(
        default=None,
        examples=["sandbox-only"],
        description="Taken and not needed: whoever holds the token may end its session.",
    )


class Revoked(BaseModel):
    """The token is of no use any more."""

    revoked: Literal[True] = Field(
        default=True,
        description="True, also of a token that was none of ours: there is nothing left to end.",
    )


class Person(BaseModel):
    """Who asks, with what they know and have instead of a token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: Credential = Field(examples=["investigator-nn"], description="Who asks.")
    password: Credential = Field(
        examples=["sandbox-only"], description="What the person signs in with until now."
    )


class PasswordChange(Person):
    """A person's own new password."""

    totp: Code | None = Field(default=None, examples=["492039"])
    new_password: Credential = Field(
        examples=["wisteria ladder 7 mercury"],
        description="At least 12 characters; one that is common or easily guessed is refused.",
    )


class PasswordChanged(BaseModel):
    """The new password holds, and every session before it is over."""

    changed_at: datetime = Field(description="From when on the new password holds.")


class TotpOffer(Person):
    """A wish for an authenticator, with a code of the one there is."""

    totp: Code | None = Field(default=None, examples=["492039"])


class TotpOfferRead(BaseModel):
    """A secret for an authenticator app, as text, as QR code content, and sealed."""

    secret: str = Field(
        examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"],
        description="What to type into an authenticator that reads no QR code, in Base32.",
    )
    uri: str = Field(
        examples=["otpauth://totp/Trial:investigator-nn?secret=JBSWY3DP&issuer=Trial"],
        description="The content of a QR code for the authenticator (otpauth): show it, and send"
        " it to nobody.",
    )
    ticket: str = Field(examples=["c2VhbGVk"], description="To be sent back with the confirmation.")


class TotpConfirmation(Person):
    """The offer's ticket and a code of the new authenticator."""

    ticket: Token = Field(examples=["c2VhbGVk"], description="The offer's `ticket`, unchanged.")
    totp: Code = Field(
        examples=["492039"], description="The six digits that the new authenticator shows now."
    )


class TotpConfirmed(BaseModel):
    """Signing in needs the authenticator's code from now on."""

    confirmed_at: datetime = Field(description="From when on the code is needed.")


class Me(BaseModel):
    """The caller, their sites and what they may do."""

    id: UUID = Field(description="The account, as the audit trail and records name it.")
    name: str = Field(
        examples=["Demo investigator, Nanning"], description="As it stands in signatures."
    )
    role: Role = Field(description="The role, which decides what you may do.")
    sites: list[str] = Field(
        examples=[["NN"]],
        description="The hospitals whose records exist for you; empty of a role of the whole"
        " trial.",
    )
    machine: bool = Field(description="Whether this is a system; systems never sign.")
    actions: list[Action] = Field(
        description="What the role may do, each under the name that the operations list."
    )


class JsonWebKeySet(BaseModel):
    """RFC 7517: the public keys that verify our tokens."""

    keys: list[dict[str, str]] = Field(
        examples=[[{"kty": "EC", "crv": "P-256", "alg": "ES256"}]],
        description="The keys, each a JSON Web Key; find the one that a token's `kid` names.",
    )


class GrantType(StrEnum):
    """With what a token is asked for (RFC 6749, section 4)."""

    PASSWORD = "password"
    REFRESH_TOKEN = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"


class ClientAuthentication(StrEnum):
    """How a client shows who it is at the token endpoint (RFC 7591, section 2)."""

    NONE = "none"
    CLIENT_SECRET_POST = "client_secret_post"
    CLIENT_SECRET_BASIC = "client_secret_basic"
    PRIVATE_KEY_JWT = "private_key_jwt"


class AuthorizationServer(BaseModel):
    """RFC 8414 metadata."""

    issuer: str = Field(examples=["http://127.0.0.1:8000"], description="The `iss` of every token.")
    token_endpoint: str = Field(
        examples=["http://127.0.0.1:8000/v1/oauth/token"], description="Where to ask for a token."
    )
    revocation_endpoint: str = Field(
        examples=["http://127.0.0.1:8000/v1/oauth/revoke"], description="Where to end a session."
    )
    jwks_uri: str = Field(
        examples=["http://127.0.0.1:8000/.well-known/jwks.json"],
        description="Where the public keys are that verify tokens.",
    )
    grant_types_supported: list[GrantType] = Field(
        default=list(GrantType), description="With what a token may be asked for."
    )
    token_endpoint_auth_methods_supported: list[ClientAuthentication] = Field(
        default=list(ClientAuthentication), description="How a client may show who it is."
    )
    token_endpoint_auth_signing_alg_values_supported: list[str] = Field(
        default=["ES256", "ES384", "RS256", "RS384"],
        examples=[["ES256"]],
        description="How an assertion may be signed.",
    )
    revocation_endpoint_auth_methods_supported: list[Literal["none"]] = Field(
        default=["none"], description="None: the token is enough to end it."
    )
    scopes_supported: list[str] = Field(
        default=["trial"],
        examples=[["trial"]],
        description="The only scope; the role decides what a token may do.",
    )
    response_types_supported: list[str] = Field(
        default=[], examples=[[]], description="None: there is no authorization endpoint."
    )

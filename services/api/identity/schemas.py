"""Token requests and answers, and who the caller is."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

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
    username: Credential | None = Field(default=None, examples=["investigator-nn"])
    password: Credential | None = Field(default=None, examples=["sandbox-only"])
    totp: Code | None = Field(
        default=None, examples=["492039"], description="The code of the second factor."
    )
    refresh_token: Token | None = Field(default=None, examples=["0199.0.bWFj"])
    client_id: Credential | None = Field(default=None, examples=["his-nn"])
    client_secret: Credential | None = Field(default=None, examples=["sandbox-only"])
    client_assertion_type: Token | None = Field(default=None, examples=[ASSERTION_TYPE])
    client_assertion: Token | None = Field(
        default=None,
        examples=["eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.e30.c2ln"],
        description="A JWT of the client: iss and sub are its id, aud is the issuer, jti is new.",
    )
    scope: Credential | None = Field(default=None, examples=["trial"])


class TokenAnswer(BaseModel):
    """An access token (RFC 6749 section 5.1)."""

    access_token: str = Field(examples=["eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2ln"])
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int = Field(examples=[900], description="Seconds until it expires.")
    refresh_token: str | None = Field(
        default=None, examples=["0199.0.bWFj"], description="For people: good for one use."
    )
    scope: str = Field(default="trial", examples=["trial"])


Ignored = Annotated[str, StringConstraints(max_length=128, pattern=r"^[^\x00-\x1f]*$")]
"""What client libraries send although the token says enough."""


class Revocation(BaseModel):
    """A form as in RFC 7009 section 2.1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: Token = Field(examples=["0199.0.bWFj"], description="A refresh or access token.")
    token_type_hint: Ignored | None = Field(default=None, examples=["refresh_token"])
    client_id: Ignored | None = Field(default=None, examples=["his-nn"])
    client_secret: Ignored | None = Field(default=None, examples=["sandbox-only"])


class Revoked(BaseModel):
    """The token is of no use any more."""

    revoked: Literal[True] = True


class Person(BaseModel):
    """Who asks, with what they know and have instead of a token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: Credential = Field(examples=["investigator-nn"])
    password: Credential = Field(examples=["sandbox-only"], description="The current password.")


class PasswordChange(Person):
    """A person's own new password."""

    totp: Code | None = Field(default=None, examples=["492039"])
    new_password: Credential = Field(examples=["wisteria ladder 7 mercury"])


class PasswordChanged(BaseModel):
    """The new password holds, and every session before it is over."""

    changed_at: datetime


class TotpOffer(Person):
    """A wish for an authenticator, with a code of the one there is."""

    totp: Code | None = Field(default=None, examples=["492039"])


class TotpOfferRead(BaseModel):
    """A secret for an authenticator app, as text, as QR code content, and sealed."""

    secret: str = Field(examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"], description="Base32.")
    uri: str = Field(examples=["otpauth://totp/Trial:investigator-nn?secret=JBSWY3DP&issuer=Trial"])
    ticket: str = Field(examples=["c2VhbGVk"], description="To be sent back with the confirmation.")


class TotpConfirmation(Person):
    """The offer's ticket and a code of the new authenticator."""

    ticket: Token = Field(examples=["c2VhbGVk"])
    totp: Code = Field(examples=["492039"])


class TotpConfirmed(BaseModel):
    """Signing in needs the authenticator's code from now on."""

    confirmed_at: datetime


class Me(BaseModel):
    """The caller, their sites and what they may do."""

    id: UUID
    name: str = Field(examples=["Demo investigator, Nanning"])
    role: Role
    sites: list[str] = Field(examples=[["NN"]])
    machine: bool = Field(description="Whether this is a system; systems never sign.")
    actions: list[Action]


class JsonWebKeySet(BaseModel):
    """RFC 7517: the public keys that verify our tokens."""

    keys: list[dict[str, str]] = Field(examples=[[{"kty": "EC", "crv": "P-256", "alg": "ES256"}]])


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

    issuer: str = Field(examples=["http://127.0.0.1:8000"])
    token_endpoint: str = Field(examples=["http://127.0.0.1:8000/v1/oauth/token"])
    revocation_endpoint: str = Field(examples=["http://127.0.0.1:8000/v1/oauth/revoke"])
    jwks_uri: str = Field(examples=["http://127.0.0.1:8000/.well-known/jwks.json"])
    grant_types_supported: list[GrantType] = list(GrantType)
    token_endpoint_auth_methods_supported: list[ClientAuthentication] = list(ClientAuthentication)
    token_endpoint_auth_signing_alg_values_supported: list[str] = Field(
        default=["ES256", "ES384", "RS256", "RS384"], examples=[["ES256"]]
    )
    revocation_endpoint_auth_methods_supported: list[Literal["none"]] = ["none"]
    scopes_supported: list[str] = Field(default=["trial"], examples=[["trial"]])
    response_types_supported: list[str] = Field(default=[], examples=[[]])

"""Token requests and answers, and who the caller is."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.api.core.permissions import Action, Role

Credential = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]*$")
]


class TokenRequest(BaseModel):
    """A form as in RFC 6749 sections 4.3.2 and 4.4.2."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grant_type: Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z_:-]+$")] = Field(
        examples=["password"], description="`password` or `client_credentials`."
    )
    username: Credential | None = Field(default=None, examples=["investigator-nn"])
    password: Credential | None = Field(default=None, examples=["sandbox-only"])
    client_id: Credential | None = Field(default=None, examples=["his-nn"])
    client_secret: Credential | None = Field(default=None, examples=["sandbox-only"])
    scope: Credential | None = Field(default=None, examples=["trial"])


class TokenAnswer(BaseModel):
    """An access token (RFC 6749 section 5.1)."""

    access_token: str = Field(examples=["eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2ln"])
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int = Field(examples=[900], description="Seconds until it expires.")
    scope: str = Field(default="trial", examples=["trial"])


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


class AuthorizationServer(BaseModel):
    """RFC 8414 metadata."""

    issuer: str = Field(examples=["http://127.0.0.1:8000"])
    token_endpoint: str = Field(examples=["http://127.0.0.1:8000/v1/oauth/token"])
    jwks_uri: str = Field(examples=["http://127.0.0.1:8000/.well-known/jwks.json"])
    grant_types_supported: list[Literal["password", "client_credentials"]] = [
        "password",
        "client_credentials",
    ]
    token_endpoint_auth_methods_supported: list[
        Literal["client_secret_post", "client_secret_basic"]
    ] = [
        "client_secret_post",
        "client_secret_basic",
    ]
    scopes_supported: list[str] = Field(default=["trial"], examples=[["trial"]])
    response_types_supported: list[str] = Field(default=[], examples=[[]])

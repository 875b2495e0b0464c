"""Access tokens: JWT (RFC 7519, RFC 9068) signed with ES256 through python-jose.

python-jose accepts more than it should, so a token is measured, matched and
its header read here before the library sees it (RFC 8725).
"""

import base64
import hashlib
import json
import re
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from jose import jwt
from jose.backends.cryptography_backend import CryptographyECKey

from services.api.core.permissions import Role

ALGORITHM = "ES256"
TYPE = "at+jwt"
LONGEST = 4096
LONGEST_LIFE = 900
"""Seconds: RFC 9068 asks for short ones, since a token cannot be called back."""
CLOCK_SKEW = 60
"""Seconds by which another worker's clock may be ahead of ours."""
SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


_REQUIRED = {f"require_{name}": True for name in ("aud", "iat", "exp", "iss", "sub", "jti")}


class BadToken(Exception):
    """The token is not one of ours, or no longer."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token of ours says."""

    subject: UUID
    role: Role
    sites: tuple[str, ...]
    name: str
    session: str
    machine: bool
    expires_at: int


@dataclass(frozen=True)
class TokenKey:
    """One ES256 key pair, named by its RFC 7638 thumbprint."""

    kid: str
    private: CryptographyECKey
    public: CryptographyECKey
    jwk: dict[str, str]

    @classmethod
    def from_pem(cls, pem: str) -> "TokenKey":
        """Read a PEM private key.

        Raises:
            ValueError: not a private key on the curve P-256.
        """
        key = load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise ValueError("the signing key must be an EC P-256 private key in PEM")
        numbers = key.public_key().public_numbers()
        jwk = {
            "crv": "P-256",
            "kty": "EC",
            "x": _base64url(numbers.x.to_bytes(32, "big")),
            "y": _base64url(numbers.y.to_bytes(32, "big")),
        }
        canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()
        kid = _base64url(hashlib.sha256(canonical).digest())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return cls(
            kid=kid,
            private=CryptographyECKey(pem, ALGORITHM),
            public=CryptographyECKey(public.decode(), ALGORITHM),
            jwk={**jwk, "kid": kid, "use": "sig", "alg": ALGORITHM},
        )


@dataclass(frozen=True)
class TokenIssuer:
    """Signs and verifies this installation's tokens; `seconds` is their lifetime."""

    key: TokenKey
    issuer: str
    audience: str
    seconds: int

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public key as a JSON Web Key Set (RFC 7517)."""
        return {"keys": [self.key.jwk]}

    def issue(
        self, *, subject: UUID, role: Role, sites: tuple[str, ...], name: str, machine: bool
    ) -> str:
        """A signed token for real time now until `seconds` later."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": str(subject),
            "role": role.value,
            "sites": list(sites),
            "name": name,
            "machine": machine,
            "scope": "trial",
            "sid": str(uuid4()),
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + self.seconds,
        }
        headers = {"kid": self.key.kid, "typ": TYPE}
        return str(jwt.encode(claims, self.key.private, algorithm=ALGORITHM, headers=headers))

    def verify(self, token: str) -> Claims:
        """The claims of a token of ours that is valid now.

        Raises:
            BadToken: anything about it is wrong; never another exception.
        """
        try:
            self._check_header(token)
            claims = jwt.decode(
                token,
                self.key.public,
                algorithms=[ALGORITHM],
                audience=self.audience,
                issuer=self.issuer,
                options=_REQUIRED,
            )
            _check_life(claims)
            return _read(claims)
        except Exception as error:
            # Odd tokens make the library raise far more than its own errors (RecursionError,
            # AttributeError, …); to a caller they are all the same refusal.
            raise BadToken from error

    def _check_header(self, token: str) -> None:
        if len(token) > LONGEST or not SHAPE.fullmatch(token):
            raise BadToken
        encoded = token.split(".", 1)[0]
        header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
        if header != {"alg": ALGORITHM, "typ": TYPE, "kid": self.key.kid}:
            raise BadToken


def _check_life(claims: dict[str, Any]) -> None:
    issued, expires = claims["iat"], claims["exp"]
    if type(issued) is not int or type(expires) is not int:
        raise BadToken
    if issued > time.time() + CLOCK_SKEW or expires - issued > LONGEST_LIFE:
        raise BadToken


def _read(claims: dict[str, Any]) -> Claims:
    sites = claims["sites"]
    texts = (claims["sub"], claims["role"], claims["name"], claims["sid"], *sites)
    if not isinstance(sites, list) or not all(isinstance(text, str) for text in texts):
        raise BadToken
    if type(claims["machine"]) is not bool:
        raise BadToken
    return Claims(
        subject=UUID(claims["sub"]),
        role=Role(claims["role"]),
        sites=tuple(sites),
        name=claims["name"],
        session=claims["sid"],
        machine=claims["machine"],
        expires_at=claims["exp"],
    )


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

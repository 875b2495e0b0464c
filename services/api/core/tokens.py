"""Access tokens of our own: JWT (RFC 7519, RFC 9068) signed with ES256 through python-jose."""

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from jose import jwt

from services.api.core.keys import ALGORITHM, LONGEST_LIFE, KeyRing, TokenKey
from services.api.core.permissions import Role
from services.api.core.signed import BadToken, Expected, verified

TYPE = "at+jwt"
_CLAIMS = {
    "sub": str,
    "role": str,
    "sites": list,
    "name": str,
    "machine": bool,
    "scope": str,
    "sid": str,
    "jti": str,
    "iat": int,
}


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says, ours or that of an outside identity provider."""

    subject: UUID
    role: Role
    sites: tuple[str, ...]
    name: str
    session: UUID
    machine: bool
    expires_at: int


@dataclass(frozen=True)
class TokenIssuer:
    """Signs and verifies this installation's tokens; `seconds` is their lifetime."""

    keys: KeyRing
    issuer: str
    audience: str
    seconds: int

    @property
    def key(self) -> TokenKey:
        """The key that signs now."""
        return self.keys.first()

    @property
    def generation(self) -> int:
        """Changes when tokens that were good no longer are, for their key was taken out."""
        return self.keys.generation

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys as a JSON Web Key Set (RFC 7517)."""
        return self.keys.jwks()

    def issue(
        self,
        *,
        subject: UUID,
        role: Role,
        sites: tuple[str, ...],
        name: str,
        machine: bool,
        session: UUID | None = None,
    ) -> str:
        """A signed token of a session for real time now until `seconds` later."""
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
            "sid": str(session or uuid4()),
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + self.seconds,
        }
        key = self.key
        headers = {"kid": key.kid, "typ": TYPE}
        return str(jwt.encode(claims, key.private, algorithm=ALGORITHM, headers=headers))

    def verify(self, token: str) -> Claims:
        """The claims of a token of ours that is valid now.

        Raises:
            BadToken: anything about it is wrong; never another exception.
        """
        claims = verified(token, self.keys.named, self._expected)
        try:
            return _read(claims)
        except ValueError as error:  # no UUID, no role
            raise BadToken from error

    @cached_property
    def _expected(self) -> Expected:
        types = frozenset({TYPE})
        return Expected(issuer=self.issuer, audience=self.audience, types=types, claims=_CLAIMS)


def _read(claims: dict[str, Any]) -> Claims:
    if claims["exp"] - claims["iat"] > LONGEST_LIFE:
        raise BadToken
    if not all(isinstance(site, str) and site and "," not in site for site in claims["sites"]):
        raise BadToken  # the comma parts sites in the context of row-level security
    return Claims(
        subject=_uuid(claims["sub"]),
        role=Role(claims["role"]),
        sites=tuple(claims["sites"]),
        name=claims["name"],
        session=_uuid(claims["sid"]),
        machine=claims["machine"],
        expires_at=claims["exp"],
    )


def _uuid(text: str) -> UUID:
    """A UUID in the one form in which we write it; `UUID` takes several."""
    found = UUID(text)
    if str(found) != text:
        raise BadToken
    return found

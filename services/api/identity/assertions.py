"""Client assertions: a machine client proves itself by a JWT that its private key signed.

Source: RFC 7523 and RFC 7521, and draft-ietf-oauth-rfc7523bis for the audience:
exactly our issuer, so that no assertion for another server is good here.
"""

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, delete

from services.api.core.signed import (
    CLOCK_SKEW,
    BadKey,
    BadToken,
    Expected,
    read_key_set,
    unverified,
    verified,
)
from services.api.identity.models import UsedAssertion

LONGEST_LIFE = 300
"""Seconds for which an assertion may still be good: as long is its `jti` remembered."""
LONGEST_ID = 255

_TYPES = frozenset({None, "JWT", "client-authentication+jwt"})
_HEADER = frozenset({"typ", "x5t", "x5t#S256"})
"""`x5t` names a certificate; common client libraries send it, and nothing here follows it."""


class BadAssertion(Exception):
    """The assertion does not prove who it says, for us, now, or was used before."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a verified assertion says; `expires_at` in seconds since 1970."""

    client_id: str
    jti: str
    expires_at: int


def claimed_client(assertion: str) -> str:
    """Whom an assertion claims to come from, proven by nothing: only to find the client's keys.

    Raises:
        BadAssertion: it cannot be read, or names no client or two.
    """
    try:
        claims = unverified(assertion)
    except BadToken as error:
        raise BadAssertion from error
    return _client_id(claims.get("iss"), claims.get("sub"))


def read_assertion(assertion: str, jwks: object, issuer: str) -> Assertion:
    """What an assertion says that a key of the set has signed for us.

    Issuer and subject are the client's id, the audience is our `issuer` alone,
    the `jti` has 1 to 255 characters, and it ends within five minutes.

    Raises:
        BadAssertion: anything about it is wrong, or the client has no usable keys.
    """
    client_id = claimed_client(assertion)
    expected = Expected(
        issuer=client_id,
        audience=issuer,
        types=_TYPES,
        header=_HEADER,
        claims={"sub": str, "jti": str},
    )
    try:
        claims = verified(assertion, read_key_set(jwks).get, expected)
    except (BadKey, BadToken) as error:
        raise BadAssertion from error
    if len(claims["jti"]) > LONGEST_ID or claims["exp"] > time.time() + LONGEST_LIFE:
        raise BadAssertion
    if claims["exp"] - claims.get("iat", claims["exp"]) > LONGEST_LIFE + CLOCK_SKEW:
        raise BadAssertion
    return Assertion(_client_id(claims["iss"], claims["sub"]), claims["jti"], claims["exp"])


def use_once(session: Session, client: UUID, assertion: Assertion) -> None:
    """Remember an assertion as used, and forget the client's expired ones.

    Of two requests at once, the second waits until the first has committed.

    Raises:
        BadAssertion: it was used before.
    """
    # Workers' clocks differ: one may still accept what has expired for another.
    long_expired = datetime.now(UTC) - timedelta(seconds=CLOCK_SKEW)
    session.execute(
        delete(UsedAssertion).where(
            col(UsedAssertion.client) == client, col(UsedAssertion.expires_at) < long_expired
        )
    )
    used = session.execute(
        insert(UsedAssertion)
        .values(
            client=client,
            jti_digest=hashlib.sha256(assertion.jti.encode()).digest(),
            expires_at=datetime.fromtimestamp(assertion.expires_at, UTC),
        )
        .on_conflict_do_nothing()
        .returning(col(UsedAssertion.client))
    )
    if used.first() is None:
        raise BadAssertion


def _client_id(issuer: object, subject: object) -> str:
    """The client's id, which is both issuer and subject (RFC 7523 section 3)."""
    if not isinstance(issuer, str) or issuer != subject or not 1 <= len(issuer) <= LONGEST_ID:
        raise BadAssertion
    return issuer

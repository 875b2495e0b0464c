"""What a checkpoint says, and its signature: a compact JWS (RFC 7515) that anyone can verify."""

import base64
import json
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jose import jws

from services.api.core.keys import TokenKey
from services.api.core.signed import BadKey, VerifyKey, base64url

ALGORITHM = "ES256"
TYPE = "trial-checkpoint+jws"
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LONGEST = 4096


class BadStatement(Exception):
    """The statement cannot be trusted; the text says why."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The `number`th root over events, of which `first` and `last` are the least and greatest id.

    `root` is the head of the RFC 6962 tree whose leaves are the events'
    hashes; `previous` is the SHA-256 of the statement before, both in
    hexadecimal. `kid` names the key by its RFC 7638 thumbprint.
    """

    number: int
    at: datetime
    events: int
    first: int
    last: int
    root: str
    previous: str | None
    kid: str


def sign(key: TokenKey, content: dict[str, Any]) -> str:
    """The content as a statement of the key's holder."""
    payload = json.dumps(content, separators=(",", ":")).encode()
    headers = {"typ": TYPE, "kid": key.kid, "jwk": key.jwk}
    return str(jws.sign(payload, key.private, headers=headers, algorithm=ALGORITHM))


def digest(statement: str) -> str:
    """By what the next statement names this one."""
    return sha256(statement.encode()).hexdigest()


def read(statement: str) -> Statement:
    """What a statement says, if the key that it carries signed it.

    Whether that is the sealer's key is the caller's question: compare `kid`.

    Raises:
        BadStatement: it is malformed, or its signature is not good.
    """
    try:
        return _read(statement)
    except BadStatement:
        raise
    except Exception as error:
        # The library raises far more than its own errors on odd input.
        raise BadStatement("it cannot be read") from error


def _read(statement: str) -> Statement:
    if len(statement) > _LONGEST or not _SHAPE.fullmatch(statement):
        raise BadStatement("it is no compact JWS")
    encoded = statement.split(".")[0]
    header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    if set(header) != {"alg", "typ", "kid", "jwk"} or header["typ"] != TYPE:
        raise BadStatement("its header is not that of a checkpoint")
    try:
        key = VerifyKey.from_jwk(header["jwk"])
    except BadKey as fault:
        raise BadStatement(f"its key is not usable: {fault}") from fault
    if key.algorithm != ALGORITHM or header["kid"] != thumbprint(header["jwk"]):
        raise BadStatement("its key does not have the name that it gives")
    try:
        payload = jws.verify(statement, key.public, algorithms=[ALGORITHM])
    except Exception as fault:
        raise BadStatement("its signature is not good") from fault
    content = json.loads(payload)
    return Statement(
        number=content["number"],
        at=datetime.fromisoformat(content["at"]),
        events=content["events"],
        first=content["first"],
        last=content["last"],
        root=content["root"],
        previous=content["previous"],
        kid=header["kid"],
    )


def thumbprint(jwk: dict[str, Any]) -> str:
    """The name of a public EC key that follows from the key itself (RFC 7638)."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return base64url(sha256(canonical).digest())


def name_of(public_pem: bytes) -> str:
    """The thumbprint of a public key in PEM.

    Raises:
        BadStatement: it is no public EC P-256 key.
    """
    try:
        key = load_pem_public_key(public_pem)
    except ValueError:
        raise BadStatement("the key is no public key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise BadStatement("the key is not on the curve P-256")
    numbers = key.public_numbers()
    x, y = (base64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return thumbprint({"crv": "P-256", "kty": "EC", "x": x, "y": y})

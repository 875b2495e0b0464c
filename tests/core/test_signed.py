"""One way to verify a signed JWT: the key decides, every claim is checked, and a refusal is one."""

import base64
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import padding

from services.api.core.signed import (
    ALGORITHMS,
    CLOCK_SKEW,
    MOST_KEYS,
    BadKey,
    BadToken,
    Expected,
    VerifyKey,
    base64url,
    read_key_set,
    unverified,
    verified,
)
from tests.core.signer import Signer, b64, encoded, number, rsa_key

Json = dict[str, Any]
EXPECTED = Expected(
    issuer="https://them.example",
    audience="us",
    types=frozenset({"JWT"}),
    claims={"sub": str, "sites": list, "machine": bool, "level": int},
    longest=2000,
)
SIGNER = Signer.new()


def claims(**changed: object) -> Json:
    """Good claims; one that is changed to None is left out."""
    now = int(time.time())
    good: Json = {
        "iss": "https://them.example",
        "aud": "us",
        "sub": "someone",
        "sites": [],
        "machine": False,
        "level": 1,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def verify(token: str, signer: Signer = SIGNER, expected: Expected = EXPECTED) -> Json:
    return verified(token, read_key_set({"keys": [signer.jwk()]}).get, expected)


def refused(token: str, signer: Signer = SIGNER, expected: Expected = EXPECTED) -> bool:
    with pytest.raises(BadToken):
        verify(token, signer, expected)
    return True


# --- keys -----------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_public_key_verifies_by_its_own_algorithm(algorithm: str) -> None:
    signer = Signer.new(algorithm)
    assert VerifyKey.from_jwk(signer.jwk()).algorithm == algorithm
    good = claims()
    assert verify(signer.sign(good), signer) == good
    for other in ALGORITHMS:
        if other != algorithm:
            assert refused(signer.sign(good, alg=other), signer)


def test_alg_and_use_may_be_left_out_of_a_key() -> None:
    for algorithm, of_type in (("ES256", "ES256"), ("ES384", "ES384"), ("RS384", "RS256")):
        jwk = Signer.new(algorithm).jwk(alg=None, use=None)
        assert VerifyKey.from_jwk(jwk).algorithm == of_type
    assert VerifyKey.from_jwk(SIGNER.jwk(key_ops=["verify"], x5c=["MIIB"], x5t="a"))


EC, RSA = Signer.new("ES256"), Signer.new("RS256")
BAD_KEYS: dict[str, object] = {
    "no object": [],
    "a text": "key",
    "nothing": {},
    "an EC private key": EC.jwk(d=b64(bytes(32))),
    "an RSA private key": RSA.jwk(d="AQAB"),
    "a factor of the modulus": RSA.jwk(p="AQAB"),
    "more factors": RSA.jwk(oth=[]),
    "a shared key": {"kty": "oct", "k": "c2VjcmV0", "kid": "a", "alg": "HS256"},
    "a shared key beside a public one": EC.jwk(k="c2VjcmV0"),
    "no kty": EC.jwk(kty=None),
    "kty oct": EC.jwk(kty="oct"),
    "kty OKP": {"kty": "OKP", "crv": "Ed25519", "x": b64(bytes(32)), "kid": "a"},
    "kty in a list": EC.jwk(kty=["EC"]),
    "kty of the other type": EC.jwk(kty="RSA"),
    "no kid": EC.jwk(kid=None),
    "an empty kid": EC.jwk(kid=""),
    "a kid of 256 characters": EC.jwk(kid="k" * 256),
    "a number as kid": EC.jwk(kid=1),
    "NUL in kid": EC.jwk(kid="a\0"),
    "a lone surrogate in kid": EC.jwk(kid="\ud800"),
    "for encryption": EC.jwk(use="enc"),
    "use in a list": EC.jwk(use=["sig"]),
    "for signing": EC.jwk(key_ops=["sign"]),
    "for signing and verifying": EC.jwk(key_ops=["sign", "verify"]),
    "key_ops as text": EC.jwk(key_ops="verify"),
    "another curve": Signer.new("ES512").jwk(alg=None),
    "the curve of Bitcoin": EC.jwk(crv="secp256k1"),
    "the name of a longer curve": EC.jwk(crv="P-384", alg="ES384"),
    "crv in a list": EC.jwk(crv=["P-256"]),
    "no crv": EC.jwk(crv=None),
    "no x": EC.jwk(x=None),
    "x as a number": EC.jwk(x=1),
    "a short x": EC.jwk(x=b64(bytes(31))),
    "a long x": EC.jwk(x=b64(bytes(33))),
    "x with padding": EC.jwk(x=EC.jwk()["x"] + "="),
    "x of the standard alphabet": EC.jwk(x="+/" * 21 + "A"),
    "a point beside the curve": EC.jwk(x=EC.jwk()["y"]),
    "the point at infinity": EC.jwk(x=b64(bytes(32)), y=b64(bytes(32))),
    "ES384 on P-256": EC.jwk(alg="ES384"),
    "ES512": EC.jwk(alg="ES512"),
    "HS256 for an EC key": EC.jwk(alg="HS256"),
    "RS256 for an EC key": EC.jwk(alg="RS256"),
    "alg none": EC.jwk(alg="none"),
    "alg in a list": EC.jwk(alg=["ES256"]),
    "ES256 for an RSA key": RSA.jwk(alg="ES256"),
    "HS256 for an RSA key": RSA.jwk(alg="HS256"),
    "RS512": RSA.jwk(alg="RS512"),
    "PS256": RSA.jwk(alg="PS256"),
    "RSA-OAEP": RSA.jwk(alg="RSA-OAEP"),
    "RSA of 1024 bits": RSA.jwk(n=number(rsa_key(1024).public_key().public_numbers().n)),
    "RSA of 2047 bits": RSA.jwk(n=number(2**2046 + 1)),
    "RSA of 4097 bits": RSA.jwk(n=number(2**4096 + 1)),
    "RSA of a million bits": RSA.jwk(n="A" * 160_000),
    "an even modulus": RSA.jwk(n=number(2**2047)),
    "a modulus with a leading zero": RSA.jwk(n=b64(b"\0" + bytes([255]) * 256)),
    "no n": RSA.jwk(n=None),
    "no e": RSA.jwk(e=None),
    "e of 1": RSA.jwk(e="AQ"),
    "e of 3": RSA.jwk(e="Aw"),
    "an even e": RSA.jwk(e=number(65538)),
    "e of 33 bits": RSA.jwk(e=number(2**32 + 1)),
    "e empty": RSA.jwk(e=""),
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_key_that_is_not_fit_is_refused_without_repeating_it(name: str) -> None:
    with pytest.raises(BadKey) as refusal:
        VerifyKey.from_jwk(BAD_KEYS[name])
    told = str(refusal.value)
    assert told
    for secret in re.findall(r"[\w-]{20,}", str(BAD_KEYS[name])):
        assert secret not in told


def test_a_key_set_holds_keys_of_different_names() -> None:
    other = Signer.new("RS256", "other")
    assert set(read_key_set({"keys": [SIGNER.jwk(), other.jwk()]})) == {"theirs", "other"}


@pytest.mark.parametrize(
    "jwks",
    [
        None,
        [],
        {},
        {"keys": {}},
        {"keys": []},
        {"keys": [SIGNER.jwk(), SIGNER.jwk()]},
        {"keys": [SIGNER.jwk(), Signer.new("ES512", "b").jwk()]},
        {"keys": [SIGNER.jwk(kid=str(which)) for which in range(MOST_KEYS + 1)]},
        SIGNER.jwk(),
    ],
    ids=[
        "nothing",
        "a list",
        "empty",
        "keys in an object",
        "no keys",
        "one name twice",
        "a curve of no use",
        "too many",
        "a key by itself",
    ],
)
def test_one_bad_key_refuses_the_set(jwks: object) -> None:
    with pytest.raises(BadKey):
        read_key_set(jwks)


# --- tokens ---------------------------------------------------------------------------------


def duplicated(part: Json, name: str, value: str) -> bytes:
    """The JSON of an object with one more member of that name, which most parsers let win."""
    return encoded_json(part)[:-1] + f',"{name}":{value}}}'.encode()


def encoded_json(part: Json) -> bytes:
    return base64.urlsafe_b64decode(encoded(part) + "==")


def hmac_with(secret: bytes) -> str:
    signed = f"{encoded(SIGNER.header(alg='HS256'))}.{encoded(claims())}"
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(signed.encode())
    return f"{signed}.{b64(mac.finalize())}"


def with_member(name: str, value: object) -> Callable[[], str]:
    return lambda: SIGNER.sign(claims(), **{name: value})


UNFORESEEN = {
    "crit": ["exp"],
    "jku": "https://evil.example",
    "jwk": SIGNER.jwk(),
    "x5u": "https://evil.example",
    "x5c": ["MIIB"],
    "x5t": "a",
    "b64": False,
    "zip": "DEF",
    "enc": "A128GCM",
    "cty": "JWT",
    "url": "a",
    "": "a",
}


def loose(text: str) -> str:
    """Base64url that ends in another letter and decodes to the same bytes."""
    changed = text[:-1] + chr(ord(text[-1]) + 1)
    padding = "=" * (-len(text) % 4)
    assert base64.urlsafe_b64decode(text + padding) == base64.urlsafe_b64decode(changed + padding)
    return changed


def spaced(part: Json) -> str:
    """An object in base64url whose last letter has spare bits."""
    return next(
        text for spaces in range(3) if len(text := b64(encoded_json(part) + b" " * spaces)) % 4
    )


def signed_as_it_is(header: str, payload: str) -> str:
    signed = f"{header}.{payload}"
    return f"{signed}.{b64(SIGNER.signature(signed.encode()))}"


def with_loose_signature() -> str:
    head, _, signature = SIGNER.sign(claims()).rpartition(".")
    return f"{head}.{loose(signature)}"


HOSTILE: dict[str, Callable[[], str]] = {
    "an unknown kid": lambda: SIGNER.sign(claims(), kid="another"),
    "no kid": lambda: SIGNER.sign(claims(), kid=None),
    "kid in a list": lambda: SIGNER.sign(claims(), kid=["theirs"]),
    "kid in an object": lambda: SIGNER.sign(claims(), kid={"theirs": 1}),
    "kid empty": lambda: SIGNER.sign(claims(), kid=""),
    "kid of a path": lambda: SIGNER.sign(claims(), kid="../theirs"),
    "alg none": lambda: SIGNER.sign(claims(), alg="none"),
    "alg none and no signature": lambda: SIGNER.sign(claims(), alg="none").rpartition(".")[0] + ".",
    "alg HS256": lambda: SIGNER.sign(claims(), alg="HS256"),
    "alg HS256 with the JWK": lambda: hmac_with(encoded_json(SIGNER.jwk())),
    "alg ES384": lambda: SIGNER.sign(claims(), alg="ES384"),
    "alg of a part of a name": lambda: SIGNER.sign(claims(), alg="ES"),
    "alg empty": lambda: SIGNER.sign(claims(), alg=""),
    "alg of another case": lambda: SIGNER.sign(claims(), alg="es256"),
    "alg with a space": lambda: SIGNER.sign(claims(), alg="ES256 "),
    "alg in a list": lambda: SIGNER.sign(claims(), alg=["ES256"]),
    "no alg": lambda: SIGNER.sign(claims(), alg=None),
    "no typ where one is needed": lambda: SIGNER.sign(claims(), typ=None),
    "another typ": lambda: SIGNER.sign(claims(), typ="at+jwt"),
    "typ of another case": lambda: SIGNER.sign(claims(), typ="jwt"),
    "typ in a list": lambda: SIGNER.sign(claims(), typ=["JWT"]),
    "two algs": lambda: SIGNER.sign_parts(duplicated(SIGNER.header(), "alg", '"ES256"'), claims()),
    "two kids": lambda: SIGNER.sign_parts(duplicated(SIGNER.header(), "kid", '"theirs"'), claims()),
    "two subs": lambda: SIGNER.sign(duplicated(claims(), "sub", '"other"')),
    "two exps": lambda: SIGNER.sign(duplicated(claims(), "exp", "9999999999")),
    "two members deep inside": lambda: SIGNER.sign(duplicated(claims(), "a", '{"b":1,"b":1}')),
    "NUL in a claim": lambda: SIGNER.sign(claims(sub="a\0b")),
    "NUL in a list": lambda: SIGNER.sign(claims(sites=["a\0"])),
    "NUL in a name": lambda: SIGNER.sign(claims(**{"a\0": 1})),
    "a lone surrogate": lambda: SIGNER.sign(claims(sub="\ud800")),
    "a lone surrogate deep inside": lambda: SIGNER.sign(claims(other={"a": [["\udfff"]]})),
    "NaN": lambda: SIGNER.sign(claims(other=float("nan"))),
    "Infinity": lambda: SIGNER.sign(claims(other=float("inf"))),
    "UTF-16": lambda: SIGNER.sign(encoded_json(claims()).decode().encode("utf-16")),
    "a byte order mark": lambda: SIGNER.sign(b"\xef\xbb\xbf" + encoded_json(claims())),
    "JSON and more": lambda: SIGNER.sign(encoded_json(claims()) + b"{}"),
    "a thousand brackets": lambda: SIGNER.sign(b"[" * 1000),
    "a list": lambda: SIGNER.sign([claims()]),
    "another iss": lambda: SIGNER.sign(claims(iss="https://them.example/")),
    "iss in a list": lambda: SIGNER.sign(claims(iss=["https://them.example"])),
    "no iss": lambda: SIGNER.sign(claims(iss=None)),
    "another aud": lambda: SIGNER.sign(claims(aud="US")),
    "aud that begins alike": lambda: SIGNER.sign(claims(aud="us2")),
    "aud in a list": lambda: SIGNER.sign(claims(aud=["us"])),
    "no aud": lambda: SIGNER.sign(claims(aud=None)),
    "no sub": lambda: SIGNER.sign(claims(sub=None)),
    "an empty sub": lambda: SIGNER.sign(claims(sub="")),
    "a number as sub": lambda: SIGNER.sign(claims(sub=1)),
    "a text as a list": lambda: SIGNER.sign(claims(sites="a")),
    "a number as a truth": lambda: SIGNER.sign(claims(machine=0)),
    "a truth as a number": lambda: SIGNER.sign(claims(level=True)),
    "a fraction as a number": lambda: SIGNER.sign(claims(level=1.0)),
    "no exp": lambda: SIGNER.sign(claims(exp=None)),
    "exp now": lambda: SIGNER.sign(claims(exp=int(time.time()), iat=0, nbf=0)),
    "exp of text": lambda: SIGNER.sign(claims(exp=str(int(time.time()) + 60))),
    "exp with a fraction": lambda: SIGNER.sign(claims(exp=time.time() + 60)),
    "exp true": lambda: SIGNER.sign(claims(exp=True)),
    "exp huge": lambda: SIGNER.sign(claims(exp=2**53)),
    "iat in the future": lambda: SIGNER.sign(claims(iat=int(time.time()) + CLOCK_SKEW + 5)),
    "iat negative": lambda: SIGNER.sign(claims(iat=-1)),
    "iat of text": lambda: SIGNER.sign(claims(iat="0")),
    "iat after exp": lambda: SIGNER.sign(
        claims(iat=int(time.time()) + 30, exp=int(time.time()) + 20)
    ),
    "nbf in the future": lambda: SIGNER.sign(claims(nbf=int(time.time()) + CLOCK_SKEW + 5)),
    "nbf of text": lambda: SIGNER.sign(claims(nbf="0")),
    "nbf after exp": lambda: SIGNER.sign(
        claims(nbf=int(time.time()) + 30, exp=int(time.time()) + 20)
    ),
    "spare bits in the header": lambda: signed_as_it_is(
        loose(spaced(SIGNER.header())), encoded(claims())
    ),
    "spare bits in the claims": lambda: signed_as_it_is(
        encoded(SIGNER.header()), loose(spaced(claims()))
    ),
    "spare bits in the signature": with_loose_signature,
    "a header of one letter": lambda: f"a.{SIGNER.sign(claims()).partition('.')[2]}",
    "padding": lambda: SIGNER.sign(claims()) + "==",
    "a line break at the end": lambda: SIGNER.sign(claims()) + "\n",
    "a Cyrillic letter": lambda: SIGNER.sign(claims()).replace("e", "е", 1),
    "too long": lambda: SIGNER.sign(claims(other="a" * 2000)),
    "nothing": lambda: "",
    "dots": lambda: "..",
}


HOSTILE |= {f"{name} in the header": with_member(name, value) for name, value in UNFORESEEN.items()}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_token_that_is_not_exactly_as_expected_is_refused(name: str) -> None:
    assert refused(HOSTILE[name]())


def test_what_is_left_alone_is_accepted() -> None:
    good = claims()
    assert verify(SIGNER.sign(good)) == good
    assert verify(signed_as_it_is(spaced(SIGNER.header()), spaced(good))) == good
    assert verify(SIGNER.sign(claims(iat=None, nbf=None, other="Wei Ning 韦")))
    assert verify(SIGNER.sign(claims(iat=int(time.time()) + CLOCK_SKEW - 5)))


def test_a_signature_of_another_is_refused() -> None:
    assert refused(Signer.new().sign(claims()))
    assert refused(Signer.new("RS256").sign(claims(), alg="ES256"))
    rsa_signer = Signer.new("RS256")
    assert refused(Signer.new("RS256", which=1).sign(claims()), rsa_signer)
    head, _, _ = rsa_signer.sign(claims()).rpartition(".")
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    signature = rsa_key(2048).sign(head.encode(), pss, hashes.SHA256())
    assert refused(f"{head}.{b64(signature)}", rsa_signer)
    assert refused(f"{head}.AA", rsa_signer)


def test_one_audience_of_several_is_enough_only_where_it_is_said() -> None:
    several = replace(EXPECTED, one_of_several=True)
    aud: object
    for aud in ("us", ["us"], ["others", "us"]):
        assert verify(SIGNER.sign(claims(aud=aud)), expected=several)
    for aud in ([], ["others"], ["us", 1], [["us"]], {"us": 1}, "others", "u"):
        assert refused(SIGNER.sign(claims(aud=aud)), expected=several)


def test_more_header_members_only_where_they_are_said() -> None:
    more = replace(EXPECTED, header=frozenset({"typ", "x5t"}), types=frozenset({None, "JWT"}))
    assert verify(SIGNER.sign(claims(), x5t="a"), expected=more)
    assert verify(SIGNER.sign(claims(), typ=None), expected=more)
    assert refused(SIGNER.sign(claims(), x5t=["a"]), expected=more)
    assert refused(SIGNER.sign(claims(), x5c="a"), expected=more)


def test_whatever_fails_inside_is_the_same_refusal() -> None:
    def fails(_: str) -> VerifyKey | None:
        raise ZeroDivisionError

    with pytest.raises(BadToken):
        verified(SIGNER.sign(claims()), fails, EXPECTED)


def test_claims_can_be_read_unverified_and_only_whole() -> None:
    assert unverified(Signer.new().sign({"iss": "a"})) == {"iss": "a"}
    for token in ("", "a.b", "a.b.c", SIGNER.sign([]), SIGNER.sign(b"[" * 1000), "é.é.é"):
        with pytest.raises(BadToken):
            unverified(token)
    with pytest.raises(BadToken):
        unverified(SIGNER.sign(claims()), longest=100)


def test_base64url_has_no_padding() -> None:
    assert [base64url(b"\xff" * length) for length in range(4)] == ["", "_w", "__8", "____"]


def test_the_library_s_encryption_is_never_imported() -> None:
    """python-jose's JWE inflates what it is given (CVE-2024-33664)."""
    code = (
        "import sys, services.api.main\n"
        "print(*(f'jose.{name}' in sys.modules for name in ('jws', 'jwe')))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout.split() == ["True", "False"]

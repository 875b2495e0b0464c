"""What a checkpoint says can be trusted if its own key signed it; every other text is refused."""

import base64
import json
from typing import Any

import pytest
from jose import jws

from services.api.audit.statements import BadStatement, digest, name_of, read, sign
from services.api.core.keys import TokenKey, new_signing_key

KEY = TokenKey.from_pem(new_signing_key())
OTHER = TokenKey.from_pem(new_signing_key())
CONTENT = {
    "number": 2,
    "at": "2026-11-22T01:02:03.000004Z",
    "events": 3,
    "first": 4,
    "last": 9,
    "root": "00" * 32,
    "previous": "11" * 32,
}


def signed(content: object = CONTENT, key: TokenKey = KEY, **header: Any) -> str:
    headers = {"typ": "trial-checkpoint+jws", "kid": KEY.kid, "jwk": KEY.jwk, **header}
    given = {name: value for name, value in headers.items() if value is not None}
    return str(jws.sign(json.dumps(content).encode(), key.private, given, algorithm="ES256"))


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_statement_says_what_was_signed() -> None:
    said = read(sign(KEY, CONTENT))
    assert (said.number, said.events, said.first, said.last) == (2, 3, 4, 9)
    assert (said.root, said.previous, said.kid) == ("00" * 32, "11" * 32, KEY.kid)
    assert said.at.isoformat() == "2026-11-22T01:02:03.000004+00:00"
    assert digest("x") == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


HEADER, PAYLOAD, SIGNATURE = sign(KEY, CONTENT).split(".")
NONE = encoded({"alg": "none", "typ": "trial-checkpoint+jws", "kid": KEY.kid, "jwk": KEY.jwk})
BAD = {
    "empty": "",
    "no JWS": "a.b",
    "no JSON": "AAAA.BBBB.CCCC",
    "too long": f"{HEADER}.{'A' * 5000}.{SIGNATURE}",
    "unsigned": f"{NONE}.{PAYLOAD}.{SIGNATURE}",
    "another payload": f"{HEADER}.{encoded({**CONTENT, 'events': 4})}.{SIGNATURE}",
    "another signature": f"{HEADER}.{PAYLOAD}.{SIGNATURE[:-4]}AAAA",
    "signed by another than the key it carries": signed(key=OTHER),
    "a key under another's name": signed(key=OTHER, jwk=OTHER.jwk),
    "no key": signed(jwk=None),
    "another type": signed(typ="at+jwt"),
    "a member that is not foreseen": signed(crit=["x"]),
    "a private key": signed(jwk={**KEY.jwk, "d": "AAAA"}),
    "a shared key": signed(jwk={"kty": "oct", "k": "AAAA", "kid": KEY.kid}),
    "another curve": signed(jwk={**KEY.jwk, "crv": "P-384"}),
    "no object": signed(content=[1]),
    "nothing said": signed(content={}),
    "no time": signed(content={**CONTENT, "at": "yesterday"}),
}


@pytest.mark.parametrize("name", BAD)
def test_a_statement_that_is_not_good_is_refused(name: str) -> None:
    with pytest.raises(BadStatement):
        read(BAD[name])


def test_only_a_public_p256_key_has_a_name() -> None:
    with pytest.raises(BadStatement, match="no public key"):
        name_of(b"nonsense")
    with pytest.raises(BadStatement, match="no public key"):
        name_of(new_signing_key().encode())

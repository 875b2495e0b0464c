"""A machine client proves itself by its key: for us, for minutes, and once."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.api.core.signed import ALGORITHMS, CLOCK_SKEW
from services.api.identity.assertions import (
    LONGEST_ID,
    LONGEST_LIFE,
    Assertion,
    BadAssertion,
    claimed_client,
    read_assertion,
    use_once,
)
from tests.core.signer import Signer, encoded
from tests.make import Api

ISSUER = "https://trial.example"
Json = dict[str, Any]
SIGNER = Signer.new("ES256", "key-1")
JWKS: Json = {"keys": [SIGNER.jwk()]}


def claims(**changed: object) -> Json:
    """What a client says; a claim of None is left out."""
    now = int(time.time())
    good = {
        "iss": "his-nn",
        "sub": "his-nn",
        "aud": ISSUER,
        "jti": str(uuid4()),
        "iat": now,
        "exp": now + 60,
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def soon(seconds: int) -> int:
    return int(time.time()) + seconds


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_assertion_signed_by_a_registered_key_names_its_client(algorithm: str) -> None:
    signer = Signer.new(algorithm, "key-2")
    said = claims()
    read = read_assertion(signer.sign(said), {"keys": [SIGNER.jwk(), signer.jwk()]}, ISSUER)
    assert read == Assertion("his-nn", said["jti"], said["exp"])
    assert claimed_client(signer.sign(said)) == "his-nn"


@pytest.mark.parametrize(
    ("changed", "header"),
    [
        ({"iat": None}, {}),
        ({"nbf": 0}, {}),
        ({"iat": None, "exp": LONGEST_LIFE - 2}, {}),
        ({"iat": -CLOCK_SKEW, "exp": LONGEST_LIFE - 2}, {}),
        ({"iat": CLOCK_SKEW - 2, "exp": LONGEST_LIFE - 2}, {}),
        ({"jti": "j"}, {}),
        ({"jti": "j" * LONGEST_ID}, {}),
        ({"scope": "trial"}, {}),
        ({}, {"typ": None}),
        ({}, {"typ": "client-authentication+jwt"}),
        ({}, {"x5t": "c2hhMQ"}),
        ({}, {"x5t#S256": "c2hhMg"}),
    ],
    ids=str,
)
def test_what_common_clients_send_is_taken(changed: Json, header: Json) -> None:
    moments = {name: soon(value) for name, value in changed.items() if type(value) is int}
    said = claims(**{**changed, **moments})
    assert read_assertion(SIGNER.sign(said, **header), JWKS, ISSUER).jti == said["jti"]


def sign(**changed: object) -> Callable[[], str]:
    return lambda: SIGNER.sign(claims(**changed))


def header(**changed: object) -> Callable[[], str]:
    return lambda: SIGNER.sign(claims(), **changed)


def twice(name: str, value: str) -> Callable[[], str]:
    def forge() -> str:
        whole = ",".join(
            f'"{key}":{said if isinstance(said, int) else chr(34) + said + chr(34)}'
            for key, said in claims().items()
        )
        return SIGNER.sign(f'{{{whole},"{name}":{value}}}'.encode())

    return forge


HOSTILE: dict[str, Callable[[], str]] = {
    "another client's iss": sign(iss="his-lz"),
    "another client's sub": sign(sub="his-lz"),
    "no iss": sign(iss=None),
    "no sub": sign(sub=None),
    "empty iss and sub": sign(iss="", sub=""),
    "iss and sub in lists": sign(iss=["his-nn"], sub=["his-nn"]),
    "numbers as iss and sub": sign(iss=7, sub=7),
    "iss and sub too long": sign(iss="h" * 256, sub="h" * 256),
    "NUL in iss and sub": sign(iss="his\0", sub="his\0"),
    "no aud": sign(aud=None),
    "the token endpoint as aud": sign(aud=f"{ISSUER}/v1/oauth/token"),
    "our aud with a slash": sign(aud=f"{ISSUER}/"),
    "our aud in capitals": sign(aud=ISSUER.upper()),
    "our aud in a list": sign(aud=[ISSUER]),
    "our aud among others": sign(aud=["https://other.example", ISSUER]),
    "another server as aud": sign(aud="https://other.example"),
    "the audience of access tokens": sign(aud="trial-api"),
    "no jti": sign(jti=None),
    "an empty jti": sign(jti=""),
    "a jti of 256 characters": sign(jti="j" * (LONGEST_ID + 1)),
    "a number as jti": sign(jti=7),
    "jti in a list": sign(jti=["j"]),
    "NUL in jti": sign(jti="j\0"),
    "a lone surrogate in jti": sign(jti="\ud800"),
    "no exp": sign(exp=None),
    "expired": lambda: sign(exp=soon(-1))(),
    "exp now": lambda: sign(exp=soon(0), iat=soon(-60))(),
    "exp in more than five minutes": lambda: sign(exp=soon(LONGEST_LIFE + 2))(),
    "exp in a year": lambda: sign(exp=soon(365 * 86400))(),
    "exp of text": lambda: sign(exp=str(soon(60)))(),
    "exp with a fraction": lambda: sign(exp=time.time() + 60)(),
    "exp true": sign(exp=True),
    "iat in the future": lambda: sign(iat=soon(CLOCK_SKEW + 5), exp=soon(200))(),
    "iat long ago": lambda: sign(iat=soon(-LONGEST_LIFE - CLOCK_SKEW))(),
    "iat of text": sign(iat="now"),
    "iat negative": sign(iat=-1),
    "nbf in the future": lambda: sign(nbf=soon(CLOCK_SKEW + 5), exp=soon(200))(),
    "nbf of text": sign(nbf="now"),
    "two subs": twice("sub", '"his-nn"'),
    "two jtis": twice("jti", '"j"'),
    "two auds": twice("aud", f'"{ISSUER}"'),
    "two exps": twice("exp", "9999999999"),
    "no kid": header(kid=None),
    "an unknown kid": header(kid="key-2"),
    "kid in a list": header(kid=["key-1"]),
    "alg none": lambda: f"{encoded({'alg': 'none', 'kid': 'key-1'})}.{encoded(claims())}.",
    "alg none with a signature": header(alg="none"),
    "alg HS256": header(alg="HS256"),
    "alg RS256": header(alg="RS256"),
    "alg ES384": header(alg="ES384"),
    "an access token's typ": header(typ="at+jwt"),
    "typ in a list": header(typ=["JWT"]),
    "jwk": lambda: Signer.new("ES256", "key-1").sign(claims(), jwk=SIGNER.jwk()),
    "jku": header(jku="https://evil.example/keys"),
    "x5c": header(x5c=["MIIB"]),
    "x5u": header(x5u="https://evil.example/cert"),
    "crit": header(crit=["exp"]),
    "b64": header(b64=False),
    "cty": header(cty="JWT"),
    "zip": header(zip="DEF"),
    "enc": header(enc="A128GCM"),
    "a stranger's key": lambda: Signer.new("ES256", "key-1").sign(claims()),
    "a stranger's key of another kind": lambda: Signer.new("RS256", "key-1").sign(claims()),
    "another payload": lambda: ".".join(
        (
            SIGNER.sign(claims()).split(".")[0],
            encoded(claims()),
            SIGNER.sign(claims()).split(".")[2],
        )
    ),
    "no signature": lambda: SIGNER.sign(claims()).rpartition(".")[0] + ".",
    "a cut signature": lambda: SIGNER.sign(claims())[:-4],
    "five parts": lambda: SIGNER.sign(claims()) + ".e30.e30",
    "a line break": lambda: SIGNER.sign(claims()) + "\n",
    "odd letters": lambda: "ｅ" + SIGNER.sign(claims())[1:],
    "too long": sign(more="x" * 4000),
    "a list": lambda: SIGNER.sign([claims()]),
    "a thousand brackets": lambda: SIGNER.sign(b"[" * 1000),
    "nothing": lambda: "",
    "a secret": lambda: "sandbox-only",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_assertion_is_refused(name: str) -> None:
    with pytest.raises(BadAssertion):
        read_assertion(HOSTILE[name](), JWKS, ISSUER)


def test_what_is_left_alone_is_accepted() -> None:
    assert read_assertion(sign()(), JWKS, ISSUER).client_id == "his-nn"
    assert len(HOSTILE) >= 40


@pytest.mark.parametrize(
    "jwks",
    [
        None,
        {},
        {"keys": []},
        {"keys": [SIGNER.jwk(alg="ES384")]},
        {"keys": [SIGNER.jwk(use="enc")]},
        {"keys": [Signer.new("ES256", "key-1").jwk()]},
    ],
    ids=["none", "no set", "no keys", "a bad key", "for encryption", "another's"],
)
def test_a_client_without_that_key_is_refused(jwks: object) -> None:
    with pytest.raises(BadAssertion):
        read_assertion(sign()(), jwks, ISSUER)


def test_whom_it_claims_to_be_is_read_without_trust() -> None:
    assert claimed_client(Signer.new().sign({"iss": "a", "sub": "a"})) == "a"
    said: object
    for said in ({}, {"iss": "a"}, {"iss": "a", "sub": "b"}, {"iss": 1, "sub": 1}, [], b"{"):
        with pytest.raises(BadAssertion):
            claimed_client(SIGNER.sign(said))
    for text in ("", "a", "a.b.c", "🔑", "x" * 100_000):
        with pytest.raises(BadAssertion):
            claimed_client(text)


# --- once -------------------------------------------------------------------------------------


def client(api: Api, name: str = "his-nn") -> UUID:
    ((found,),) = api.rows("SELECT id FROM account WHERE username = :name", name=name)
    return UUID(str(found))


def assertion(jti: str = "j", seconds: float = 60) -> Assertion:
    return Assertion("his-nn", jti, int(time.time() + seconds))


def used(api: Api) -> int:
    return api.count("used_assertion")


def use(api: Api, who: UUID, what: Assertion) -> None:
    with api.state.database.transaction() as session:
        use_once(session, who, what)


def test_an_assertion_is_good_once(api: Api) -> None:
    nanning, liuzhou = client(api), client(api, "his-lz")
    use(api, nanning, assertion())
    for replayed in (assertion(), assertion(seconds=200)):
        with pytest.raises(BadAssertion):
            use(api, nanning, replayed)
    use(api, nanning, assertion("J"))
    use(api, liuzhou, assertion())
    assert used(api) == 3


def test_an_assertion_of_a_refused_request_was_not_used(api: Api) -> None:
    who = client(api)
    with suppress(ZeroDivisionError), api.state.database.transaction() as session:
        use_once(session, who, assertion())
        raise ZeroDivisionError
    use(api, who, assertion())


def test_of_requests_at_once_one_gets_in(api: Api) -> None:
    who = client(api)
    together = threading.Barrier(8)

    def attempt(_: int) -> bool:
        together.wait()
        try:
            use(api, who, assertion())
        except BadAssertion:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1


def test_the_second_waits_until_it_is_known_whether_the_first_counts(api: Api) -> None:
    who = client(api)
    with api.state.database.session() as first, ThreadPoolExecutor(1) as pool:
        use_once(first, who, assertion())
        second = pool.submit(use, api, who, assertion())
        time.sleep(0.2)
        assert not second.done()
        first.rollback()
        assert second.result() is None


def test_what_has_expired_on_every_worker_is_forgotten(api: Api) -> None:
    nanning, liuzhou = client(api), client(api, "his-lz")
    for who in (nanning, liuzhou):
        use(api, who, assertion("just expired", -5))
        use(api, who, assertion("long expired", -CLOCK_SKEW - 5))
    assert used(api) == 4
    use(api, nanning, assertion())
    assert used(api) == 4, "one was forgotten and one was added"
    with pytest.raises(BadAssertion):
        use(api, nanning, assertion("just expired"))
    use(api, nanning, assertion("long expired"))
    assert used(api) == 5

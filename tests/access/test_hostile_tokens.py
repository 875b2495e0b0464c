"""Hundreds of tokens that are not quite ours, over HTTP: each is refused as any other stranger."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.api.core.auth import TokenCache
from services.api.core.outside import OutsideIssuer
from tests.access.forgeries import FORGERIES, MORE
from tests.core.idp import IdentityProvider
from tests.core.signer import Signer
from tests.core.test_tokens import HOSTILE, Forger
from tests.make import SUBJECT, Api, Json, created, ok, problem

Headers = list[tuple[bytes, bytes]]
Ask = Callable[[httpx.Client, Headers], httpx.Response]
KEY = (b"Idempotency-Key", b"once")
SOMEONE = uuid4()
OPERATIONS: dict[str, Ask] = {
    "a read without the database": lambda client, headers: client.get("/v1/me", headers=headers),
    "a list": lambda client, headers: client.get("/v1/subjects", headers=headers),
    "a creation": lambda client, headers: client.post(
        "/v1/subjects", headers=[*headers, KEY], json=SUBJECT
    ),
    "a change": lambda client, headers: client.put(
        f"/v1/subjects/{SOMEONE}/radiotherapy", headers=[*headers, (b"If-Match", b'"0"')], json={}
    ),
}


def bearer(token: str | bytes) -> Headers:
    return [
        (b"Authorization", b"Bearer " + (token if isinstance(token, bytes) else token.encode()))
    ]


def carried(token: bytes) -> bool:
    """Whether HTTP carries it to us: no control characters, no outer spaces, not too long."""
    return 0 < len(token) < 60_000 and token == token.strip() and not set(token) & set(b"\0\r\n")


def refused(answer: httpx.Response, name: str) -> None:
    assert answer.status_code == 401, (name, answer.status_code, answer.text)
    problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer"), name


@pytest.fixture(scope="module")
def tokens(served: Any) -> dict[str, bytes]:
    """Every forgery against this installation, that HTTP carries."""
    forger = Forger(served.app.state.issuer)
    made = {name: forge(forger).encode() for name, forge in FORGERIES.items()}
    return {name: token for name, token in made.items() if carried(token)}


def test_there_are_more_than_two_hundred_that_differ(tokens: dict[str, bytes]) -> None:
    """In more than their signature; those that are signed otherwise come on top."""
    assert len(FORGERIES) == len(HOSTILE) + len(MORE)
    assert len({token.rpartition(b".")[0] for token in tokens.values()}) >= 300
    assert len(set(tokens.values())) >= 400


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_forged_token_is_a_401_whatever_is_asked(
    unchanged: Api, tokens: dict[str, bytes], operation: str
) -> None:
    ask = OPERATIONS[operation]
    for name, token in tokens.items():
        refused(ask(unchanged.client, bearer(token)), name)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_the_forger_leaves_alone_is_let_in(unchanged: Api, operation: str) -> None:
    """So each token above is refused for what is odd about it."""
    good = Forger(unchanged.state.issuer).good()
    if operation != "a creation":  # which would store
        answer = OPERATIONS[operation](unchanged.client, bearer(good))
        assert answer.status_code in {200, 403, 404, 422}, answer.text


# --- how a token is sent --------------------------------------------------------------------


def test_a_good_token_sent_otherwise_is_no_token(unchanged: Api) -> None:
    good = Forger(unchanged.state.issuer).good().encode()
    for headers in (
        [],
        [(b"Authorization", b"")],
        [(b"Authorization", b"Bearer")],
        [(b"Authorization", good)],
        [(b"Authorization", b"Bearer:" + good)],
        [(b"Authorization", b"Bearer\t" + good)],
        [(b"Authorization", b"Bearer  " + good)],
        [(b"Authorization", b"Bearer " + good + b", Bearer " + good)],
        [(b"Authorization", b"Bearer token=" + good)],
        [(b"Authorization", b'Bearer "' + good + b'"')],
        [(b"Authorization", b"Basic " + good)],
        [(b"Authorization", b"Token " + good)],
        [(b"Authorization", b"DPoP " + good)],
        [(b"Authorization", b"JWT " + good)],
        [(b"Authorization", b"Digest " + good)],
        [(b"Authorization", b"\xc2\xa0Bearer " + good)],
        [(b"Proxy-Authorization", b"Bearer " + good)],
        [(b"X-Authorization", b"Bearer " + good)],
        [(b"X-Forwarded-Authorization", b"Bearer " + good)],
        [(b"Cookie", b"access_token=" + good + b"; Authorization=Bearer " + good)],
    ):
        refused(unchanged.client.get("/v1/me", headers=headers), str(headers)[:60])


def test_of_several_authorizations_none_counts(unchanged: Api) -> None:
    """A proxy may look at another of them than we do (RFC 9110 section 5.3)."""
    good = bearer(Forger(unchanged.state.issuer).good())
    bad: Headers = [(b"Authorization", b"Bearer bad")]
    basic: Headers = [(b"authorization", b"Basic YTpi")]
    for headers in (good + bad, bad + good, good + good, basic + good, good + basic):
        refused(unchanged.client.get("/v1/me", headers=headers), str(headers)[:60])


# --- tokens for something else --------------------------------------------------------------


def test_what_we_gave_for_something_else_is_no_access_token(api: Api) -> None:
    """A refresh token, an authenticator's ticket and secret, a device, and a password."""
    person = {"username": "investigator-nn", "password": "sandbox-only"}
    signed_in = api.sign_in(**person)
    given = ok(signed_in)
    offer = ok(api.client.post("/v1/oauth/totp", json=person))
    others = [given["refresh_token"], offer["ticket"], offer["secret"], *signed_in.cookies.values()]
    assert len(others) == 4
    before = api.count("subject")
    for token in (*others, person["password"]):
        for ask in OPERATIONS.values():
            refused(ask(api.client, bearer(token)), "another token of ours")
    assert api.count("subject") == before
    assert api.with_token(given["access_token"]).get("/v1/me").status_code == 200


def test_a_client_s_assertion_is_no_access_token(api: Api) -> None:
    """Even of a client whose key we know, addressed to us, with all that an access token says."""
    signer = Signer.new("ES256", "his")
    client: Json = {
        "client_id": "his-new",
        "name": "Hospital system",
        "sites": ["NN"],
        "jwks": {"keys": [signer.jwk()]},
    }
    made = created(api.as_("admin").post("/v1/clients", client))
    forger = Forger(api.state.issuer)
    assertion = {**forger.claims, "iss": "his-new", "sub": "his-new", "aud": forger.issuer.issuer}
    everything = {**forger.claims, "sub": made["id"], "role": "hospital_system", "machine": True}
    for claims in (assertion, everything):
        for header in ({}, {"typ": "at+jwt"}, {"typ": "at+jwt", "kid": forger.issuer.key.kid}):
            token = signer.sign(claims, **header)
            refused(OPERATIONS["a list"](api.client, bearer(token)), str(header))


# --- an outside identity provider beside us -------------------------------------------------


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider(Signer.new("ES256", "theirs")) as running:
        yield running


@pytest.fixture
def trusting(
    unchanged: Api, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Api]:
    """An installation that accepts the provider's tokens beside its own."""
    usual = unchanged.state.tokens
    outside = OutsideIssuer.of(provider.settings(), ("LZ", "NN", "YL"))
    unchanged.state.tokens = TokenCache(unchanged.state.issuer, outside)
    yield unchanged
    unchanged.state.tokens = usual


def test_neither_issuer_speaks_for_the_other(trusting: Api, provider: IdentityProvider) -> None:
    forger = Forger(trusting.state.issuer)
    ours, theirs = forger.issuer.key.kid, provider.signers[0]
    said = provider.claims()
    both = {**forger.claims, **said}
    as_ours = {"typ": "at+jwt"}
    hostile = {
        "our claims under their key": theirs.sign(forger.claims, **as_ours),
        "our claims under their key, named as ours": theirs.sign(
            forger.claims, **as_ours, kid=ours
        ),
        "their claims under our key": forger.sign(forger.header, said),
        "their claims under our key, named as theirs": forger.sign(
            {**forger.header, "kid": theirs.kid}, said
        ),
        "all claims, theirs to say, under our key": forger.sign(forger.header, both),
        "all claims, ours to say, under their key": theirs.sign(
            {**both, "iss": forger.issuer.issuer, "aud": forger.issuer.audience}, **as_ours
        ),
        "both issuers in a list": theirs.sign(
            {**both, "iss": [provider.issuer, "http://trial.test"]}
        ),
        "two issuers, theirs first": theirs.sign_parts(
            theirs.header(),
            f'{{"iss": "{provider.issuer}", "iss": "{forger.issuer.issuer}"}}'.encode(),
        ),
        "their token for another service": provider.token(aud="another"),
        "their token for us among others": provider.token(aud="another trial"),
        "their token of a role that is not mapped": provider.token(roles=["trial-admin"]),
        "their token of our own role's name": provider.token(roles=["admin"]),
        "their token with our claims of role": provider.token(roles=None, role="admin"),
        "their token of an unknown site": provider.token(sites=["ZZ"]),
        "their token without a site": provider.token(sites=[]),
        "their token, expired": provider.token(exp=1),
        "their token of a day ago": provider.token(iat=1),
        "their token from the future": provider.token(iat=2**40),
        "their token without an end": provider.token(exp=None),
        "a stranger under their name": Signer.new("ES256", theirs.kid).sign(said),
        "their token, unsigned": theirs.sign(said, alg="none").rpartition(".")[0] + ".",
        "their token with a jku": theirs.sign(said, jku=f"{provider.issuer}/keys"),
        "their token with a jwk": theirs.sign(said, jwk=theirs.jwk()),
        "their issuer with a slash": provider.token(iss=f"{provider.issuer}/"),
    }
    for name, token in hostile.items():
        for ask in OPERATIONS.values():
            refused(ask(trusting.client, bearer(token)), name)
    for good in (provider.token(), forger.good()):
        assert OPERATIONS["a list"](trusting.client, bearer(good)).status_code == 200


def test_every_forgery_is_refused_beside_a_provider_too(
    trusting: Api, tokens: dict[str, bytes]
) -> None:
    for name, token in tokens.items():
        refused(OPERATIONS["a list"](trusting.client, bearer(token)), name)

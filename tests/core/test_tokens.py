"""Nobody gets in with a token that is not exactly one of ours, whatever the library would take."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from jose import jwt

from services.api.core.keys import ALGORITHM, KeyRing, TokenKey, new_signing_key
from services.api.core.permissions import Role
from services.api.core.signed import LONGEST, BadToken
from services.api.core.tokens import TYPE, TokenIssuer
from tests.make import Api, problem

Json = dict[str, Any]
Forge = Callable[["Forger"], str]
ISSUER, AUDIENCE = "http://trial.test", "trial-api"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encoded(part: object) -> str:
    return b64(part if isinstance(part, bytes) else json.dumps(part).encode())


class Forger:
    """Makes tokens with the installation's own key, so that only what is odd can be the reason."""

    def __init__(self, issuer: TokenIssuer) -> None:
        self.issuer = issuer
        self.header: Json = {"alg": ALGORITHM, "typ": TYPE, "kid": issuer.key.kid}
        self.claims: Json = {
            "iss": issuer.issuer,
            "aud": issuer.audience,
            "sub": str(uuid4()),
            "role": "investigator",
            "sites": ["NN"],
            "name": "Forged",
            "machine": False,
            "scope": "trial",
            "sid": str(uuid4()),
            "jti": str(uuid4()),
            "iat": int(time.time()),
            "exp": int(time.time()) + 600,
        }

    def sign(self, header: object, claims: object, key: TokenKey | None = None) -> str:
        signed = f"{encoded(header)}.{encoded(claims)}"
        private: Any = (key or self.issuer.key).private
        return f"{signed}.{b64(private.sign(signed.encode()))}"

    def good(self) -> str:
        return self.sign(self.header, self.claims)

    def hmac_signed(self, secret: str) -> str:
        """The public key, which everyone has, used as a shared secret."""
        signed = f"{encoded({**self.header, 'alg': 'HS256'})}.{encoded(self.claims)}"
        return f"{signed}.{b64(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))}"

    def stranger(self) -> TokenKey:
        return TokenKey.from_pem(new_signing_key())


def header(**changed: object) -> Forge:
    return lambda forger: forger.sign({**forger.header, **changed}, forger.claims)


def without_header(name: str) -> Forge:
    return lambda forger: forger.sign(
        {key: value for key, value in forger.header.items() if key != name}, forger.claims
    )


def claims(**changed: object) -> Forge:
    return lambda forger: forger.sign(forger.header, {**forger.claims, **changed})


def without(name: str) -> Forge:
    return lambda forger: forger.sign(
        forger.header, {key: value for key, value in forger.claims.items() if key != name}
    )


def whole(payload: object) -> Forge:
    return lambda forger: forger.sign(forger.header, payload)


def later(seconds: int, name: str) -> Forge:
    return lambda forger: claims(**{name: int(time.time()) + seconds})(forger)


def edited(edit: Callable[[str], str]) -> Forge:
    return lambda forger: edit(forger.good())


def with_signature(signature: bytes | str) -> Forge:
    text = signature if isinstance(signature, str) else b64(signature)
    return edited(lambda token: f"{token.rpartition('.')[0]}.{text}")


def flipped(token: str) -> str:
    """The token with the first character of its signature changed."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def respelled(token: str) -> str:
    """The token with spare bits set in its last letter, so that it decodes to the same bytes."""
    return token[:-1] + chr(ord(token[-1]) + 1)


def twice(part: Json, name: str, value: object) -> bytes:
    """An object that names a member twice; most parsers take the last."""
    return f"{json.dumps(part)[:-1]}, {json.dumps({name: value})[1:]}".encode()


def other_payload(forger: Forger) -> str:
    """Claims of an admin under an investigator's signature."""
    first, _, last = forger.good().split(".")
    return f"{first}.{encoded({**forger.claims, 'role': 'admin'})}.{last}"


def by_a_stranger(forger: Forger) -> str:
    return forger.sign(forger.header, forger.claims, forger.stranger())


def by_the_key_it_brings(forger: Forger) -> str:
    stranger = forger.stranger()
    return forger.sign({**forger.header, "jwk": stranger.jwk}, forger.claims, stranger)


def by_the_key_it_names(forger: Forger) -> str:
    stranger = forger.stranger()
    return forger.sign({**forger.header, "kid": stranger.kid}, forger.claims, stranger)


def nested(forger: Forger) -> str:
    return forger.sign({**forger.header, "cty": "JWT"}, forger.good().encode())


def without_signature(alg: str) -> Forge:
    return lambda forger: f"{encoded({**forger.header, 'alg': alg})}.{encoded(forger.claims)}."


def rs256(forger: Forger) -> str:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return str(jwt.encode(forger.claims, pem, "RS256", {"kid": forger.issuer.key.kid}))


def with_the_public_key(forger: Forger) -> str:
    public: Any = forger.issuer.key.verify.public
    return forger.hmac_signed(public.to_pem().decode())


def in_der(forger: Forger) -> str:
    """The right signature, as X.509 encodes it and JWS does not."""
    head, _, signature = forger.good().rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    return f"{head}.{b64(der)}"


HOSTILE: dict[str, Forge] = {
    # algorithms
    "alg none, unsigned": without_signature("none"),
    "alg None, unsigned": without_signature("None"),
    "alg nOnE, unsigned": without_signature("nOnE"),
    "alg none, signed": header(alg="none"),
    "unsigned": without_signature(ALGORITHM),
    "HS256 with the public PEM": with_the_public_key,
    "HS256 with the JWK": lambda f: f.hmac_signed(json.dumps(f.issuer.key.jwk)),
    "HS256 with the kid": lambda f: f.hmac_signed(f.issuer.key.kid),
    "HS256 with nothing": lambda f: f.hmac_signed(""),
    "HS256 in the header only": header(alg="HS256"),
    "RS256 by a stranger": rs256,
    "ES384": header(alg="ES384"),
    "es256": header(alg="es256"),
    "alg in a list": header(alg=["ES256"]),
    "alg null": header(alg=None),
    "no alg": without_header("alg"),
    # the rest of the header
    "typ JWT": header(typ="JWT"),
    "typ of another case": header(typ="AT+JWT"),
    "no typ": without_header("typ"),
    "an unknown kid": header(kid="0" * 43),
    "a path as kid": header(kid="../../dev/null"),
    "a kid in a list": header(kid=["a"]),
    "kid null": header(kid=None),
    "no kid": without_header("kid"),
    "crit": header(crit=["exp"]),
    "crit and b64": header(crit=["b64"], b64=False),
    "jku": header(jku="https://evil.example/jwks.json"),
    "jwk of ours": lambda f: header(jwk=f.issuer.key.jwk)(f),
    "jwk of a stranger": by_the_key_it_brings,
    "kid of a stranger": by_the_key_it_names,
    "x5u": header(x5u="https://evil.example/cert.pem"),
    "x5c": header(x5c=["MIIB"]),
    "zip": header(zip="DEF"),
    "cty": header(cty="JWT"),
    "one more member": header(harmless=True),
    "a list as header": lambda f: f.sign([f.header], f.claims),
    "a text as header": lambda f: f.sign("header", f.claims),
    "null as header": lambda f: f.sign(None, f.claims),
    "no JSON as header": lambda f: f.sign(b"{", f.claims),
    "bytes as header": lambda f: f.sign(b"\xff\xfe", f.claims),
    "a deep header": lambda f: f.sign(b"[" * 1500, f.claims),
    "b64": header(b64=True),
    "enc": header(enc="A128GCM"),
    "x5t": header(x5t="c3RyYW5nZXI"),
    "SQL as kid": header(kid="' OR '1'='1"),
    "kid empty": header(kid=""),
    "two algs": lambda f: f.sign(twice(f.header, "alg", ALGORITHM), f.claims),
    "two kids": lambda f: f.sign(twice(f.header, "kid", f.issuer.key.kid), f.claims),
    # claims
    "two subs": lambda f: f.sign(f.header, twice(f.claims, "sub", str(uuid4()))),
    "two roles": lambda f: f.sign(f.header, twice(f.claims, "role", "admin")),
    "two exps": lambda f: f.sign(f.header, twice(f.claims, "exp", f.claims["exp"])),
    "no scope": without("scope"),
    "scope in a list": claims(scope=["trial"]),
    "no iss": without("iss"),
    "no aud": without("aud"),
    "no sub": without("sub"),
    "no role": without("role"),
    "no sites": without("sites"),
    "no name": without("name"),
    "no machine": without("machine"),
    "no sid": without("sid"),
    "no jti": without("jti"),
    "no iat": without("iat"),
    "no exp": without("exp"),
    "another iss": claims(iss="http://evil.example"),
    "iss in a list": claims(iss=["http://trial.test"]),
    "iss null": claims(iss=None),
    "another aud": claims(aud="another-api"),
    "other auds": claims(aud=["another-api"]),
    "our aud among others": claims(aud=["another-api", AUDIENCE]),
    "our aud in a list": claims(aud=[AUDIENCE]),
    "aud null": claims(aud=None),
    "aud of numbers": claims(aud=[1]),
    "a name as sub": claims(sub="investigator-nn"),
    "sub in braces": lambda f: claims(sub=f"{{{f.claims['sub']}}}")(f),
    "sub as a URN": lambda f: claims(sub=f"urn:uuid:{f.claims['sub']}")(f),
    "sub without hyphens": lambda f: claims(sub=f.claims["sub"].replace("-", ""))(f),
    "sub in capitals": claims(sub="ABCDEF01-0000-7000-8000-000000000000"),
    "a number as sub": claims(sub=7),
    "sub null": claims(sub=None),
    "an unknown role": claims(role="superuser"),
    "roles in a list": claims(role=["admin"]),
    "role null": claims(role=None),
    "sites as text": claims(sites="NN"),
    "sites as numbers": claims(sites=[1]),
    "sites as an object": claims(sites={"NN": True}),
    "sites null": claims(sites=None),
    "two sites in one text": claims(sites=["NN,LZ"]),
    "an empty site": claims(sites=[""]),
    "null as a site": claims(sites=["NN", None]),
    "NUL in a site": claims(sites=["NN\0"]),
    "sites in sites": claims(sites=[["NN"]]),
    "a number as name": claims(name=7),
    "an empty name": claims(name=""),
    "NUL in the name": claims(name="Wei\0Ning"),
    "a lone surrogate in the name": claims(name="\ud800"),
    "a lone surrogate in another claim": claims(other=[{"\udfff": 1}]),
    "no UUID as sid": claims(sid="session"),
    "a number as sid": claims(sid=7),
    "a number as jti": claims(jti=7),
    "a text as machine": claims(machine="false"),
    "a number as machine": claims(machine=0),
    "expired": later(-1, "exp"),
    "expired long ago": claims(exp=0),
    "exp of text": claims(exp="9999999999"),
    "exp with a fraction": lambda f: claims(exp=time.time() + 600)(f),
    "exp true": claims(exp=True),
    "exp null": claims(exp=None),
    "exp NaN": claims(exp=float("nan")),
    "exp infinite": claims(exp=float("inf")),
    "exp in a year": later(365 * 86400, "exp"),
    "exp huge": claims(exp=10**300),
    "exp now": later(0, "exp"),
    "exp after more than 15 minutes": later(901, "exp"),
    "iat after exp": lambda f: claims(iat=int(time.time()) + 50, exp=int(time.time()) + 40)(f),
    "iat negative": claims(iat=-1),
    "nbf after exp": lambda f: claims(nbf=int(time.time()) + 50, exp=int(time.time()) + 40)(f),
    "iat of text": claims(iat="yesterday"),
    "iat null": claims(iat=None),
    "iat true": claims(iat=True),
    "iat in an hour": later(3600, "iat"),
    "nbf in an hour": later(3600, "nbf"),
    "nbf of text": claims(nbf="now"),
    "a list as claims": whole([]),
    "a text as claims": whole("claims"),
    "null as claims": whole(None),
    "no JSON as claims": whole(b"{"),
    "deep claims": whole(b'{"a":' * 500 + b"1" + b"}" * 500),
    "a token as claims": nested,
    # signatures and shape
    "an altered signature": edited(flipped),
    "an altered payload": other_payload,
    "a stranger's signature": by_a_stranger,
    "an empty signature": with_signature(""),
    "a signature of zeros": with_signature(bytes(64)),
    "another text of the same signature": edited(respelled),
    "a short signature": with_signature(b"\1" * 63),
    "a long signature": with_signature(b"\1" * 65),
    "a DER signature": in_der,
    "padding": edited(lambda token: token + "="),
    "a signature of the standard alphabet": edited(lambda token: token[:-2] + "+/"),
    "two tokens joined by a dot": lambda f: f"{f.good()}.{f.good()}",
    "two tokens joined by a comma": lambda f: f"{f.good()},{f.good()}",
    "two tokens joined by a space": lambda f: f"{f.good()} {f.good()}",
    "four parts": edited(lambda token: f"{token}.e30"),
    "five parts, as if encrypted": edited(lambda token: f"{token}.e30.e30"),
    "two parts": edited(lambda token: token.rpartition(".")[0]),
    "one part": edited(lambda token: token.replace(".", "")),
    "a space before": edited(lambda token: f" {token}"),
    "a line break inside": edited(lambda token: token.replace(".", ".\n", 1)),
    "a line break after": edited(lambda token: f"{token}\n"),
    "a NUL after": edited(lambda token: f"{token}\0"),
    "a quoted token": edited(lambda token: f'"{token}"'),
    "a percent sign": edited(lambda token: f"{token}%00"),
    "full-width letters": edited(lambda token: f"ｅ{token[1:]}"),
    "an Arabic digit": edited(lambda token: f"{token}٣"),
    "an emoji": lambda _: "🔑.🔑.🔑",
    "more than 4 KB": claims(name="x" * LONGEST),
    "a megabyte": lambda _: "a" * 1_000_000,
    "dots": lambda _: "...",
    "nothing": lambda _: "",
    "the word null": lambda _: "null",
    "a path": lambda _: "../../etc/passwd",
}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> TokenIssuer:
    (path := tmp_path_factory.mktemp("keys") / "key.pem").write_text(new_signing_key())
    return TokenIssuer(KeyRing(path), ISSUER, AUDIENCE, 900)


def test_what_the_forger_leaves_alone_is_accepted(issuer: TokenIssuer) -> None:
    """So each hostile token below is refused for what is odd about it."""
    forger = Forger(issuer)
    assert issuer.verify(forger.good()).subject == UUID(forger.claims["sub"])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_token_is_refused(issuer: TokenIssuer, name: str) -> None:
    with pytest.raises(BadToken):
        issuer.verify(HOSTILE[name](Forger(issuer)))


def test_over_http_each_hostile_token_is_a_401_with_a_challenge(unchanged: Api) -> None:
    sent = 0
    for name, forge in HOSTILE.items():
        token = forge(Forger(unchanged.state.issuer)).encode()
        if not 0 < len(token) < 60_000 or set(token) & set(b"\0\n"):
            continue  # what HTTP itself refuses
        answer = unchanged.get("/v1/me", headers={"Authorization": b"Bearer " + token})
        problem(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), name
        sent += 1
    assert sent >= 100
    good = Forger(unchanged.state.issuer).good()
    assert unchanged.get("/v1/me", headers={"Authorization": f"Bearer {good}"}).status_code == 200


def test_a_token_says_who_acts_where_and_until_when(issuer: TokenIssuer) -> None:
    subject = uuid4()
    before = int(time.time())
    token = issuer.issue(
        subject=subject, role=Role.MONITOR, sites=("NN", "LZ"), name="Wei Ning 韦", machine=False
    )
    claims = issuer.verify(token)
    assert (claims.subject, claims.role, claims.sites) == (subject, Role.MONITOR, ("NN", "LZ"))
    assert (claims.name, claims.machine) == ("Wei Ning 韦", False)
    assert before + 900 <= claims.expires_at <= time.time() + 900


def test_a_token_of_a_session_names_it(issuer: TokenIssuer) -> None:
    session = uuid4()
    token = issuer.issue(
        subject=uuid4(), role=Role.DMC, sites=(), name="D", machine=False, session=session
    )
    assert issuer.verify(token).session == session


def test_a_respelled_token_would_pass_a_careless_reader(issuer: TokenIssuer) -> None:
    """The library alone takes another text of the same signature, and a doubled claim."""
    forger = Forger(issuer)
    doubled = forger.sign(forger.header, twice(forger.claims, "role", "admin"))
    for token in (respelled(forger.good()), doubled):
        assert jwt.decode(token, issuer.jwks()["keys"][0], ["ES256"], audience=AUDIENCE)


def test_two_tokens_of_one_person_differ(issuer: TokenIssuer) -> None:
    def issue() -> Json:
        token = issuer.issue(subject=UUID(int=1), role=Role.DMC, sites=(), name="D", machine=False)
        return jwt.get_unverified_claims(token)

    one, other = issue(), issue()
    assert one["jti"] != other["jti"]
    assert one["sid"] != other["sid"]


def test_a_stranger_verifies_with_the_published_key_alone(issuer: TokenIssuer) -> None:
    token = Forger(issuer).good()
    published = issuer.jwks()["keys"]
    assert [key["kid"] for key in published] == [jwt.get_unverified_header(token)["kid"]]
    read = jwt.decode(token, published[0], ["ES256"], audience=AUDIENCE, issuer=ISSUER)
    assert read["role"] == "investigator"


def test_the_published_key_holds_no_secret_and_is_named_by_its_thumbprint(
    issuer: TokenIssuer,
) -> None:
    (key,) = issuer.jwks()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    members = f'{{"crv":"P-256","kty":"EC","x":"{key["x"]}","y":"{key["y"]}"}}'  # RFC 7638
    assert key["kid"] == b64(hashlib.sha256(members.encode()).digest())

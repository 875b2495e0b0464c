"""A token of an outside provider acts only as what the settings say it is, and not for long."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from pydantic import ValidationError

from services.api.core.auth import TokenCache
from services.api.core.keys import LONGEST_LIFE, KeyRing, new_signing_key
from services.api.core.outside import LONGEST, LONGEST_NAME, OutsideIssuer
from services.api.core.permissions import SITE_BOUND, WITHOUT_CLINICAL_DATA, Role
from services.api.core.signed import BadToken
from services.api.core.tokens import TokenIssuer
from services.api.settings import MissingSetting, Settings
from tests.core.idp import IdentityProvider
from tests.core.signer import Signer, encoded
from tests.make import Api, problem

SITES = ("YL", "LZ", "NN")
Json = dict[str, Any]
Forge = Callable[[IdentityProvider], str]


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with IdentityProvider(Signer.new("RS256", "one"), Signer.new("ES256", "two")) as running:
        yield running


@pytest.fixture(scope="module")
def outside(idp: IdentityProvider) -> OutsideIssuer:
    return trusting(idp)


def trusting(idp: IdentityProvider, **changed: Any) -> OutsideIssuer:
    made = OutsideIssuer.of(idp.settings(**changed), SITES)
    assert made is not None
    return made


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> TokenIssuer:
    (path := tmp_path_factory.mktemp("keys") / "key.pem").write_text(new_signing_key())
    return TokenIssuer(KeyRing(path), "http://trial.test", "trial", 900)


# --- who it is --------------------------------------------------------------------------------


def test_a_token_of_the_provider_says_who_acts_where(
    idp: IdentityProvider, outside: OutsideIssuer
) -> None:
    before = int(time.time())
    claims = outside.verify(idp.token())
    assert (claims.role, claims.sites, claims.name) == (Role.INVESTIGATOR, ("NN",), "Wei Ning 韦")
    assert claims.machine is False
    namespace = uuid5(NAMESPACE_URL, idp.issuer)
    assert claims.subject == uuid5(namespace, "sub 248289761001")
    assert claims.session == uuid5(namespace, "sid 08a5019c")
    assert before + LONGEST_LIFE <= claims.expires_at <= time.time() + LONGEST_LIFE


def test_keys_of_both_kinds_verify(idp: IdentityProvider, outside: OutsideIssuer) -> None:
    for signer in idp.signers:
        for typ in (None, "JWT", "at+jwt"):
            assert outside.verify(signer.sign(idp.claims(), typ=typ))
    assert outside.verify(idp.signers[0].sign(idp.claims(), x5t="c2hhMQ"))


def test_a_person_is_the_same_in_every_token_and_at_no_other_provider(
    idp: IdentityProvider, outside: OutsideIssuer
) -> None:
    one = outside.verify(idp.token())
    assert (
        outside.verify(idp.token(sid="another", iat=int(time.time()) - 60)).subject == one.subject
    )
    assert outside.verify(idp.token(sub="another")).subject != one.subject
    with IdentityProvider(*idp.signers) as second:
        assert trusting(second).verify(second.token()).subject != one.subject


def test_what_is_ended_is_the_session_else_the_token(
    idp: IdentityProvider, outside: OutsideIssuer
) -> None:
    now = int(time.time())

    def session(**changed: object) -> str:
        return str(outside.verify(idp.token(**changed)).session)

    assert session(jti="a") == session(jti="b"), "sid holds the provider's session"
    assert session(sid=None, jti="a") == session(sid="", jti="a") != session(sid=None, jti="b")
    assert (
        session(sid=None, iat=now) == session(sid=None, iat=now) != session(sid=None, iat=now - 1)
    )
    assert session(sid=None, iat=now) != session(sid=None, iat=now, sub="another")
    assert session(sid="a") != session(sid=None, jti="a")
    assert session(sid=7, jti="a") == session(sid=None, jti="a")


@pytest.mark.parametrize("role", Role)
def test_each_role_acts_at_its_sites(idp: IdentityProvider, role: Role) -> None:
    outside = trusting(idp, oidc_roles={"their role": role.value})
    token = idp.token(roles="their role", sites=["NN", "LZ", "NN"])
    if role in SITE_BOUND:
        claims = outside.verify(token)
        assert claims.sites == ("LZ", "NN")
        without: object
        for without in (None, [], "", "XX"):
            with pytest.raises(BadToken):
                outside.verify(idp.token(roles="their role", sites=without))
    else:
        with pytest.raises(BadToken):
            outside.verify(token)
        claims = outside.verify(idp.token(roles="their role", sites=None))
        everywhere = () if role in WITHOUT_CLINICAL_DATA else ("LZ", "NN", "YL")
        assert claims.sites == everywhere
    assert claims.role is role
    assert claims.machine is (role is Role.HOSPITAL_SYSTEM)


def test_roles_that_mean_nothing_here_are_left(
    idp: IdentityProvider, outside: OutsideIssuer
) -> None:
    assert outside.verify(idp.token(roles=["staff", "trial-inv", "admin", "trial-inv"]))


@pytest.mark.parametrize(
    "roles",
    [
        None,
        [],
        "",
        "staff",
        "investigator",
        "trial-inv trial-dm",
        ["trial-inv", "trial-dm"],
        [["trial-inv"]],
        ["trial-inv", 7],
        {"trial-inv": True},
        7,
        True,
    ],
    ids=str,
)
def test_exactly_one_role_must_be_meant(
    idp: IdentityProvider, outside: OutsideIssuer, roles: object
) -> None:
    with pytest.raises(BadToken):
        outside.verify(idp.token(roles=roles))


def test_two_names_of_one_role_are_one_role(idp: IdentityProvider) -> None:
    outside = trusting(idp, oidc_roles={"a": "monitor", "b": "monitor"})
    assert outside.verify(idp.token(roles=["a", "b"])).role is Role.MONITOR
    outside = trusting(idp, oidc_roles={"a": "monitor", "b": "coordinator"})
    assert outside.verify(idp.token(roles=["a", "c"])).role is Role.MONITOR
    with pytest.raises(BadToken):
        outside.verify(idp.token(roles=["a", "b"]))


@pytest.mark.parametrize(
    "sites", [["NN", "XX"], ["nn"], ["NN,LZ"], ["NN", 7], {"NN": True}, True, [None]], ids=str
)
def test_a_site_that_is_not_of_the_trial_refuses_the_token(
    idp: IdentityProvider, outside: OutsideIssuer, sites: object
) -> None:
    with pytest.raises(BadToken):
        outside.verify(idp.token(sites=sites))


def test_the_provider_s_names_of_sites_can_be_mapped(idp: IdentityProvider) -> None:
    outside = trusting(
        idp, oidc_sites_claim="groups", oidc_sites={"/nanning": "NN", "/liuzhou": "LZ"}
    )
    claims = outside.verify(idp.token(groups=["/staff", "/nanning", "NN", "YL"]))
    assert claims.sites == ("NN",)
    for groups in (["/staff"], ["NN"], None):
        with pytest.raises(BadToken):
            outside.verify(idp.token(groups=groups))
    assert outside.verify(idp.token(groups=["/staff"], roles="trial-dm")).sites == (
        "LZ",
        "NN",
        "YL",
    )
    with pytest.raises(BadToken):
        outside.verify(idp.token(groups=["/nanning"], roles="trial-dm"))


@pytest.mark.parametrize(
    ("path", "claim"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["trial-inv"]}}),
        ("a.b.c.d", {"a": {"b": {"c": {"d": "trial-inv"}}}}),
        ("https://trial.example/roles", {"https://trial.example/roles": ["trial-inv"]}),
    ],
)
def test_a_claim_is_found_by_its_path_or_its_whole_name(
    idp: IdentityProvider, path: str, claim: Json
) -> None:
    outside = trusting(idp, oidc_role_claim=path)
    assert outside.verify(idp.token(**claim)).role is Role.INVESTIGATOR
    for beside in ({}, {"realm_access": ["roles"]}, {"a": {"b": "c"}}, {"a": None}):
        with pytest.raises(BadToken):
            outside.verify(idp.token(**beside))


def test_a_person_has_a_name_and_a_machine_may_have_its_subject(
    idp: IdentityProvider, outside: OutsideIssuer
) -> None:
    machine = idp.token(roles="trial-his", name=None, sub="his of nanning")
    assert outside.verify(machine).name == "his of nanning"
    assert outside.verify(idp.token(name=" Wei ")).name == "Wei"
    other = trusting(idp, oidc_name_claim="person.full")
    assert other.verify(idp.token(person={"full": "Dr Lan"})).name == "Dr Lan"
    for name in (None, "", "  ", 7, ["Wei"], "W" * (LONGEST_NAME + 1), "We\ni", "We\x7fi"):
        with pytest.raises(BadToken):
            outside.verify(idp.token(name=name))


# --- for how long -----------------------------------------------------------------------------


def test_a_token_is_good_for_a_quarter_of_an_hour_whatever_it_says(
    idp: IdentityProvider, outside: OutsideIssuer
) -> None:
    now = int(time.time())
    for issued, expires, until in (
        (now, now + 60, now + 60),
        (now - 100, now + 86400, now - 100 + LONGEST_LIFE),
        (now - LONGEST_LIFE + 5, now + 86400, now + 5),
    ):
        assert outside.verify(idp.token(iat=issued, exp=expires)).expires_at == until
    with pytest.raises(BadToken):
        outside.verify(idp.token(iat=now - LONGEST_LIFE, exp=now + 86400))


# --- hostile tokens ---------------------------------------------------------------------------


def claims(**changed: object) -> Forge:
    return lambda idp: idp.token(**changed)


def header(**changed: object) -> Forge:
    return lambda idp: idp.signers[0].sign(idp.claims(), **changed)


HOSTILE: dict[str, Forge] = {
    "a stranger under a known name": lambda idp: Signer.new("RS256", "one", which=1).sign(
        idp.claims()
    ),
    "the key of another kind under a known name": lambda idp: Signer.new("ES256", "one").sign(
        idp.claims()
    ),
    "their other key under a known name": lambda idp: idp.signers[1].sign(idp.claims(), kid="one"),
    "alg of the other key": header(alg="ES256"),
    "alg none": lambda idp: f"{encoded({'alg': 'none', 'kid': 'one'})}.{encoded(idp.claims())}.",
    "alg RS384": header(alg="RS384"),
    "alg PS256": header(alg="PS256"),
    "an unknown kid": header(kid="three"),
    "no kid": header(kid=None),
    "another typ": header(typ="logout+jwt"),
    "a security event": header(typ="secevent+jwt"),
    "jku": header(jku="https://evil.example/keys"),
    "jwk": header(jwk=Signer.new().jwk()),
    "x5u": header(x5u="https://evil.example/cert"),
    "crit": header(crit=["exp"]),
    "cty": header(cty="JWT"),
    "b64": header(b64=False),
    "another iss": claims(iss="https://login.example"),
    "iss with a slash more": lambda idp: idp.token(iss=f"{idp.issuer}/"),
    "iss in a list": lambda idp: idp.token(iss=[idp.issuer]),
    "no iss": claims(iss=None),
    "our iss": claims(iss="http://trial.test"),
    "another aud": claims(aud="account"),
    "other auds": claims(aud=["account", "another"]),
    "a number among the auds": claims(aud=["trial", 7]),
    "no aud": claims(aud=None),
    "no sub": claims(sub=None),
    "an empty sub": claims(sub=""),
    "a number as sub": claims(sub=7),
    "no iat": claims(iat=None),
    "iat of text": lambda idp: idp.token(iat=str(int(time.time()))),
    "iat in the future": lambda idp: idp.token(iat=int(time.time()) + 600),
    "nbf in the future": lambda idp: idp.token(nbf=int(time.time()) + 600),
    "no exp": claims(exp=None),
    "expired": lambda idp: idp.token(exp=int(time.time()) - 1),
    "too long": claims(groups=["x" * LONGEST]),
    "NUL in the sub": claims(sub="a\0"),
    "a lone surrogate in the name": claims(name="\ud800"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_token_is_refused(
    idp: IdentityProvider, outside: OutsideIssuer, name: str
) -> None:
    with pytest.raises(BadToken):
        outside.verify(HOSTILE[name](idp))


def test_one_of_several_audiences_may_be_ours(
    idp: IdentityProvider, outside: OutsideIssuer
) -> None:
    assert outside.verify(idp.token(aud=["account", "trial"]))


def test_a_provider_that_is_down_from_the_beginning_lets_nobody_in(idp: IdentityProvider) -> None:
    outside = trusting(idp)
    with idp.down(), pytest.raises(BadToken):
        outside.verify(idp.token())


# --- beside our own ---------------------------------------------------------------------------


def own_token(ours: TokenIssuer) -> str:
    return ours.issue(
        subject=uuid5(NAMESPACE_URL, "a"), role=Role.ADMIN, sites=(), name="A", machine=False
    )


def own_claims(ours: TokenIssuer, issuer: str) -> Json:
    now = int(time.time())
    return {
        "iss": issuer,
        "aud": ours.audience,
        "sub": str(uuid5(NAMESPACE_URL, "a")),
        "role": "admin",
        "roles": "trial-inv",
        "sites": ["NN"],
        "name": "A",
        "machine": False,
        "scope": "trial",
        "sid": str(uuid5(NAMESPACE_URL, "s")),
        "jti": str(uuid5(NAMESPACE_URL, "j")),
        "iat": now,
        "exp": now + 600,
    }


def test_neither_side_s_key_signs_for_the_other(ours: TokenIssuer) -> None:
    """Also where the provider names its key as ours is named, or publishes ours."""
    private: Any = ours.key.private
    our_signer = Signer(ours.key.kid, "ES256", private.prepared_key)
    their_signer = Signer.new("ES256", ours.key.kid)
    with IdentityProvider(their_signer) as idp:
        outside = trusting(idp)
        tokens = {
            (whose, issuer): signer.sign(own_claims(ours, issuer), typ="at+jwt")
            for whose, signer in (("ours", our_signer), ("theirs", their_signer))
            for issuer in (ours.issuer, idp.issuer)
        }
        assert ours.verify(tokens["ours", ours.issuer])
        assert outside.verify(tokens["theirs", idp.issuer])
        for token in (tokens["ours", idp.issuer], tokens["theirs", ours.issuer]):
            for side in (ours, outside):
                with pytest.raises(BadToken):
                    side.verify(token)
        with pytest.raises(BadToken):
            ours.verify(tokens["theirs", idp.issuer])
        with pytest.raises(BadToken):
            outside.verify(tokens["ours", ours.issuer])
    with IdentityProvider(our_signer) as idp:
        outside = trusting(idp)
        with pytest.raises(BadToken):
            outside.verify(own_token(ours))
        with pytest.raises(BadToken):
            ours.verify(our_signer.sign(own_claims(ours, idp.issuer), typ="at+jwt"))


def test_a_token_is_asked_whose_it_is_without_trust(
    idp: IdentityProvider, outside: OutsideIssuer, ours: TokenIssuer
) -> None:
    assert outside.speaks_for(idp.token())
    assert outside.speaks_for(Signer.new().sign({"iss": idp.issuer}))
    for token in (
        own_token(ours),
        "",
        "a.b.c",
        "🔑.🔑.🔑",
        Signer.new().sign([]),
        Signer.new().sign({"iss": [idp.issuer]}),
        Signer.new().sign({}),
        Signer.new().sign(b"[" * 2000),
        idp.token(groups="x" * LONGEST),
    ):
        assert not outside.speaks_for(token)


def test_over_http_a_provider_s_token_is_taken_beside_ours(
    unchanged: Api, idp: IdentityProvider
) -> None:
    state = unchanged.state
    sites = [site.code for site in state.loaded.protocol.sites]
    before = state.tokens
    state.tokens = TokenCache(state.issuer, OutsideIssuer.of(idp.settings(), sites))
    try:

        def me(token: str) -> Any:
            return unchanged.get("/v1/me", headers={"Authorization": f"Bearer {token}"})

        answer = me(idp.token())
        assert answer.status_code == 200, answer.text
        assert (answer.json()["role"], answer.json()["sites"]) == ("investigator", ["NN"])
        assert unchanged.as_("monitor").get("/v1/me").json()["role"] == "monitor"
        for name, forge in HOSTILE.items():
            if name != "too long":
                problem(me(forge(idp)), 401, "unauthorized")
    finally:
        state.tokens = before


# --- settings ---------------------------------------------------------------------------------


def test_without_a_provider_there_is_none() -> None:
    assert OutsideIssuer.of(Settings(sandbox=True), SITES) is None
    empty = Settings(sandbox=True, oidc_role_claim="", oidc_jwks_uri="", oidc_sites={})
    assert OutsideIssuer.of(empty, SITES) is None


@pytest.mark.parametrize("missing", ["oidc_issuer", "oidc_audience", "oidc_roles"])
def test_the_settings_of_a_provider_come_together(idp: IdentityProvider, missing: str) -> None:
    with pytest.raises(ValidationError, match=f"TRIAL_{missing.upper()}: needed"):
        idp.settings(**{missing: type(Settings.model_fields[missing].default)()})


@pytest.mark.parametrize(
    "changed", [{"oidc_sites": {"a": "NN"}}, {"oidc_role_claim": "groups"}, {"oidc_jwks_uri": "a"}]
)
def test_half_a_provider_is_none(changed: Json) -> None:
    with pytest.raises(ValidationError, match="TRIAL_OIDC_ISSUER, TRIAL_OIDC_AUDIENCE"):
        Settings(sandbox=True, **changed)


def test_a_mapping_to_what_the_trial_has_not_is_told(idp: IdentityProvider) -> None:
    with pytest.raises(MissingSetting, match="TRIAL_OIDC_ROLES: the trial has no role doctor"):
        trusting(idp, oidc_roles={"a": "doctor"})
    with pytest.raises(MissingSetting, match="TRIAL_OIDC_SITES: the trial has no site XX"):
        trusting(idp, oidc_sites={"a": "NN", "b": "XX"})
    with pytest.raises(MissingSetting, match="this service itself"):
        trusting(idp, issuer=idp.issuer)


def test_maps_are_json_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_OIDC_ISSUER", "https://login.example")
    monkeypatch.setenv("TRIAL_OIDC_AUDIENCE", "trial")
    monkeypatch.setenv("TRIAL_OIDC_SITES", "")
    monkeypatch.setenv("TRIAL_OIDC_ROLES", '{"trial-inv": "investigator"}')
    assert Settings().oidc_roles == {"trial-inv": "investigator"}
    assert Settings().oidc_sites == {}
    for text in ("trial-inv", "[]", '{"a": 1}', "{"):
        monkeypatch.setenv("TRIAL_OIDC_ROLES", text)
        with pytest.raises(ValidationError, match="oidc_roles"):
            Settings()

"""A caller is who the token says, for as long as it says, and may do what the role is granted."""

import asyncio
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from services.api.core.auth import Open, Principal, Require, TokenCache, open_to_all, require
from services.api.core.errors import Unauthorized
from services.api.core.keys import KeyRing, new_signing_key
from services.api.core.permissions import PUBLIC, Action, Role
from services.api.core.tokens import TokenIssuer
from tests.make import Api, problem


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> TokenIssuer:
    (path := tmp_path_factory.mktemp("auth") / "key.pem").write_text(new_signing_key())
    return TokenIssuer(KeyRing(path), "http://trial.test", "trial-api", 900)


def token_of(issuer: TokenIssuer) -> str:
    return issuer.issue(
        subject=uuid4(), role=Role.COORDINATOR, sites=("NN",), name="C", machine=False
    )


class Ended(set[UUID]):
    """Sessions that ended, without a database."""

    stale = False

    def refresh(self) -> None:
        """Know everything there is to know."""

    def has_ended(self, session: UUID) -> bool:
        return session in self


def principal(cache: TokenCache, token: str, ended: Ended | None = None) -> Principal:
    return asyncio.run(cache.principal(token, Ended() if ended is None else ended))


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Basic aW52ZXN0aWdhdG9yLW5uOng=", "Token x", "x", "bearerx"],
)
def test_without_a_bearer_token_the_answer_asks_for_one(
    unchanged: Api, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = unchanged.client.get("/v1/me", headers=headers)
    problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_bad_token_is_told_from_a_missing_one(unchanged: Api) -> None:
    answer = unchanged.get("/v1/me", headers={"Authorization": "Bearer a.b.c"})
    problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_the_scheme_is_of_any_case(unchanged: Api) -> None:
    token = unchanged.as_("monitor").token
    assert unchanged.get("/v1/me", headers={"Authorization": f"bEARER {token}"}).status_code == 200


def test_a_role_without_the_grant_is_forbidden_before_its_body_matters(unchanged: Api) -> None:
    answer = unchanged.as_("monitor").post("/v1/subjects", {"site": "NN"})
    problem(answer, 403, "forbidden")


def test_who_calls_is_asked_before_whether_the_record_exists(unchanged: Api) -> None:
    problem(unchanged.get(f"/v1/subjects/{uuid4()}"), 401, "unauthorized")
    problem(unchanged.as_("admin").get(f"/v1/subjects/{uuid4()}"), 403, "forbidden")


def test_a_token_is_verified_once_and_ends_when_it_says(
    issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, token = TokenCache(issuer), token_of(issuer)
    first = principal(cache, token)
    assert (first.role, first.sites) == (Role.COORDINATOR, ("NN",))
    monkeypatch.setattr(TokenIssuer, "verify", None)
    assert principal(cache, token) is first
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 899)
    assert principal(cache, token) is first
    monkeypatch.setattr(time, "time", lambda: now + 901)
    with pytest.raises(Unauthorized):
        principal(cache, token)
    assert not cache._known


def test_the_cache_forgets_the_oldest_token_and_keeps_no_bad_one(issuer: TokenIssuer) -> None:
    cache = TokenCache(issuer, size=2)
    tokens = [token_of(issuer) for _ in range(3)]
    for token in tokens:
        principal(cache, token)
        with pytest.raises(Unauthorized):
            principal(cache, token + "x")
    assert list(cache._known) == tokens[1:]
    assert principal(cache, tokens[0]).role is Role.COORDINATOR


def test_the_token_of_an_ended_session_is_refused_though_verified_before(
    issuer: TokenIssuer,
) -> None:
    cache, token = TokenCache(issuer), token_of(issuer)
    session = principal(cache, token).session
    with pytest.raises(Unauthorized):
        principal(cache, token, Ended([session]))
    assert not cache._known


def test_what_is_known_too_long_ago_is_asked_anew(issuer: TokenIssuer) -> None:
    cache, token = TokenCache(issuer), token_of(issuer)
    session = principal(cache, token).session

    class Late(Ended):
        stale = True

        def refresh(self) -> None:
            self.add(session)

    with pytest.raises(Unauthorized):
        principal(cache, token, Late())


def test_a_token_whose_key_was_taken_out_is_verified_again(tmp_path: Path) -> None:
    (path := tmp_path / "key.pem").write_text(new_signing_key())
    issuer = TokenIssuer(ring := KeyRing(path), "http://trial.test", "trial-api", 900)
    cache, token = TokenCache(issuer), token_of(issuer)
    principal(cache, token)
    path.write_text(new_signing_key())
    ring.first()
    with pytest.raises(Unauthorized):
        principal(cache, token)


def test_an_action_is_either_public_or_granted() -> None:
    for action in Action:
        if action in PUBLIC:
            assert isinstance(open_to_all(action), Open)
            with pytest.raises(ValueError, match="is public"):
                require(action)
        else:
            assert isinstance(require(action), Require)
            with pytest.raises(ValueError, match="is not public"):
                open_to_all(action)


def test_an_open_operation_admits_anyone() -> None:
    assert asyncio.run(Open(Action.READ_HEALTH)()) is None

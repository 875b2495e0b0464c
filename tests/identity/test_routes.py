"""Signing in as RFC 6749 has it, and keys that verify what we sign."""

import base64
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest
from jose import jwt

from services.api.core.permissions import GRANTS, Role
from services.api.identity.schemas import ASSERTION_TYPE
from tests.core.signer import Signer
from tests.make import Api, created, ok, problem

USER = {"grant_type": "password", "username": "investigator-nn", "password": "sandbox-only"}
CLIENT = {
    "grant_type": "client_credentials",
    "client_id": "his-nn",
    "client_secret": "sandbox-only",
}
GRANT = {"grant_type": "client_credentials"}


def ask(api: Api, form: dict[str, Any], **headers: str) -> httpx.Response:
    return api.client.post("/v1/oauth/token", data=form, headers=headers)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def me(api: Api, answer: httpx.Response) -> dict[str, Any]:
    token = ok(answer)["access_token"]
    return ok(api.client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}))


def test_a_person_signs_in_with_a_password(api: Api) -> None:
    answer = ask(api, USER)
    body = ok(answer)
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert answer.headers["Cache-Control"] == "no-store"
    who = me(api, answer)
    assert (who["role"], who["sites"], who["machine"]) == ("investigator", ["NN"], False)
    assert who["actions"] == sorted(GRANTS[Role.INVESTIGATOR])


@pytest.mark.parametrize("way", ["form", "basic"])
def test_a_system_signs_in_with_its_secret(api: Api, way: str) -> None:
    answer = (
        ask(api, CLIENT)
        if way == "form"
        else ask(api, GRANT, Authorization=basic("his-nn", "sandbox-only"))
    )
    who = me(api, answer)
    assert (who["role"], who["sites"], who["machine"]) == ("hospital_system", ["NN"], True)


def test_a_token_signed_in_with_is_good_for_work(api: Api) -> None:
    token = ok(ask(api, USER))["access_token"]
    answer = api.client.post(
        "/v1/subjects",
        json={"site": "NN", "year_of_birth": 1971, "sex": "female"},
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "1"},
    )
    created(answer)


def test_anyone_verifies_a_token_with_the_published_keys(api: Api) -> None:
    token = ok(ask(api, CLIENT))["access_token"]
    metadata = ok(api.client.get("/.well-known/oauth-authorization-server"))
    keys = ok(api.client.get("/.well-known/jwks.json"))["keys"]
    header = jwt.get_unverified_header(token)
    (key,) = [key for key in keys if key["kid"] == header["kid"]]
    assert "d" not in key
    claims = jwt.decode(token, key, [key["alg"]], audience="trial-api", issuer=metadata["issuer"])
    now = time.time()
    assert now - 60 < claims["iat"] <= now
    assert claims["exp"] - claims["iat"] == 900
    assert {"sub", "role", "sites", "scope", "sid", "jti"} <= set(claims)


def test_the_metadata_name_the_endpoints_of_this_issuer(unchanged: Api) -> None:
    metadata = ok(unchanged.client.get("/.well-known/oauth-authorization-server"))
    assert metadata["token_endpoint"] == f"{metadata['issuer']}/v1/oauth/token"
    assert metadata["jwks_uri"] == f"{metadata['issuer']}/.well-known/jwks.json"
    assert metadata["grant_types_supported"] == [
        "password",
        "refresh_token",
        "client_credentials",
    ]
    assert metadata["revocation_endpoint"] == f"{metadata['issuer']}/v1/oauth/revoke"


def test_whether_an_account_exists_is_not_told(unchanged: Api) -> None:
    """A wrong password, an unknown user and a machine's name get the same bytes."""
    bodies = []
    for changed in ({"password": "wrong"}, {"username": "nobody"}, {"username": "his-nn"}):
        answer = ask(unchanged, {**USER, **changed})
        body = problem(answer, 400, "invalid_grant")
        assert body["error"] == "invalid_grant"
        bodies.append({**body, "instance": ""})
    assert bodies[0] == bodies[1] == bodies[2]


def test_whether_a_client_exists_is_not_told(unchanged: Api) -> None:
    bodies = []
    for client_id, secret in (
        ("his-nn", "wrong"),
        ("nobody", "wrong"),
        ("investigator-nn", "sandbox-only"),
    ):
        answer = ask(unchanged, GRANT, Authorization=basic(client_id, secret))
        body = problem(answer, 401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert body["error"] == "invalid_client"
        bodies.append({**body, "instance": ""})
    assert bodies[0] == bodies[1] == bodies[2]


@pytest.mark.parametrize(
    ("form", "code", "error"),
    [
        ({**USER, "grant_type": "authorization_code"}, "unsupported_grant_type", None),
        ({**USER, "grant_type": "refresh_token"}, "invalid_token_request", "invalid_request"),
        ({**GRANT, "client_assertion": "a.b.c"}, "invalid_token_request", "invalid_request"),
        (
            {**CLIENT, "client_assertion": "a.b.c", "client_assertion_type": ASSERTION_TYPE},
            "invalid_token_request",
            "invalid_request",
        ),
        ({"grant_type": "password"}, "invalid_token_request", "invalid_request"),
        ({"grant_type": "password", "username": "x"}, "invalid_token_request", "invalid_request"),
        ({"grant_type": "password", "password": "x"}, "invalid_token_request", "invalid_request"),
        (GRANT, "invalid_token_request", "invalid_request"),
        ({**GRANT, "client_id": "his-nn"}, "invalid_token_request", "invalid_request"),
        ({**GRANT, "client_secret": "x"}, "invalid_token_request", "invalid_request"),
        ({**USER, "grant_type": "client_credentials"}, "invalid_token_request", "invalid_request"),
    ],
)
def test_a_request_that_lacks_something_is_told_what(
    unchanged: Api, form: dict[str, str], code: str, error: str | None
) -> None:
    assert problem(ask(unchanged, form), 400, code)["error"] == (error or code)


@pytest.mark.parametrize(
    ("form", "pointer"),
    [
        ({"scope": "trial"}, "/grant_type"),
        ({**USER, "grant_type": ""}, "/grant_type"),
        ({**USER, "grant_type": "pass word"}, "/grant_type"),
        ({**USER, "otp": "123456"}, "/otp"),
        ({**USER, "totp": "12345"}, "/totp"),
        ({**USER, "totp": "１２３４５６"}, "/totp"),
        ({**USER, "username": "x" * 129}, "/username"),
        ({**USER, "password": "x" * 129}, "/password"),
        ({**USER, "password": "a\0b"}, "/password"),
        ({**USER, "username": "a\nb"}, "/username"),
        ({**CLIENT, "client_id": "a\0b"}, "/client_id"),
    ],
)
def test_a_form_that_is_not_one_is_refused(
    unchanged: Api, form: dict[str, str], pointer: str
) -> None:
    body = problem(ask(unchanged, form), 422, "invalid")
    assert [error["pointer"] for error in body["errors"]] == [pointer]
    assert "sandbox-only" not in str(body)


@pytest.mark.parametrize(
    "sent",
    [
        {"json": USER},
        {"files": {"grant_type": (None, "password")}},
        {"content": b"grant_type=password", "headers": {"Content-Type": "text/plain"}},
        {"content": b""},
    ],
    ids=["json", "multipart", "text", "nothing"],
)
def test_only_a_form_is_accepted(unchanged: Api, sent: dict[str, Any]) -> None:
    problem(unchanged.client.post("/v1/oauth/token", **sent), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(b"a\0b:x").decode(),
        "Basic " + base64.b64encode(b"his-nn").decode()[:-1],
    ],
)
def test_broken_basic_credentials_are_no_client(unchanged: Api, authorization: str) -> None:
    problem(ask(unchanged, GRANT, Authorization=authorization), 401, "invalid_client")


@pytest.mark.parametrize("credentials", [("", ""), ("his-nn", ""), ("", "sandbox-only")])
def test_empty_basic_credentials_are_missing(unchanged: Api, credentials: tuple[str, str]) -> None:
    answer = ask(unchanged, GRANT, Authorization=basic(*credentials))
    problem(answer, 400, "invalid_token_request")


def test_who_i_am_needs_a_token_and_the_keys_do_not(unchanged: Api) -> None:
    problem(unchanged.client.get("/v1/me"), 401, "unauthorized")
    ok(unchanged.client.get("/.well-known/jwks.json"))


# --- a system's own key ---------------------------------------------------------------------


@pytest.fixture
def signer(api: Api) -> Signer:
    """The private key of a client that an admin registered; it has no secret."""
    signer = Signer.new("ES384", "his-key-1")
    body = {
        "client_id": "his-nanning",
        "name": "Hospital information system",
        "sites": ["NN"],
        "jwks": {"keys": [signer.jwk()]},
    }
    created(api.as_("admin").post("/v1/clients", body))
    return signer


def assertion(api: Api, signer: Signer, **changed: object) -> str:
    now = int(time.time())
    claims = {
        "iss": "his-nanning",
        "sub": "his-nanning",
        "aud": api.state.settings.issuer,
        "jti": str(uuid4()),
        "iat": now,
        "exp": now + 60,
    }
    return signer.sign({**claims, **changed})


def ask_with(api: Api, said: str, **more: str) -> httpx.Response:
    form = {**GRANT, "client_assertion_type": ASSERTION_TYPE, "client_assertion": said, **more}
    return ask(api, form)


def test_a_system_signs_in_with_its_private_key_and_once_with_each_assertion(
    api: Api, signer: Signer
) -> None:
    said = assertion(api, signer)
    who = me(api, ask_with(api, said, client_id="his-nanning"))
    assert (who["role"], who["sites"], who["machine"]) == ("hospital_system", ["NN"], True)
    problem(ask_with(api, said), 401, "invalid_client")
    ok(ask_with(api, assertion(api, signer)))


def test_an_assertion_that_is_not_the_client_s_is_refused_and_in_the_trail(
    api: Api, signer: Signer
) -> None:
    stranger = Signer.new("ES384", "his-key-1")
    for said in (
        assertion(api, stranger),
        assertion(api, signer, aud=f"{api.state.settings.issuer}/v1/oauth/token"),
        assertion(api, signer, iss="nobody", sub="nobody"),
        assertion(api, signer, iss="his-nn", sub="his-nn"),
    ):
        problem(ask_with(api, said), 401, "invalid_client")
    problem(ask_with(api, assertion(api, signer), client_id="his-nn"), 401, "invalid_client")
    problem(ask_with(api, "a.b.c"), 401, "invalid_client")
    rows = api.rows(
        "SELECT new ->> 'because' FROM audit_event WHERE operation = 'SIGN_IN_REFUSED' ORDER BY id"
    )
    assert [row[0] for row in rows] == ["assertion", "assertion", "unknown", "assertion"]


def test_a_deactivated_system_does_not_sign_in(api: Api, signer: Signer) -> None:
    api.rows("UPDATE account SET active = false WHERE username = 'his-nanning'")
    problem(ask_with(api, assertion(api, signer)), 401, "invalid_client")


def test_wrong_assertions_are_slowed_down_too(api: Api, signer: Signer) -> None:
    stranger = Signer.new("ES384", "his-key-1")
    statuses = [ask_with(api, assertion(api, stranger)).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    ok(ask_with(api, assertion(api, signer)))  # a right one never is

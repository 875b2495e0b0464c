"""Users and clients over HTTP: what admins may give, and what no answer ever tells."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from services.api.core.permissions import SITE_BOUND, Role
from services.api.core.signed import base64url
from services.api.identity.passwords import matches
from services.api.sandbox.service import NAMESPACE
from tests.make import Api, Json, created, mistakes, ok, problem

PASSWORD = "wisteria ladder 7 mercury"
ANOTHER = "copper otters nap at dusk"
SECRET = "Zt4vQ1xW8mJ0cN7yR3pK6sD9fG2hL5bA"
REASON = "Asked for by the site, letter of 2026-03-02"
PERSON: Json = {
    "username": "lan.weiming",
    "name": "Dr Lan Weiming",
    "role": "investigator",
    "sites": ["NN"],
    "password": PASSWORD,
}
SYSTEM: Json = {
    "client_id": "his-nanning",
    "name": "Hospital information system",
    "sites": ["NN"],
    "secret": SECRET,
}


@pytest.fixture
def admin(api: Api) -> Api:
    return api.as_("admin")


@pytest.fixture
def looking(unchanged: Api) -> Api:
    """An admin whose requests are all refused, or read only."""
    return unchanged.as_("admin")


def demo(name: str) -> str:
    """The id of a demo account."""
    return str(uuid5(NAMESPACE, name))


def stored(api: Api, account: Json) -> Any:
    """The account's row."""
    (row,) = api.rows("SELECT * FROM account WHERE id = :id", id=UUID(account["id"]))
    return row


def session_of(api: Api, account_id: str) -> UUID:
    """A session that the account has opened."""
    session = uuid4()
    api.rows(
        "INSERT INTO account_session (id, account, generation, opened_at, refreshed_at, expires_at)"
        " VALUES (:id, :account, 0, now(), now(), now() + interval '1 hour')",
        id=session,
        account=UUID(account_id),
    )
    return session


def ended(api: Api, session: UUID) -> str | None:
    """Why a session ended; None if it is open."""
    (row,) = api.rows("SELECT * FROM account_session WHERE id = :id", id=session)
    assert (row.ended_at is None) == (row.ended_because is None)
    because: str | None = row.ended_because
    return because


def ec_key(kid: str = "1", curve: ec.EllipticCurve | None = None, **changed: object) -> Json:
    """A public EC key as JWK."""
    made = ec.generate_private_key(curve or ec.SECP256R1()).public_key()
    numbers, length = made.public_numbers(), (made.key_size + 7) // 8
    return {
        "kid": kid,
        "kty": "EC",
        "crv": f"P-{made.key_size}",
        "x": base64url(numbers.x.to_bytes(length, "big")),
        "y": base64url(numbers.y.to_bytes(length, "big")),
        **changed,
    }


def rsa_key(bits: int, kid: str = "1", **changed: object) -> Json:
    """A public RSA key as JWK."""
    n = rsa.generate_private_key(65537, bits).public_key().public_numbers().n
    return {
        "kid": kid,
        "kty": "RSA",
        "n": base64url(n.to_bytes(bits // 8, "big")),
        "e": "AQAB",
        **changed,
    }


def keys(*given: Json) -> Json:
    return {"keys": list(given)}


# --- creating a user -----------------------------------------------------------------


def test_a_person_is_given_an_account_with_a_temporary_password(admin: Api) -> None:
    answer = admin.post("/v1/users", PERSON)
    made = created(answer)
    assert {name: made[name] for name in ("username", "name", "role", "sites")} == {
        name: PERSON[name] for name in ("username", "name", "role", "sites")
    }
    assert (made["active"], made["totp_enrolled"], made["version"]) == (True, False, 1)
    assert made["password_temporary"] is True
    here = f"/v1/users/{made['id']}"
    assert made["links"] == {"self": here}
    assert answer.headers["Location"] == here
    read = admin.get(here)
    assert ok(read) == made
    assert read.headers["ETag"] == answer.headers["ETag"]
    row = stored(admin, made)
    assert (row.kind, row.active) == ("user", True)
    assert matches(PASSWORD, row.secret_hash)
    week = datetime.now(UTC) + timedelta(days=7)
    assert abs(row.password_expires_at - week) < timedelta(minutes=1)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.HOSPITAL_SYSTEM}))
def test_each_role_has_the_sites_it_may_have(api: Api, role: Role) -> None:
    admin = api.as_("admin")
    bound = role in SITE_BOUND
    fitting, wrong = (["LZ", "NN"], []) if bound else ([], ["NN"])
    code = "sites_missing" if bound else "sites_not_of_role"
    refused = admin.post("/v1/users", {**PERSON, "role": role, "sites": wrong})
    assert mistakes(refused) == [("/sites", code)]
    made = created(admin.post("/v1/users", {**PERSON, "role": role, "sites": fitting}))
    assert (made["role"], made["sites"]) == (role, fitting)


def test_sites_are_kept_once_and_in_order(admin: Api) -> None:
    made = created(admin.post("/v1/users", {**PERSON, "sites": ["NN", "LZ", "NN"]}))
    assert made["sites"] == ["LZ", "NN"]


@pytest.mark.parametrize(
    ("changed", "mistake"),
    [
        ({"sites": ["NN", "XX"]}, ("/sites/1", "unknown_site")),
        ({"sites": ["nn"]}, ("/sites/0", "string_pattern_mismatch")),
        ({"role": "hospital_system"}, ("/role", "enum")),
        ({"role": "sponsor"}, ("/role", "enum")),
        ({"name": "  "}, ("/name", "string_too_short")),
        ({"name": "Lan\nWeiming"}, ("/name", "string_pattern_mismatch")),
        ({"name": "x" * 101}, ("/name", "string_too_long")),
        ({"password": "x7Kp-29dQ-m"}, ("/password", "string_too_short")),
        ({"password": "x7Kp-29dQ-mW" * 11}, ("/password", "string_too_long")),
        ({"password": "copper otters\tnap"}, ("/password", "string_pattern_mismatch")),
        ({"password": "password1234"}, ("/password", "password_guessable")),
        ({"password": "lan.weiming-2026"}, ("/password", "password_guessable")),
        ({"password": "Nanning-weiming"}, ("/password", "password_guessable")),
        ({"password": "NCT07312656-NN"}, ("/password", "password_guessable")),
        ({"password_expires_at": None}, ("/password_expires_at", "extra_forbidden")),
        ({"active": True}, ("/active", "extra_forbidden")),
        ({"secret_hash": "x"}, ("/secret_hash", "extra_forbidden")),
    ],
)
def test_what_is_no_account_is_refused_at_its_place(
    looking: Api, changed: Json, mistake: tuple[str, str]
) -> None:
    answer = looking.post("/v1/users", {**PERSON, **changed})
    assert mistakes(answer) == [mistake]
    assert str(changed.get("password", "no value")) not in answer.text


@pytest.mark.parametrize(
    "username",
    ["", "la", "Lan", "lan weiming", "-lan", ".lan", "lan@nn", "lån", "lan\n", "x" * 65, "lan/x"],
)
def test_a_user_name_is_lower_case_and_plain(looking: Api, username: str) -> None:
    for path, body, member in (
        ("/v1/users", PERSON, "username"),
        ("/v1/clients", SYSTEM, "client_id"),
    ):
        answer = looking.post(path, {**body, member: username})
        assert mistakes(answer) == [(f"/{member}", "string_pattern_mismatch")]


@pytest.mark.parametrize("taken", ["monitor-nn", "his-nn"])
def test_a_name_is_given_once_to_user_or_client_active_or_not(api: Api, taken: str) -> None:
    admin = api.as_("admin")
    api.rows("UPDATE account SET active = false WHERE username = :name", name=taken)
    before = api.count("account"), api.count("idempotent_answer")
    problem(admin.post("/v1/users", {**PERSON, "username": taken}), 409, "username_taken")
    problem(admin.post("/v1/clients", {**SYSTEM, "client_id": taken}), 409, "username_taken")
    assert (api.count("account"), api.count("idempotent_answer")) == before


def test_a_retried_creation_makes_one_account(admin: Api) -> None:
    first = admin.post("/v1/users", PERSON, key="once")
    again = admin.post("/v1/users", PERSON, key="once")
    assert created(again) == created(first)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_person_signs_in_with_a_password_of_their_own_until_deactivated(api: Api) -> None:
    admin = api.as_("admin")
    made = created(admin.post("/v1/users", PERSON))
    problem(api.sign_in("lan.weiming", PASSWORD), 400, "password_change_required")
    change = {"username": "lan.weiming", "password": PASSWORD, "new_password": ANOTHER}
    ok(api.client.post("/v1/oauth/password", json=change))
    here = f"/v1/users/{made['id']}"
    assert ok(admin.get(here))["password_temporary"] is False
    own = api.with_token(ok(api.sign_in("lan.weiming", ANOTHER))["access_token"])
    who = ok(own.get("/v1/me"))
    assert (who["id"], who["role"], who["sites"]) == (made["id"], "investigator", ["NN"])
    ok(own.get("/v1/subjects"))
    ok(admin.patch(here, {"active": False, "reason": REASON}))
    time.sleep(1)
    problem(own.get("/v1/subjects"), 401, "unauthorized")
    problem(api.sign_in("lan.weiming", ANOTHER), 400, "invalid_grant")


# --- changing a user -----------------------------------------------------------------

CHANGES: dict[str, Json] = {
    "role": {"role": "coordinator"},
    "sites": {"sites": ["LZ", "NN"]},
    "role and sites": {"role": "auditor", "sites": []},
    "active": {"active": False},
    "password": {"password": ANOTHER},
    "authenticator": {"totp_enrolled": False},
}


def enrolled(api: Api, account: Json) -> None:
    """Give an account an authenticator."""
    api.rows(
        "UPDATE account SET totp_secret = 'sealed', totp_confirmed_at = now(), totp_last_step = 1"
        " WHERE id = :id",
        id=UUID(account["id"]),
    )


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_what_one_may_do_ends_ones_sessions_and_nobody_elses(
    admin: Api, change: Json
) -> None:
    made = created(admin.post("/v1/users", PERSON))
    enrolled(admin, made)
    own, others = session_of(admin, made["id"]), session_of(admin, demo("monitor-nn"))
    changed = ok(admin.patch(f"/v1/users/{made['id']}", {**change, "reason": REASON}))
    assert changed["version"] == 2
    assert {**changed, **change, "password": None} == {**changed, "password": None}
    assert ended(admin, own) == "account_changed"
    assert ended(admin, others) is None


def test_a_corrected_name_ends_no_session(admin: Api) -> None:
    made = created(admin.post("/v1/users", PERSON))
    own = session_of(admin, made["id"])
    changed = ok(admin.patch(f"/v1/users/{made['id']}", {"name": "Dr Lan", "reason": REASON}))
    assert (changed["name"], changed["version"]) == ("Dr Lan", 2)
    assert ended(admin, own) is None


def test_a_session_that_was_over_keeps_the_cause_of_its_end(admin: Api) -> None:
    made = created(admin.post("/v1/users", PERSON))
    over = session_of(admin, made["id"])
    admin.rows("UPDATE account_session SET ended_at = now(), ended_because = 'signed_out'")
    ok(admin.patch(f"/v1/users/{made['id']}", {"active": False, "reason": REASON}))
    assert ended(admin, over) == "signed_out"


def test_a_patch_that_changes_nothing_changes_nothing(admin: Api) -> None:
    made = created(admin.post("/v1/users", PERSON))
    own = session_of(admin, made["id"])
    before = admin.changes()
    same = {name: made[name] for name in ("name", "role", "sites", "active", "totp_enrolled")}
    assert ok(admin.patch(f"/v1/users/{made['id']}", {**same, "reason": REASON})) == made
    assert ended(admin, own) is None
    assert admin.changes() == before


def test_a_password_from_an_admin_is_temporary_again(admin: Api) -> None:
    made = created(admin.post("/v1/users", PERSON))
    own = "UPDATE account SET password_expires_at = NULL WHERE username = 'lan.weiming'"
    admin.rows(own)
    here = f"/v1/users/{made['id']}"
    assert ok(admin.get(here))["password_temporary"] is False
    changed = ok(admin.patch(here, {"password": ANOTHER, "reason": REASON}))
    assert changed["password_temporary"] is True
    row = stored(admin, made)
    assert matches(ANOTHER, row.secret_hash)
    assert row.password_expires_at > datetime.now(UTC) + timedelta(days=6)


def test_a_lost_authenticator_is_forgotten_with_all_that_belongs_to_it(admin: Api) -> None:
    made = created(admin.post("/v1/users", PERSON))
    enrolled(admin, made)
    here = f"/v1/users/{made['id']}"
    assert ok(admin.get(here))["totp_enrolled"] is True
    changed = ok(admin.patch(here, {"totp_enrolled": False, "reason": REASON}))
    assert changed["totp_enrolled"] is False
    row = stored(admin, made)
    assert (row.totp_secret, row.totp_confirmed_at, row.totp_last_step) == (None, None, None)


@pytest.mark.parametrize(
    ("patch", "mistake"),
    [
        ({"role": "auditor"}, ("/sites", "sites_not_of_role")),
        ({"sites": []}, ("/sites", "sites_missing")),
        ({"sites": ["XX"]}, ("/sites/0", "unknown_site")),
        ({"role": "hospital_system"}, ("/role", "enum")),
        ({"password": "monitor-nn-1"}, ("/password", "password_guessable")),
        ({"totp_enrolled": True}, ("/totp_enrolled", "literal_error")),
        ({"username": "other"}, ("/username", "extra_forbidden")),
        ({"active": None}, ("", "value_error")),
        ({"active": 0}, ("/active", "bool_type")),
        ({}, ("", "value_error")),
        ({"active": False, "reason": "ab"}, ("/reason", "string_too_short")),
        ({"active": False, "reason": "x" * 501}, ("/reason", "string_too_long")),
    ],
)
def test_a_patch_that_does_not_fit_is_refused(
    looking: Api, patch: Json, mistake: tuple[str, str]
) -> None:
    path = f"/v1/users/{demo('monitor-nn')}"
    assert mistakes(looking.patch(path, {"reason": REASON, **patch})) == [mistake]


def test_a_change_needs_a_reason_and_the_version_it_was_decided_on(looking: Api) -> None:
    path = f"/v1/users/{demo('monitor-nn')}"
    assert mistakes(looking.patch(path, {"active": False})) == [("/reason", "missing")]
    patch = {"active": False, "reason": REASON}
    problem(looking.patch(path, patch, version=7), 412, "stale_version")
    media = {"Content-Type": "application/merge-patch+json"}
    answer = looking.request("PATCH", path, json=patch, headers=media)
    problem(answer, 428, "if_match_missing")


def test_a_user_is_no_client_and_a_client_no_user(looking: Api) -> None:
    patch = {"active": False, "reason": REASON}
    for path in (
        f"/v1/users/{demo('his-nn')}",
        f"/v1/clients/{demo('monitor-nn')}",
        f"/v1/users/{uuid4()}",
        f"/v1/clients/{uuid4()}",
    ):
        problem(looking.get(path), 404, "not_found")
        problem(looking.patch(path, patch, version=1), 404, "not_found")


def test_nobody_becomes_an_assessor_who_could_read_arms(admin: Api) -> None:
    path = f"/v1/users/{demo('investigator-nn')}"
    problem(admin.patch(path, {"role": "assessor", "reason": REASON}), 409, "knows_the_arms")
    moved = f"/v1/users/{demo('assessor-nn')}"
    kept = {"role": "assessor", "name": "Dr Qin", "reason": REASON}
    assert ok(admin.patch(moved, kept))["role"] == "assessor"
    assert ok(admin.patch(moved, {"role": "coordinator", "reason": REASON}, version=2))
    problem(admin.patch(moved, {"role": "assessor", "reason": REASON}), 409, "knows_the_arms")


# --- admins --------------------------------------------------------------------------

SECOND: Json = {**PERSON, "username": "second", "role": "admin", "sites": []}


@pytest.mark.parametrize(
    "change",
    [{"role": "auditor"}, {"password": ANOTHER}, {"totp_enrolled": False}],
    ids=["role", "password", "authenticator"],
)
def test_admins_change_none_of_their_own_rights_and_credentials(admin: Api, change: Json) -> None:
    created(admin.post("/v1/users", SECOND))
    own = {"id": demo("admin")}
    enrolled(admin, own)
    before = stored(admin, own)
    path = f"/v1/users/{own['id']}"
    problem(admin.patch(path, {**change, "reason": REASON}), 403, "own_account")
    assert stored(admin, own) == before


def test_admins_may_correct_their_own_name_and_leave(admin: Api) -> None:
    created(admin.post("/v1/users", SECOND))
    path = f"/v1/users/{demo('admin')}"
    renamed = ok(admin.patch(path, {"name": "Dr Meng", "role": "admin", "reason": REASON}))
    assert renamed["name"] == "Dr Meng"
    left = ok(admin.patch(path, {"active": False, "reason": REASON}, version=2))
    assert left["active"] is False


@pytest.mark.parametrize("change", [{"active": False}, {"role": "auditor"}])
def test_the_last_active_admin_stays(api: Api, change: Json) -> None:
    admin = api.as_("admin")
    second = created(admin.post("/v1/users", SECOND))
    patch = {**change, "reason": REASON}
    first = f"/v1/users/{demo('admin')}"
    api.rows("UPDATE account SET active = false WHERE username = 'admin'")
    problem(admin.patch(f"/v1/users/{second['id']}", patch, version=1), 409, "last_admin")
    api.rows("UPDATE account SET active = username = 'admin' WHERE role = 'admin'")
    if "active" in change:
        problem(admin.patch(first, patch, version=1), 409, "last_admin")
    assert api.rows("SELECT 1 FROM account WHERE username = 'admin' AND active")


# --- clients -------------------------------------------------------------------------


def test_a_system_is_given_an_account_with_a_secret(admin: Api) -> None:
    answer = admin.post("/v1/clients", SYSTEM)
    made = created(answer)
    assert {name: made[name] for name in ("client_id", "name", "role", "sites", "active")} == {
        "client_id": "his-nanning",
        "name": "Hospital information system",
        "role": "hospital_system",
        "sites": ["NN"],
        "active": True,
    }
    assert (made["has_secret"], made["keys"], made["version"]) == (True, [], 1)
    assert answer.headers["Location"] == f"/v1/clients/{made['id']}"
    assert ok(admin.get(made["links"]["self"])) == made
    row = stored(admin, made)
    assert (row.kind, row.jwks, row.password_expires_at) == ("client", None, None)
    assert matches(SECRET, row.secret_hash)


KEYS: dict[str, Json] = {
    "P-256": ec_key(),
    "P-256 with all": ec_key(use="sig", alg="ES256"),
    "P-384": ec_key(curve=ec.SECP384R1(), alg="ES384"),
    "RSA 2048": rsa_key(2048),
    "RSA 4096": rsa_key(4096, alg="RS384"),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_system_is_given_an_account_with_public_keys_alone(admin: Api, key: Json) -> None:
    given = keys(key, ec_key("second"))
    body = {name: value for name, value in SYSTEM.items() if name != "secret"}
    made = created(admin.post("/v1/clients", {**body, "jwks": given}))
    assert (made["has_secret"], made["keys"]) == (False, ["1", "second"])
    row = stored(admin, made)
    assert (row.secret_hash, row.jwks) == (None, given)


REFUSED: dict[str, tuple[Json, tuple[str, str]]] = {
    "private EC": (keys(ec_key(d="AQAB")), ("/jwks/keys/0/d", "extra_forbidden")),
    "private RSA": (keys(rsa_key(2048, p="AQAB")), ("/jwks/keys/0/p", "extra_forbidden")),
    "shared": (
        keys({"kid": "1", "kty": "oct", "k": "AQAB"}),
        ("/jwks/keys/0/kty", "enum"),
    ),
    "address": (keys(ec_key(jku="https://x")), ("/jwks/keys/0/jku", "extra_forbidden")),
    "certificate": (keys(ec_key(x5c=["x"])), ("/jwks/keys/0/x5c", "extra_forbidden")),
    "small RSA": (keys(rsa_key(1024)), ("/jwks/keys/0", "value_error")),
    "large RSA": (
        keys({"kid": "1", "kty": "RSA", "n": base64url(b"\xff" * 640), "e": "AQAB"}),
        ("/jwks/keys/0", "value_error"),
    ),
    "exponent": (keys(rsa_key(2048, e="Aw")), ("/jwks/keys/0", "value_error")),
    "other curve": (
        keys(ec_key(curve=ec.SECP521R1())),
        ("/jwks/keys/0/crv", "enum"),
    ),
    "off the curve": (keys(ec_key(y=ec_key()["y"])), ("/jwks/keys/0", "value_error")),
    "no numbers": (
        keys({"kid": "1", "kty": "EC", "crv": "P-256"}),
        ("/jwks/keys/0", "value_error"),
    ),
    "other algorithm": (keys(ec_key(alg="ES384")), ("/jwks/keys/0", "value_error")),
    "no algorithm": (keys(ec_key(alg="none")), ("/jwks/keys/0/alg", "enum")),
    "encryption": (keys(ec_key(use="enc")), ("/jwks/keys/0/use", "literal_error")),
    "no kid": (
        keys({name: value for name, value in ec_key().items() if name != "kid"}),
        ("/jwks/keys/0/kid", "missing"),
    ),
    "one kid twice": (keys(ec_key(), ec_key()), ("/jwks/keys/1/kid", "kid_not_unique")),
    "none": (keys(), ("/jwks/keys", "too_short")),
    "nine": (keys(*(ec_key(str(n)) for n in range(9))), ("/jwks/keys", "too_long")),
    "elsewhere": ({"uri": "https://x"}, ("/jwks/keys", "missing")),
}


@pytest.mark.parametrize(("jwks", "mistake"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_public_key_of_its_own_is_refused(
    looking: Api, jwks: Json, mistake: tuple[str, str]
) -> None:
    assert mistake in mistakes(looking.post("/v1/clients", {**SYSTEM, "jwks": jwks}))


@pytest.mark.parametrize(
    ("changed", "mistake"),
    [
        ({"sites": []}, ("/sites", "sites_missing")),
        ({"sites": ["XX"]}, ("/sites/0", "unknown_site")),
        ({"role": "admin"}, ("/role", "extra_forbidden")),
        ({"secret": SECRET[:31]}, ("/secret", "string_too_short")),
        ({"secret": SECRET * 5}, ("/secret", "string_too_long")),
        ({"secret": "with a space " * 4}, ("/secret", "string_pattern_mismatch")),
        ({"secret": "a" * 40}, ("/secret", "password_guessable")),
        ({"secret": "his-nanning-" * 3}, ("/secret", "password_guessable")),
    ],
)
def test_what_is_no_client_is_refused(
    looking: Api, changed: Json, mistake: tuple[str, str]
) -> None:
    assert mistakes(looking.post("/v1/clients", {**SYSTEM, **changed})) == [mistake]


def test_a_client_needs_some_way_to_sign_in(admin: Api) -> None:
    bare = {name: value for name, value in SYSTEM.items() if name != "secret"}
    assert mistakes(admin.post("/v1/clients", bare)) == [("/secret", "no_credentials")]
    made = created(admin.post("/v1/clients", SYSTEM))
    here = f"/v1/clients/{made['id']}"
    for patch in ({"secret": None}, {"secret": None, "jwks": None}):
        answer = admin.patch(here, {**patch, "reason": REASON})
        assert mistakes(answer) == [("/secret", "no_credentials")]
    both = ok(admin.patch(here, {"jwks": keys(ec_key("2026")), "reason": REASON}))
    assert (both["has_secret"], both["keys"]) == (True, ["2026"])
    by_key = ok(admin.patch(here, {"secret": None, "reason": REASON}))
    assert (by_key["has_secret"], by_key["keys"]) == (False, ["2026"])
    answer = admin.patch(here, {"jwks": None, "reason": REASON})
    assert mistakes(answer) == [("/secret", "no_credentials")]
    by_secret = ok(admin.patch(here, {"jwks": None, "secret": SECRET, "reason": REASON}))
    assert (by_secret["has_secret"], by_secret["keys"]) == (True, [])
    assert stored(admin, made).jwks is None


@pytest.mark.parametrize(
    "change",
    [{"sites": ["LZ"]}, {"active": False}, {"secret": SECRET[::-1]}, {"jwks": keys(ec_key())}],
    ids=["sites", "active", "secret", "jwks"],
)
def test_a_change_of_what_a_client_may_do_ends_its_sessions(admin: Api, change: Json) -> None:
    made = created(admin.post("/v1/clients", SYSTEM))
    here = f"/v1/clients/{made['id']}"
    own, others = session_of(admin, made["id"]), session_of(admin, demo("his-nn"))
    renamed = ok(admin.patch(here, {"name": "HIS", "sites": ["NN"], "reason": REASON}))
    assert (renamed["version"], ended(admin, own)) == (2, None)
    assert ok(admin.patch(here, {**change, "reason": REASON}))["version"] == 3
    assert ended(admin, own) == "account_changed"
    assert ended(admin, others) is None


def test_a_client_patched_with_what_it_has_is_not_changed(admin: Api) -> None:
    jwks = keys(ec_key())
    made = created(admin.post("/v1/clients", {**SYSTEM, "jwks": jwks}))
    own = session_of(admin, made["id"])
    before = admin.changes()
    same = {"name": SYSTEM["name"], "sites": ["NN"], "active": True, "jwks": jwks}
    assert ok(admin.patch(made["links"]["self"], {**same, "reason": REASON})) == made
    assert ended(admin, own) is None
    assert admin.changes() == before


# --- lists ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("role=monitor", {"monitor-nn", "monitor-lz", "monitor-yl"}),
        ("role=monitor&site=LZ", {"monitor-lz"}),
        ("username=dmc", {"dmc"}),
        (
            "site=YL",
            {
                "assessor-yl",
                "assessor-yl-2",
                "coordinator-yl",
                "investigator-yl",
                "monitor-yl",
            },
        ),
        ("active=false", set()),
        ("username=his-nn", set()),
        ("role=hospital_system", set()),
    ],
)
def test_users_are_found_by_role_site_state_and_name(
    looking: Api, query: str, names: set[str]
) -> None:
    items = ok(looking.get(f"/v1/users?{query}"))["items"]
    assert {item["username"] for item in items} == names


def test_clients_are_found_by_site_state_and_id(looking: Api) -> None:
    def found(query: str) -> set[str]:
        items = ok(looking.get(f"/v1/clients?{query}"))["items"]
        return {item["client_id"] for item in items}

    assert found("") == found("active=true") == {"his-nn", "his-lz", "his-yl"}
    assert found("site=NN") == found("client_id=his-nn") == {"his-nn"}
    assert found("active=false") == found("client_id=admin") == set()


def test_the_list_of_users_goes_on_page_by_page(looking: Api) -> None:
    whole = ok(looking.get("/v1/users?limit=200"))["items"]
    read: list[Json] = []
    path: str | None = "/v1/users?limit=4"
    while path is not None:
        page = ok(looking.get(path))
        read += page["items"]
        cursor = page["next_cursor"]
        path = cursor and f"/v1/users?limit=4&cursor={cursor}"
    assert read == whole
    people = [*(SITE_BOUND - {Role.HOSPITAL_SYSTEM}), "a second assessor"]
    assert len(whole) == len(people) * 3 + len(set(Role) - SITE_BOUND)


# --- what is told, and what is kept --------------------------------------------------


def test_no_answer_and_no_stored_answer_holds_a_secret(admin: Api) -> None:
    public = ec_key()
    person = created(admin.post("/v1/users", PERSON))
    system = created(admin.post("/v1/clients", {**SYSTEM, "jwks": keys(public)}))
    enrolled(admin, person)
    texts = [
        admin.get(person["links"]["self"]).text,
        admin.get(system["links"]["self"]).text,
        admin.get("/v1/users?username=lan.weiming").text,
        admin.get("/v1/clients?client_id=his-nanning").text,
        admin.patch(person["links"]["self"], {"password": ANOTHER, "reason": REASON}).text,
        admin.patch(system["links"]["self"], {"secret": SECRET[::-1], "reason": REASON}).text,
        *(bytes(row.body).decode() for row in admin.rows("SELECT body FROM idempotent_answer")),
    ]
    assert len(texts) == 8
    for text in texts:
        assert person["id"] in text or system["id"] in text
        for secret in (PASSWORD, ANOTHER, SECRET, SECRET[::-1], "hash", "sealed", public["x"]):
            assert secret not in text


def test_a_change_of_role_is_in_the_trail_with_who_what_and_why(admin: Api) -> None:
    made = created(admin.post("/v1/users", PERSON))
    enrolled(admin, made)
    change = {"role": "auditor", "sites": [], "password": ANOTHER, "reason": REASON}
    answer = admin.patch(f"/v1/users/{made['id']}", change)
    ok(answer)
    rows = admin.rows(
        "SELECT * FROM audit_event WHERE record = 'account' AND record_id = :id ORDER BY id",
        id=made["id"],
    )
    inserted, _, updated = rows
    assert (inserted.operation, inserted.old) == ("INSERT", None)
    assert inserted.new["role"] == "investigator"
    assert updated.operation == "UPDATE"
    assert (updated.actor, updated.role) == (demo("admin"), "admin")
    assert updated.request_id == answer.headers["X-Request-Id"]
    assert updated.reason == REASON
    assert (updated.old["role"], updated.new["role"]) == ("investigator", "auditor")
    assert (updated.old["sites"], updated.new["sites"]) == (["NN"], [])
    told = str([(row.old, row.new) for row in rows])
    for secret in (PASSWORD, ANOTHER, "secret_hash", "sealed", "7365616c6564"):
        assert secret not in told

"""Whoever asks, the same work is done before the same answer; and a refusal is in the trail."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest
from sqlalchemy import event

from services.api.core.errors import ApiError
from services.api.identity import credentials, passwords
from services.api.identity.door import Door, Source
from services.api.identity.errors import InvalidGrant
from services.api.identity.rules import PER_SOURCE
from services.api.sandbox.service import PASSWORD
from tests.make import Api, ok

HERE = Source("192.0.2.1")


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The hashes that were verified; secrets are compared without the price of argon2."""
    found: list[str | None] = []

    def matches(secret: str, secret_hash: str | None) -> bool:
        found.append(secret_hash)
        return secret == PASSWORD and secret_hash is not None

    monkeypatch.setattr(passwords, "matches", matches)
    return found


@pytest.fixture
def door(api: Api) -> Door:
    return Door(api.state.database, api.state.settings)


def refusals(api: Api) -> list[Any]:
    return api.rows(
        "SELECT operation, record_id, actor, new FROM audit_event"
        " WHERE operation LIKE 'SIGN_IN%' ORDER BY id"
    )


def test_an_unknown_a_known_and_an_inactive_account_cost_the_same_work(
    api: Api, door: Door, verified: list[str | None]
) -> None:
    """The same statements and one verified hash, so that time tells no more than the text."""
    api.rows("UPDATE account SET active = false WHERE username = 'monitor-lz'")
    work: list[tuple[list[str], int]] = []
    statements: list[str] = []

    def count(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement.partition("'")[0])

    event.listen(door.database._aside, "before_cursor_execute", count)
    for username, password in (
        ("nobody", "wrong"),
        ("monitor-nn", "wrong"),
        ("monitor-lz", PASSWORD),
        ("his-nn", PASSWORD),
    ):
        statements.clear()
        verified.clear()
        with pytest.raises(InvalidGrant) as refusal:
            credentials.prove_user(door, HERE, username, password, None)
        assert refusal.value.detail == InvalidGrant.remedy()
        work.append((list(statements), len(verified)))
    assert work[0][1] == 1
    assert len(work[0][0]) > 3
    assert all(one == work[0] for one in work)


def test_a_refused_sign_in_is_in_the_trail_with_its_cause(
    api: Api, door: Door, verified: list[str | None]
) -> None:
    (monitor,) = api.rows("SELECT id::text FROM account WHERE username = 'monitor-nn'")[0]
    for username in ("nobody", "monitor-nn"):
        with pytest.raises(InvalidGrant):
            credentials.prove_user(door, HERE, username, "wrong", None)
    assert [tuple(row) for row in refusals(api)] == [
        ("SIGN_IN_REFUSED", "", None, {"because": "unknown"}),
        ("SIGN_IN_REFUSED", monitor, None, {"because": "secret"}),
    ]


def test_the_trail_tells_when_guessing_is_slowed_and_is_not_flooded(
    api: Api, door: Door, verified: list[str | None]
) -> None:
    for _ in range(PER_SOURCE.guesses + 20):
        with pytest.raises(ApiError):
            credentials.prove_user(door, HERE, "monitor-nn", "wrong", None)
    operations = [row.operation for row in refusals(api)]
    assert operations == ["SIGN_IN_REFUSED"] * PER_SOURCE.guesses + ["SIGN_IN_THROTTLED"]


def enrolled(api: Api, username: str) -> pyotp.TOTP:
    """An authenticator that the account has confirmed long ago."""
    person = {"username": username, "password": PASSWORD}
    offer = ok(api.client.post("/v1/oauth/totp", json=person))
    authenticator = pyotp.TOTP(offer["secret"])
    confirmation = {**person, "ticket": offer["ticket"], "totp": authenticator.now()}
    ok(api.client.post("/v1/oauth/totp/confirmation", json=confirmation))
    api.rows("UPDATE account SET totp_last_step = 1 WHERE username = :name", name=username)
    return authenticator


def test_a_code_is_good_once_whoever_comes_first(
    api: Api, door: Door, verified: list[str | None]
) -> None:
    authenticator = enrolled(api, "monitor-nn")
    code = authenticator.now()

    def sign_in(_: int) -> int:
        return api.sign_in("monitor-nn", totp=code).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(sign_in, range(8)))
    assert sorted(statuses) == [200] + [400] * 7


def test_an_account_that_changed_meanwhile_does_not_get_in(
    api: Api, door: Door, verified: list[str | None]
) -> None:
    proven = credentials.prove_user(door, HERE, "monitor-nn", PASSWORD, None)
    for change in ("active = false", "version = version + 1"):
        api.rows(f"UPDATE account SET {change} WHERE username = 'monitor-nn'")
        with door.database.transaction() as session, pytest.raises(InvalidGrant):
            credentials.locked(session, proven)
        api.rows("UPDATE account SET active = true WHERE username = 'monitor-nn'")

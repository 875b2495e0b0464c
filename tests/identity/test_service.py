"""Accounts: who gets in with what, at which sites, and at what price."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlmodel import Session, select

from services.api.core.auth import Principal
from services.api.core.permissions import SITE_BOUND, WITHOUT_CLINICAL_DATA, Role
from services.api.identity import service
from services.api.identity.errors import InvalidClient, InvalidGrant, ReauthenticationFailed
from services.api.identity.models import Account
from services.api.sandbox.service import PASSWORD, username
from tests.make import Api


@pytest.fixture
def session(unchanged: Api) -> Iterator[Session]:
    """A session whose work is not kept."""
    with unchanged.state.database.session() as made:
        yield made


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Compare secrets without the price of argon2; lists the hashes that were verified."""
    verified: list[str] = []

    def matches(secret: str, secret_hash: str) -> bool:
        verified.append(secret_hash)
        return secret == PASSWORD and secret_hash != service._nobody()

    monkeypatch.setattr(service, "_matches", matches)
    return verified


@pytest.mark.parametrize("role", Role)
def test_an_account_acts_at_the_sites_of_its_role(
    session: Session, instant: list[str], role: Role
) -> None:
    sign_in = service.sign_in_client if role is Role.HOSPITAL_SYSTEM else service.sign_in_user
    principal = sign_in(session, username(role, "LZ"), PASSWORD)
    assert principal.role is role
    assert principal.machine is (role is Role.HOSPITAL_SYSTEM)
    if role in SITE_BOUND:
        assert principal.sites == ("LZ",)
    else:
        everywhere = () if role in WITHOUT_CLINICAL_DATA else ("LZ", "NN", "YL")
        assert principal.sites == everywhere


def test_an_unknown_account_costs_as_much_as_a_wrong_password(
    session: Session, instant: list[str]
) -> None:
    for name in ("monitor-nn", "nobody"):
        with pytest.raises(InvalidGrant):
            service.sign_in_user(session, name, "wrong")
    known, unknown = instant
    assert unknown == service._nobody() != known
    assert known.split("$")[:4] == unknown.split("$")[:4]  # the same algorithm and parameters


def test_people_and_machines_use_their_own_door(session: Session, instant: list[str]) -> None:
    with pytest.raises(InvalidGrant):
        service.sign_in_user(session, "his-nn", PASSWORD)
    with pytest.raises(InvalidClient):
        service.sign_in_client(session, "monitor-nn", PASSWORD)


@pytest.mark.parametrize("name", ["MONITOR-NN", " monitor-nn", "monitor-nn ", "monitor-n%", ""])
def test_a_user_name_is_exact(session: Session, instant: list[str], name: str) -> None:
    with pytest.raises(InvalidGrant):
        service.sign_in_user(session, name, PASSWORD)


def test_a_deactivated_account_neither_signs_in_nor_signs(api: Api, instant: list[str]) -> None:
    api.rows("UPDATE account SET active = false WHERE username IN ('investigator-nn', 'his-nn')")
    with api.state.database.session() as session:
        with pytest.raises(InvalidGrant):
            service.sign_in_user(session, "investigator-nn", PASSWORD)
        with pytest.raises(InvalidClient):
            service.sign_in_client(session, "his-nn", PASSWORD)
        account = session.exec(select(Account).filter_by(username="investigator-nn")).one()
        caller = Principal(account.id, "", Role.INVESTIGATOR, ("NN",), machine=False)
        with pytest.raises(ReauthenticationFailed):
            service.reauthenticate(session, caller, PASSWORD)


def test_only_the_one_signed_in_signs_and_no_machine(session: Session, instant: list[str]) -> None:
    caller = service.sign_in_user(session, "investigator-nn", PASSWORD)
    service.reauthenticate(session, caller, PASSWORD)
    for someone, password in (
        (caller, "wrong"),
        (replace(caller, id=uuid4()), PASSWORD),
        (replace(caller, machine=True), PASSWORD),
    ):
        with pytest.raises(ReauthenticationFailed):
            service.reauthenticate(session, someone, password)


def test_a_secret_is_kept_as_a_salted_hash() -> None:
    one, other = service.hash_secret("secret"), service.hash_secret("secret")
    assert one != other
    assert one.startswith("$argon2id$")
    assert service._matches("secret", one)
    assert not service._matches("Secret", one)


def test_no_more_than_two_secrets_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes a core and 64 MiB: a burst of sign-ins must not starve the trial."""
    running, most, lock = 0, 0, threading.Lock()

    class Slow:
        def verify(self, *_: str) -> bool:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.01)
            with lock:
                running -= 1
            return True

    monkeypatch.setattr(service, "_HASHER", Slow())
    with ThreadPoolExecutor(10) as pool:
        assert all(pool.map(lambda _: service._matches("x", "y"), range(20)))
    assert most == 2


def test_a_new_account_may_sign_in_at_once(session: Session, instant: list[str]) -> None:
    service.create_account(
        session,
        account_id=uuid4(),
        kind="user",
        username="new-monitor",
        name="Dr Lan",
        role=Role.MONITOR,
        sites=["NN", "LZ"],
        secret_hash="x",
    )
    principal = service.sign_in_user(session, "new-monitor", PASSWORD)
    assert (principal.name, principal.sites) == ("Dr Lan", ("NN", "LZ"))

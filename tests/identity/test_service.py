"""Who gets in with what, at which sites; who signs; and who changes their own credentials."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pyotp
import pytest
from fastapi import Request
from sqlmodel import Session

from services.api.core.auth import Principal
from services.api.core.errors import TooManyRequests, Unavailable
from services.api.core.permissions import SITE_BOUND, WITHOUT_CLINICAL_DATA, Role
from services.api.identity import passwords, service
from services.api.identity.door import Door, Source
from services.api.identity.errors import InvalidClient, InvalidGrant, ReauthenticationFailed
from services.api.identity.rules import PER_SOURCE
from services.api.sandbox.service import PASSWORD, username
from tests.make import Api, Json, mistakes, ok, problem

HERE = Source("192.0.2.1")
NEW = "wisteria ladder 7 mercury"


@pytest.fixture
def door(api: Api, monkeypatch: pytest.MonkeyPatch) -> Door:
    """The door; secrets are compared without the price of argon2."""

    def matches(secret: str, secret_hash: str | None) -> bool:
        return secret_hash is not None and secret == secret_hash.removeprefix("plain ")

    monkeypatch.setattr(passwords, "matches", matches)
    monkeypatch.setattr(service, "hash_secret", lambda secret: f"plain {secret}")
    api.rows("UPDATE account SET secret_hash = 'plain sandbox-only'")
    return Door(api.state.database, api.state.settings)


# --- signing in ---------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_an_account_acts_at_the_sites_of_its_role(door: Door, role: Role) -> None:
    name = username(role, "LZ")
    signed_in = (
        service.sign_in_client(door, HERE, name, PASSWORD)
        if role is Role.HOSPITAL_SYSTEM
        else service.sign_in_user(door, HERE, name, PASSWORD, None)
    )
    caller = signed_in.caller
    assert caller.role is role
    assert caller.machine is (role is Role.HOSPITAL_SYSTEM)
    assert (signed_in.refresh_token is None) is caller.machine
    if role in SITE_BOUND:
        assert caller.sites == ("LZ",)
    else:
        everywhere = () if role in WITHOUT_CLINICAL_DATA else ("LZ", "NN", "YL")
        assert caller.sites == everywhere


def test_people_and_machines_use_their_own_door(door: Door) -> None:
    with pytest.raises(InvalidGrant):
        service.sign_in_user(door, HERE, "his-nn", PASSWORD, None)
    with pytest.raises(InvalidClient):
        service.sign_in_client(door, HERE, "monitor-nn", PASSWORD)


@pytest.mark.parametrize("name", ["MONITOR-NN", " monitor-nn", "monitor-nn ", "monitor-n%", ""])
def test_a_user_name_is_exact(door: Door, name: str) -> None:
    with pytest.raises(InvalidGrant):
        service.sign_in_user(door, HERE, name, PASSWORD, None)


def test_every_sign_in_and_sign_out_is_in_the_trail(api: Api, door: Door) -> None:
    caller = service.sign_in_user(door, HERE, "monitor-nn", PASSWORD, None).caller
    service.sign_out(door, caller.session)
    service.sign_out(door, caller.session)
    service.sign_out(door, uuid4())
    rows = api.rows(
        "SELECT operation, actor, actor_name, role, new ->> 'ended_because' AS because"
        " FROM audit_event WHERE record = 'account_session' AND record_id = :id ORDER BY id",
        id=str(caller.session),
    )
    who = (str(caller.id), caller.name, "monitor")
    assert [tuple(row) for row in rows] == [
        ("INSERT", *who, None),
        ("UPDATE", *who, "signed_out"),
    ]


# --- second factor ------------------------------------------------------------------------


def offered(api: Api, name: str, **more: str) -> Json:
    person = {"username": name, "password": PASSWORD, **more}
    return ok(api.client.post("/v1/oauth/totp", json=person))


def confirmed(api: Api, name: str, offer: Json, code: str, **more: str) -> httpx.Response:
    person = {"username": name, "password": PASSWORD, **more}
    body = {**person, "ticket": offer["ticket"], "totp": code}
    return api.client.post("/v1/oauth/totp/confirmation", json=body)


def enrolled(api: Api, name: str) -> pyotp.TOTP:
    """An authenticator confirmed some steps ago."""
    offer = offered(api, name)
    authenticator = pyotp.TOTP(offer["secret"])
    ok(confirmed(api, name, offer, authenticator.now()))
    forget_codes(api)
    return authenticator


def forget_codes(api: Api) -> None:
    """Let time pass: the codes used so far are of earlier steps."""
    api.rows("UPDATE account SET totp_last_step = 1 WHERE totp_secret IS NOT NULL")


def test_who_has_a_second_factor_needs_it(api: Api, door: Door) -> None:
    before = ok(api.sign_in("monitor-nn"))
    authenticator = enrolled(api, "monitor-nn")
    problem(api.refresh(before["refresh_token"]), 400, "invalid_grant")
    body = problem(api.sign_in("monitor-nn"), 400, "totp_required")
    assert body["error"] == "invalid_grant"
    wrong = f"{(int(authenticator.now()) + 1) % 10**6:06}"
    problem(api.sign_in("monitor-nn", totp=wrong), 400, "invalid_grant")
    problem(api.sign_in("monitor-nn", "wrong"), 400, "invalid_grant")
    code = authenticator.now()
    ok(api.sign_in("monitor-nn", totp=code))
    problem(api.sign_in("monitor-nn", totp=code), 400, "invalid_grant")


def test_an_offer_changes_nothing_until_its_code_is_shown(api: Api, door: Door) -> None:
    offer = offered(api, "monitor-nn")
    ok(api.sign_in("monitor-nn"))
    wrong = f"{(int(pyotp.TOTP(offer['secret']).now()) + 1) % 10**6:06}"
    answer = confirmed(api, "monitor-nn", offer, wrong)
    assert mistakes(answer) == [("/totp", "wrong_code")]
    others = offered(api, "coordinator-nn")
    code = pyotp.TOTP(others["secret"]).now()
    problem(confirmed(api, "monitor-nn", others, code), 409, "ticket_refused")
    ok(api.sign_in("monitor-nn"))


def test_an_offer_from_before_another_change_is_void(api: Api, door: Door) -> None:
    """Who knew the password before its owner enrolled replaces nothing afterwards."""
    early = offered(api, "monitor-nn")
    enrolled(api, "monitor-nn")
    code = pyotp.TOTP(early["secret"]).now()
    problem(confirmed(api, "monitor-nn", early, code), 409, "ticket_refused")


def test_a_ticket_is_good_once(api: Api, door: Door) -> None:
    offer = offered(api, "monitor-nn")
    code = pyotp.TOTP(offer["secret"]).now()
    ok(confirmed(api, "monitor-nn", offer, code))
    problem(confirmed(api, "monitor-nn", offer, code), 409, "ticket_refused")


def test_a_password_alone_makes_no_address_familiar_to_who_has_a_second_factor(
    api: Api, door: Door
) -> None:
    enrolled(api, "monitor-nn")
    api.rows("DELETE FROM familiar_source")
    problem(confirmed(api, "monitor-nn", {"ticket": "junk"}, "000000"), 409, "ticket_refused")
    problem(api.sign_in("monitor-nn"), 400, "totp_required")
    assert api.count("familiar_source") == 0


def test_a_new_authenticator_takes_a_code_of_the_old_one(api: Api, door: Door) -> None:
    old = enrolled(api, "monitor-nn")
    person = {"username": "monitor-nn", "password": PASSWORD}
    problem(api.client.post("/v1/oauth/totp", json=person), 400, "totp_required")
    offer = offered(api, "monitor-nn", totp=old.now())
    new = pyotp.TOTP(offer["secret"])
    ok(confirmed(api, "monitor-nn", offer, new.now()))
    forget_codes(api)
    problem(api.sign_in("monitor-nn", totp=old.now()), 400, "invalid_grant")
    ok(api.sign_in("monitor-nn", totp=new.now()))


@pytest.fixture
def stricter(api: Api) -> Iterator[None]:
    """An installation at which monitors need a second factor."""
    usual = api.state.settings
    api.state.settings = usual.model_copy(update={"totp_roles": frozenset({"monitor"})})
    yield
    api.state.settings = usual


def test_a_role_that_needs_a_second_factor_enrols_first(
    api: Api, door: Door, stricter: None
) -> None:
    problem(api.sign_in("monitor-nn"), 400, "totp_enrolment_required")
    ok(api.sign_in("coordinator-nn"))
    authenticator = enrolled(api, "monitor-nn")
    tokens = ok(api.sign_in("monitor-nn", totp=authenticator.now()))
    api.rows("UPDATE account SET totp_confirmed_at = NULL WHERE username = 'monitor-nn'")
    problem(api.refresh(tokens["refresh_token"]), 400, "totp_enrolment_required")


# --- own password -------------------------------------------------------------------------


def change(api: Api, new: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    body = {"username": "monitor-nn", "password": password, "new_password": new, **more}
    return api.client.post("/v1/oauth/password", json=body)


def test_a_person_replaces_their_password_and_starts_anew(api: Api, door: Door) -> None:
    before = ok(api.sign_in("monitor-nn"))
    ok(change(api, NEW))
    problem(api.refresh(before["refresh_token"]), 400, "invalid_grant")
    problem(api.sign_in("monitor-nn"), 400, "invalid_grant")
    ok(api.sign_in("monitor-nn", NEW))
    (row,) = api.rows(
        "SELECT actor_name, new::text AS new FROM audit_event WHERE record = 'account'"
        " AND operation = 'UPDATE' AND (new ->> 'version') = '2'"
    )
    assert row.actor_name == "Demo monitor, Nanning"
    assert "plain" not in row.new


def test_a_password_is_replaced_by_its_holder_alone(api: Api, door: Door) -> None:
    problem(change(api, NEW, "wrong"), 400, "invalid_grant")
    authenticator = enrolled(api, "monitor-nn")
    problem(change(api, NEW), 400, "totp_required")
    ok(change(api, NEW, totp=authenticator.now()))


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("too short", "password_too_short"),
        ("passwordpassword", "password_guessable"),
        ("monitor-nn-2026", "password_guessable"),
        (PASSWORD, "password_unchanged"),
    ],
)
def test_a_weak_password_is_refused_and_the_old_one_stays(
    api: Api, door: Door, new: str, code: str
) -> None:
    assert mistakes(change(api, new)) == [("/new_password", code)]
    ok(api.sign_in("monitor-nn"))
    assert api.count("sign_in_attempt") == 0


def test_a_password_that_an_admin_gave_only_makes_way_for_one_s_own(api: Api, door: Door) -> None:
    temporary = "UPDATE account SET password_expires_at = now() + interval '1 hour'"
    api.rows(f"{temporary} WHERE username = 'monitor-nn'")
    problem(api.sign_in("monitor-nn"), 400, "password_change_required")
    person = {"username": "monitor-nn", "password": PASSWORD}
    answer = api.client.post("/v1/oauth/totp", json=person)
    problem(answer, 400, "password_change_required")
    ok(change(api, NEW))
    ok(api.sign_in("monitor-nn", NEW))


def test_a_password_that_an_admin_gave_expires(api: Api, door: Door) -> None:
    api.rows("UPDATE account SET password_expires_at = now() WHERE username = 'monitor-nn'")
    assert "ask an admin" in problem(change(api, NEW), 400, "invalid_grant")["detail"]


# --- signing --------------------------------------------------------------------------------


def in_a_request(api: Api, caller: Principal) -> Session:
    """A session as a route gets it."""
    request = Request({"type": "http", "app": SimpleNamespace(state=api.state)})
    session: Session = api.state.database.session(caller, request=request)
    return session


class Signer:
    """Someone signed in, who proves themselves again to sign."""

    def __init__(self, api: Api, caller: Principal) -> None:
        self.api, self.caller = api, caller

    def signs(self, password: str | None = None, totp: str | None = None) -> bool:
        with in_a_request(self.api, self.caller) as session:
            try:
                service.reauthenticate(session, self.caller, password=password, totp=totp)
            except ReauthenticationFailed:
                return False
            session.commit()
        return True


@pytest.fixture
def signer(api: Api, door: Door) -> Signer:
    return Signer(api, service.sign_in_user(door, HERE, "investigator-nn", PASSWORD, None).caller)


def test_only_the_one_signed_in_signs_and_no_machine(api: Api, door: Door, signer: Signer) -> None:
    assert not signer.signs("wrong")
    assert not signer.signs()
    assert signer.signs(PASSWORD)
    machine = service.sign_in_client(door, HERE, "his-nn", PASSWORD).caller
    assert not Signer(api, machine).signs(PASSWORD)
    (other,) = api.rows("SELECT id FROM account WHERE username = 'monitor-nn'")[0]
    stranger = Principal(other, "", Role.MONITOR, ("NN",), machine=False, session=uuid4())
    api.rows("UPDATE account SET active = false WHERE id = :id", id=other)
    assert not Signer(api, stranger).signs(PASSWORD)
    unknown = Principal(UUID(int=1), "", Role.MONITOR, ("NN",), machine=False, session=uuid4())
    assert not Signer(api, unknown).signs(PASSWORD)


def test_the_first_signing_needs_every_component_and_the_next_ones_one(
    api: Api, door: Door
) -> None:
    """21 CFR 11.200(a)(1)(i)."""
    authenticator = enrolled(api, "investigator-nn")

    def signed_in() -> Signer:
        code = authenticator.now()
        caller = service.sign_in_user(door, HERE, "investigator-nn", PASSWORD, code).caller
        forget_codes(api)
        return Signer(api, caller)

    signer = signed_in()
    assert not signer.signs(password=PASSWORD)
    assert not signer.signs(totp=authenticator.now())
    assert signer.signs(PASSWORD, authenticator.now())
    assert signer.signs(password=PASSWORD)
    forget_codes(api)
    assert signer.signs(totp=authenticator.now())
    assert not signer.signs(totp=authenticator.now())  # each code once
    assert not signer.signs(password=PASSWORD, totp="000000")
    assert not signer.signs()
    forget_codes(api)
    assert not signed_in().signs(password=PASSWORD)


def test_a_refused_signing_is_no_first_signing(api: Api, door: Door, signer: Signer) -> None:
    with in_a_request(api, signer.caller) as session:
        service.reauthenticate(session, signer.caller, password=PASSWORD, totp=None)
        session.rollback()
    assert api.rows("SELECT 1 FROM account_session WHERE signed_at IS NOT NULL") == []
    assert signer.signs(PASSWORD)
    assert len(api.rows("SELECT 1 FROM account_session WHERE signed_at IS NOT NULL")) == 1


def test_a_stolen_token_does_not_guess_the_password_by_signing(
    api: Api, door: Door, signer: Signer
) -> None:
    for _ in range(PER_SOURCE.guesses):
        assert not signer.signs("wrong")
    with pytest.raises(TooManyRequests):
        signer.signs(PASSWORD)
    again = service.sign_in_user(door, HERE, "investigator-nn", PASSWORD, None).caller
    assert Signer(api, again).signs(PASSWORD)
    rows: list[Any] = api.rows(
        "SELECT new ->> 'because' AS because, actor FROM audit_event WHERE operation = :refused",
        refused="SIGNATURE_REFUSED",
    )
    assert {(row.because, row.actor) for row in rows} == {("component", str(signer.caller.id))}


@pytest.mark.parametrize(
    "taken_away",
    [
        "UPDATE account SET active = false WHERE id = :id",
        "UPDATE account SET version = version + 1 WHERE id = :id",
        "UPDATE account_session SET ended_at = now(), ended_because = 'signed_out'"
        " WHERE account = :id",
    ],
)
def test_what_is_taken_away_while_a_password_is_checked_is_not_signed_with(
    api: Api, signer: Signer, monkeypatch: pytest.MonkeyPatch, taken_away: str
) -> None:
    def matches(secret: str, _: str | None) -> bool:
        api.rows(taken_away, id=signer.caller.id)
        return secret == PASSWORD

    monkeypatch.setattr(passwords, "matches", matches)
    assert not signer.signs(PASSWORD)


def test_a_transaction_that_runs_again_asks_for_no_second_code(api: Api, door: Door) -> None:
    authenticator = enrolled(api, "investigator-nn")
    code = authenticator.now()
    caller = service.sign_in_user(door, HERE, "investigator-nn", PASSWORD, code).caller
    forget_codes(api)
    with in_a_request(api, caller) as session:
        for _ in range(2):
            service.reauthenticate(session, caller, password=PASSWORD, totp=code)
            session.rollback()
    assert api.count("sign_in_attempt") == 0


def test_a_guess_that_could_not_be_checked_is_not_counted(
    api: Api, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or overload would lock out those who come back as they were told."""

    def overloaded(_: str, __: str | None) -> bool:
        raise Unavailable

    monkeypatch.setattr(passwords, "matches", overloaded)
    for _ in range(PER_SOURCE.guesses + 2):
        problem(api.sign_in("monitor-nn"), 503, "unavailable")
    with pytest.raises(Unavailable):
        signer.signs(PASSWORD)
    assert api.count("sign_in_attempt") == 0


def test_many_who_sign_at_once_do_not_starve_each_other(api: Api, door: Door) -> None:
    """More than there are connections apart."""
    signers = [
        Signer(api, service.sign_in_user(door, HERE, name, PASSWORD, None).caller)
        for name in ("investigator-nn", "investigator-lz", "investigator-yl")
        for _ in range(8)
    ]
    with ThreadPoolExecutor(24) as pool:
        assert all(pool.map(lambda one: one.signs(PASSWORD), signers))

"""Guessing is slow, and never locks out the one who knows the password."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.api.core.errors import TooManyRequests
from services.api.identity import passwords, throttle
from services.api.identity.door import Door, Source
from services.api.identity.rules import PER_ACCOUNT, PER_ADDRESS, PER_SOURCE
from services.api.sandbox.service import PASSWORD
from tests.conftest import Rounds
from tests.make import Api, ok, problem

OWNER = "investigator-nn"


@pytest.fixture
def door(api: Api, monkeypatch: pytest.MonkeyPatch) -> Door:
    """The door, at which secrets are compared without the price of argon2."""
    monkeypatch.setattr(
        passwords, "matches", lambda secret, stored: secret == PASSWORD and stored is not None
    )
    return Door(api.state.database, api.state.settings)


def guess(door: Door, address: str, username: str = OWNER, device: str | None = None) -> bool:
    """Guess wrong from an address; whether the guess was checked at all."""
    try:
        throttle.begin(door, username, Source(address, device))
    except TooManyRequests:
        return False
    return True


def checked(door: Door, address: str, times: int, username: str = OWNER) -> int:
    return sum(guess(door, address, username) for _ in range(times))


def test_one_source_is_stopped_at_its_budget(door: Door) -> None:
    assert checked(door, "192.0.2.1", 30) == PER_SOURCE.guesses
    assert checked(door, "192.0.2.2", 30) == PER_SOURCE.guesses


def test_an_ipv6_network_is_one_source(door: Door) -> None:
    found = sum(guess(door, f"2001:db8:0:1::{host:x}") for host in range(1, 40))
    assert found == PER_SOURCE.guesses


def test_one_address_is_stopped_over_all_accounts(door: Door) -> None:
    found = sum(guess(door, "192.0.2.1", f"account-{number}") for number in range(150))
    assert found == PER_ADDRESS.guesses


def test_a_hundred_guesses_at_once_count_as_a_hundred(door: Door) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: guess(door, "192.0.2.1"), range(100)))
    assert sum(found) == PER_SOURCE.guesses


def test_many_strangers_together_are_stopped(door: Door) -> None:
    found = sum(guess(door, f"192.0.2.{host}") for host in range(1, 201))
    assert found == PER_ACCOUNT.guesses


def test_a_budget_comes_back_with_time(api: Api, door: Door) -> None:
    assert checked(door, "192.0.2.1", 11) == PER_SOURCE.guesses
    api.rows("UPDATE sign_in_attempt SET at = at - interval '15 minutes'")
    assert guess(door, "192.0.2.1")


def test_thousands_of_wrong_guesses_do_not_lock_the_owner_out(
    api: Api, door: Door, rounds: Rounds
) -> None:
    """By strangers at a thousand addresses, one of which is the owner's own."""
    guesses = range(rounds(2_000, 10_000))
    at_home = ok(api.sign_in(OWNER))
    device = api.client.cookies["trial-device"]
    found = sum(guess(door, f"198.51.{n % 1000 // 250}.{n % 250}") for n in guesses)
    assert found == PER_ACCOUNT.guesses
    checked(door, "127.0.0.1", 20)

    assert api.sign_in(OWNER).status_code == 200  # by the device, though the address is used up
    api.client.cookies.clear()
    problem(api.sign_in(OWNER), 429, "too_many_requests")
    assert guess(door, "127.0.0.1", device=device)
    assert not guess(door, "203.0.113.9")
    ok(api.refresh(at_home["refresh_token"]))


def test_the_owner_at_a_familiar_address_needs_no_device(api: Api, door: Door) -> None:
    ok(api.sign_in(OWNER))
    api.client.cookies.clear()
    for host in range(1, 201):
        guess(door, f"192.0.2.{host}")
    ok(api.sign_in(OWNER))
    api.client.cookies.clear()
    api.rows("UPDATE familiar_source SET seen_at = seen_at - interval '91 days'")
    problem(api.sign_in(OWNER), 429, "too_many_requests")


@pytest.fixture
def device(api: Api, door: Door) -> str:
    ok(api.sign_in(OWNER))
    return api.client.cookies["trial-device"]


def test_a_device_is_known_to_its_account_alone_and_cannot_be_made_up(
    door: Door, device: str
) -> None:
    for used_up in (OWNER, "monitor-nn"):
        checked(door, "192.0.2.1", 11, used_up)
    assert guess(door, "192.0.2.1", device=device)
    assert not guess(door, "192.0.2.1", "monitor-nn", device)
    nonce, _, mac = device.partition(".")
    for made_up in ("", ".", nonce, f"x{nonce}.{mac}", f"{nonce}.{mac[:-2]}", f"{nonce}.é\ud800"):
        assert not guess(door, "192.0.2.1", device=made_up)


def test_a_stolen_device_has_a_budget_too(door: Door, device: str) -> None:
    found = sum(guess(door, f"192.0.2.{host}", device=device) for host in range(1, 30))
    assert found == PER_SOURCE.guesses


def test_the_device_cookie_is_kept_from_scripts_and_other_paths(api: Api, door: Door) -> None:
    cookie = api.sign_in(OWNER).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/v1/oauth" in cookie
    assert "Set-Cookie" not in api.sign_in(OWNER, "wrong").headers


def test_a_right_guess_is_taken_back(api: Api, door: Door) -> None:
    for _ in range(30):
        ok(api.sign_in(OWNER))
    assert api.count("sign_in_attempt") == 0


def wrong(api: Api, username: str) -> httpx.Response:
    return api.sign_in(username, "a wrong password")


def test_a_throttled_answer_says_when_to_come_back_and_no_more(api: Api, door: Door) -> None:
    """Known or unknown, the same answers at the same points."""
    answers: dict[str, list[tuple[int, str, str]]] = {}
    for username in (OWNER, "nobody"):
        answers[username] = [
            (
                answer.status_code,
                answer.json()["detail"],
                "later" if int(answer.headers.get("Retry-After", "0")) > 800 else "",
            )
            for answer in (wrong(api, username) for _ in range(PER_SOURCE.guesses + 2))
        ]
    assert answers[OWNER] == answers["nobody"]
    assert [status for status, _, __ in answers[OWNER]] == [400] * 10 + [429] * 2
    assert answers[OWNER][-1][2] == "later"


def test_a_throttled_guess_is_not_even_checked(api: Api, door: Door) -> None:
    checked(door, "127.0.0.1", PER_SOURCE.guesses)
    api.rows("DELETE FROM familiar_source")
    problem(api.sign_in(OWNER), 429, "too_many_requests")


def test_what_is_stored_of_a_guess_names_nobody(api: Api, door: Door) -> None:
    wrong(api, "a-secret-typed-as-user-name")
    for table in ("sign_in_attempt", "familiar_source", "audit_event"):
        rows = " ".join(row[0] for row in api.rows(f"SELECT t::text FROM {table} t"))
        assert "a-secret-typed" not in rows
    (row,) = api.rows("SELECT t::text FROM sign_in_attempt t")
    assert "127.0.0.1" not in row[0]


def test_old_guesses_are_forgotten(api: Api, door: Door) -> None:
    checked(door, "192.0.2.1", 3)
    api.rows("UPDATE sign_in_attempt SET at = :old", old=datetime.now(UTC) - timedelta(hours=25))
    guess(door, "192.0.2.2")
    assert api.count("sign_in_attempt") == 1


def test_the_address_is_the_one_that_the_reverse_proxy_names(api: Api, door: Door) -> None:
    def answer(address: str) -> int:
        form = {"grant_type": "password", "username": OWNER, "password": "a wrong password"}
        headers = {"X-Forwarded-For": address}
        return api.client.post("/v1/oauth/token", data=form, headers=headers).status_code

    assert [answer("203.0.113.5") for _ in range(PER_SOURCE.guesses + 1)][-1] == 429
    assert answer("203.0.113.6") == 400

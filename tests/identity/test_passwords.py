"""Which passwords are taken, how they are kept, and what checking them costs."""

import threading
import time
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from secrets import token_urlsafe

import pytest

from services.api.core.errors import Invalid, Unavailable
from services.api.identity import passwords
from services.api.identity.passwords import hash_secret, matches, refuse_weak, weaknesses

CONTEXT = ("investigator-nn", "Dr Lan Weiming", "NN", "Nanning", "NCT07312656")
COMMON = [
    "123456789012",
    "1234567890123",
    "111111111111",
    "000000000000",
    "987654321098",
    "112233445566",
    "121212121212",
    "passwordpassword",
    "password1234",
    "Password123!",
    "P@ssw0rd1234",
    "password12345",
    "mypassword123",
    "passw0rd2026",
    "qwertyuiop123",
    "qwertyuiop[]",
    "1qaz2wsx3edc",
    "q1w2e3r4t5y6",
    "asdfghjkl123",
    "zxcvbnm12345",
    "qwerty123456",
    "1q2w3e4r5t6y",
    "qazwsxedcrfv",
    "iloveyouforever",
    "iloveyou1234",
    "letmeinletmein",
    "welcome12345",
    "Welcome2026!",
    "administrator",
    "admin123456!",
    "changeme1234",
    "football1234",
    "baseball1234",
    "superman1234",
    "sunshine1234",
    "princess1234",
    "abcdefghijkl",
    "abcabcabcabc",
    "aaaaaaaaaaaa",
    "abc123abc123",
    "a1b2c3d4e5f6",
    "5201314520131",
    "woaini1314520",
    "michael12345",
    "liverpool1234",
    "starwars1234",
    "summer2026!!",
    "secret123456",
    "sandbox-only",
]
IN_CONTEXT = (
    "investigator-nn",
    "Investigator-NN",
    "nn-rotagitsevni",
    "investigator-nn1",
    "weimingweiming",
    "weiming-nanning",
    "NCT07312656trial",
    "nct07312656!!",
    "1nv3st1gat0r-nn",
)
GOOD = (
    "correct horse battery staple",
    "tundra-copper-violin-harbour",
    "Regen fällt auf sieben Dächer",
    "桂林山水甲天下阳朔堪称甲桂林",
    "lý thường kiệt đọc thơ bên sông",
    "marble otter sings at noon",
    "x7Kp-29dQ-mWz4",
    "uJ8#mQ2!vTz5",
)


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hasher that costs nothing and lists what it verifies."""
    verified: list[str] = []

    class Quick:
        def verify(self, secret: str, secret_hash: str) -> bool:
            verified.append(secret_hash)
            return secret_hash == f"hash of {secret}"

        def hash(self, secret: str) -> str:
            return f"hash of {secret}"

    monkeypatch.setattr(passwords, "_HASHER", Quick())
    passwords._nobody.cache_clear()
    yield verified
    passwords._nobody.cache_clear()


def codes(password: str, context: tuple[str, ...] = CONTEXT) -> list[str]:
    return [weakness.code for weakness in weaknesses(password, context=context)]


# --- strength ------------------------------------------------------------------------


@pytest.mark.parametrize("password", COMMON)
def test_a_common_password_is_refused(password: str) -> None:
    assert len(password) >= passwords.SHORTEST, "too short to show anything"
    assert codes(password, ()) == ["password_guessable"]


@pytest.mark.parametrize("password", IN_CONTEXT)
def test_what_follows_from_names_sites_and_study_is_refused(password: str) -> None:
    assert codes(password) == ["password_guessable"]


def test_the_context_makes_the_difference_and_is_not_remembered() -> None:
    own = "weiming-xiaoguo"
    assert codes(own, ()) == []
    assert codes(own, ("Xiaoguo Weiming",)) == ["password_guessable"]
    assert codes(own, ()) == []


@pytest.mark.parametrize("password", GOOD)
def test_a_passphrase_is_taken_whatever_its_characters(password: str) -> None:
    assert codes(password) == []


def test_random_passwords_are_taken() -> None:
    assert all(codes(token_urlsafe(9)) == [] for _ in range(50))


@pytest.mark.parametrize(
    ("password", "found"),
    [
        ("x7Kp-29dQ-m", ["password_too_short"]),
        ("x7Kp-29dQ-mW", []),
        ("", ["password_too_short"]),
        ("🦦🌋🪗🛶🧭🪁🫖🦔🧵🪺🛖", ["password_too_short"]),
        ("🦦🌋🪗🛶🧭🪁🫖🦔🧵🪺🛖🪵", []),
        ("marble otter sings at noon " * 4 + "and then sleeps alone", ["password_too_long"]),
        ("marble otter sings at noon " * 4 + "and then sleeps well", []),
    ],
)
def test_length_is_counted_in_code_points(password: str, found: list[str]) -> None:
    assert codes(password) == found


def test_a_ligature_that_stands_for_many_letters_is_one_character() -> None:
    ligature = "\ufdfa"
    assert len(unicodedata.normalize("NFKC", ligature)) > passwords.SHORTEST
    assert codes(ligature) == ["password_too_short"]
    assert codes(ligature * 12) == ["password_too_long"]


def test_the_longest_password_is_rated_within_seconds() -> None:
    begun = time.monotonic()
    codes("4@8({[<36|!1/0$5+7%2" * 6)
    assert time.monotonic() - begun < 15


def test_people_who_choose_at_once_are_rated_by_their_own_context() -> None:
    """The estimator keeps the context in a dictionary that all its callers share."""
    names = [f"{a}{b}xq{a}" for a in "bdfgk" for b in ("olmar", "untel", "ervik", "asdorp")]

    def own_and_other(index: int) -> tuple[list[str], list[str]]:
        name, other = names[index], names[index - 1]
        return codes(f"{name}-{name[::-1]}", (name,)), codes(f"{other}-{other[::-1]}", (name,))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(own_and_other, range(len(names))))
    assert found == [(["password_guessable"], [])] * len(names)


def test_a_weak_password_is_refused_at_its_place_without_repeating_it() -> None:
    with pytest.raises(Invalid) as refusal:
        refuse_weak("password1234", "/new_password", context=())
    (error,) = refusal.value.errors
    assert (error.pointer, error.code) == ("/new_password", "password_guessable")
    assert "password1234" not in error.detail
    refuse_weak("correct horse battery staple", "/new_password", context=())


# --- keeping and checking ------------------------------------------------------------


def test_a_secret_is_kept_as_a_salted_hash() -> None:
    one, other = hash_secret("secret"), hash_secret("secret")
    assert one != other
    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert matches("secret", one)
    assert not matches("Secret", one)


def test_nothing_of_a_long_secret_is_cut_off() -> None:
    secret = "a" * 127
    kept = hash_secret(secret + "b")
    assert matches(secret + "b", kept)
    assert not matches(secret + "c", kept)


def test_the_same_password_from_another_keyboard_matches(instant: list[str]) -> None:
    composed, decomposed = "caf\u00e9 au lait", "cafe\u0301 au lait"
    assert matches(decomposed, hash_secret(composed))
    assert matches("\uff43af\u00e9 au lait", hash_secret(decomposed))


def test_an_unknown_account_never_matches_and_costs_one_verification(instant: list[str]) -> None:
    known = hash_secret("secret")
    for secret_hash in (known, None, ""):
        assert matches("secret", secret_hash) is (secret_hash == known)
    stand_in = passwords._nobody()
    assert instant == [known, stand_in, stand_in]
    assert not matches(stand_in.removeprefix("hash of "), None)


def test_a_stand_in_has_the_parameters_of_a_real_hash() -> None:
    known, unknown = hash_secret("secret"), passwords._nobody()
    assert known.split("$")[:4] == unknown.split("$")[:4]


def test_no_more_than_two_secrets_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes a core and 64 MiB: a burst of sign-ins must not starve the trial."""
    running, most, lock = 0, 0, threading.Lock()
    passwords._nobody()

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

        def hash(self, _: str) -> str:
            self.verify()
            return "hash"

    monkeypatch.setattr(passwords, "_HASHER", Slow())
    with ThreadPoolExecutor(10) as pool:
        assert all(pool.map(lambda n: matches("x", "y") if n % 2 else hash_secret("x"), range(20)))
    assert most == 2


def test_who_waits_too_long_is_told_to_come_back(
    instant: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_PATIENCE", 0.01)
    hashing, rating = passwords._HASHING, passwords._RATING
    with passwords._turn(hashing), passwords._turn(hashing), passwords._turn(rating):
        for check in (lambda: matches("x", "y"), lambda: hash_secret("x"), lambda: codes(GOOD[0])):
            with pytest.raises(Unavailable) as refusal:
                check()
            assert refusal.value.headers["Retry-After"] == "2"
    assert not matches("x", "y")
    assert codes(GOOD[0]) == []


def test_who_finds_too_many_waiting_is_told_at_once_and_holds_no_thread() -> None:
    places = [passwords._WAITING.acquire(blocking=False) for _ in range(10)]
    assert all(places)
    try:
        with pytest.raises(Unavailable):
            passwords.hash_secret("a secret that has to wait")
    finally:
        passwords._WAITING.release(len(places))
    assert passwords.hash_secret("a secret that has to wait")

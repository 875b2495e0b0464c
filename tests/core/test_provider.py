"""The keys of an outside provider: asked for seldom, believed only from where they should be."""

import gzip
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from services.api.core import provider
from services.api.core.provider import (
    FRESH,
    KEPT,
    LARGEST,
    PAUSE,
    WAITING,
    Keys,
    NoKeys,
    ProviderKeys,
    usable_keys,
)
from services.api.core.signed import VerifyKey
from services.api.settings import MissingSetting
from tests.core.idp import DISCOVERY, KEYS, Answer, IdentityProvider
from tests.core.signer import Signer


class Hours:
    """Time that a test can move on."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.passed


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    made = Hours()
    monkeypatch.setattr(provider, "time", made)
    return made


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with IdentityProvider(Signer.new("RS256", "one"), Signer.new("ES256", "two")) as running:
        yield running


# --- asking -----------------------------------------------------------------------------------


def test_the_discovery_document_says_where_the_keys_are(idp: IdentityProvider) -> None:
    keys = ProviderKeys.of(idp.settings())
    assert [getattr(keys.named(kid), "algorithm", None) for kid in ("one", "two", "three")] == [
        "RS256",
        "ES256",
        None,
    ]
    assert idp.asked == [DISCOVERY, KEYS]


def test_the_settings_may_say_it_instead(idp: IdentityProvider) -> None:
    keys = ProviderKeys.of(idp.settings(oidc_jwks_uri=idp.issuer + KEYS))
    assert keys.named("one")
    assert idp.asked == [KEYS]


def test_an_issuer_with_a_path_has_its_document_below_it(idp: IdentityProvider) -> None:
    realm = f"{idp.issuer}/realms/hospital/"
    idp.answers["/realms/hospital" + DISCOVERY] = lambda: idp.json(
        {"issuer": realm, "jwks_uri": idp.issuer + KEYS}
    )
    assert ProviderKeys.of(idp.settings(oidc_issuer=realm)).named("one")


def test_keys_of_other_types_do_not_spoil_the_set(idp: IdentityProvider) -> None:
    good = idp.signers[1].jwk()
    odd = [
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "two"},
        {"kty": "RSA", "use": "enc", "kid": "two", "n": "AQAB", "e": "AQAB"},
        Signer.new("ES512", "two").jwk(),
        "key",
        None,
    ]
    keys = usable_keys({"keys": [*odd, good, *odd]})
    assert list(keys) == ["two"]
    assert usable_keys({"keys": []}) == {}


def test_of_two_keys_of_one_name_the_first_counts() -> None:
    one, other = Signer.new("ES256", "a"), Signer.new("RS256", "a")
    assert usable_keys({"keys": [one.jwk(), other.jwk()]})["a"].algorithm == "ES256"


@pytest.mark.parametrize("jwks", [None, [], {}, {"keys": None}, {"keys": {}}, "keys"], ids=str)
def test_what_is_no_key_set_is_no_answer(jwks: object) -> None:
    with pytest.raises(NoKeys):
        usable_keys(jwks)


def redirect(idp: IdentityProvider) -> Answer:
    return 302, {"Location": idp.issuer + "/moved"}, b""


def zipped(idp: IdentityProvider) -> Answer:
    return 200, {"Content-Encoding": "gzip"}, gzip.compress(idp.answers["/moved"]()[2])


def padded(idp: IdentityProvider) -> Answer:
    return 200, {}, idp.answers["/moved"]()[2] + b" " * LARGEST


BAD_ANSWERS: dict[str, Callable[[IdentityProvider], Answer]] = {
    "a redirect": redirect,
    "a compressed answer": zipped,
    "a large answer": padded,
    "not found": lambda _: (404, {}, b"{}"),
    "a server error with keys": lambda idp: (500, {}, idp.answers["/moved"]()[2]),
    "accepted, with keys": lambda idp: (202, {}, idp.answers["/moved"]()[2]),
    "no JSON": lambda _: (200, {}, b"<html>"),
    "no UTF-8": lambda _: (200, {}, b"\xff\xff"),
    "a list": lambda idp: idp.json([]),
    "a thousand brackets": lambda _: (200, {}, b"[" * 50_000),
    "nothing": lambda _: (200, {}, b""),
    "half an answer": lambda _: (200, {"Content-Length": "5000"}, b'{"keys": []}'),
}


@pytest.mark.parametrize("path", [DISCOVERY, KEYS])
@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_an_answer_that_is_not_a_provider_s_gives_no_keys(
    idp: IdentityProvider, hours: Hours, path: str, name: str
) -> None:
    idp.answers["/moved"] = good = idp.answers[path]
    keys = ProviderKeys.of(idp.settings())
    idp.answers[path] = lambda: BAD_ANSWERS[name](idp)
    assert keys.named("one") is None
    assert "/moved" not in idp.asked
    idp.answers[path] = good
    hours.passed = PAUSE + 1
    assert keys.named("one")


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "http://127.0.0.1:1"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": 7},
        {"jwks_uri": "/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "http://keys.example/keys"},
        {"jwks_uri": "http://127.0.0.1@keys.example/keys"},
        {"jwks_uri": "http://127.0.0.1.keys.example/keys"},
        {"jwks_uri": "http://[::1"},
    ],
    ids=str,
)
def test_metadata_that_lead_elsewhere_are_not_followed(
    idp: IdentityProvider, changed: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    get, asked = provider._get, []

    def recorded(client: httpx.Client, address: str, deadline: float) -> dict[str, Any]:
        asked.append(address)
        return get(client, address, deadline)

    monkeypatch.setattr(provider, "_get", recorded)
    metadata = {"issuer": idp.issuer, "jwks_uri": idp.issuer + KEYS, **changed}
    idp.answers[DISCOVERY] = lambda: idp.json(metadata)
    assert ProviderKeys.of(idp.settings()).named("one") is None
    assert asked == [idp.issuer + DISCOVERY]


@pytest.mark.parametrize("name", ["oidc_issuer", "oidc_jwks_uri"])
@pytest.mark.parametrize(
    "address",
    [
        "http://login.example",
        "http://127.0.0.1.example",
        "ftp://127.0.0.1",
        "login.example",
        "https://",
        "https://user:secret@login.example",
        "https://login.example/#a",
        "http://[::1",
    ],
)
def test_an_address_is_https(idp: IdentityProvider, name: str, address: str) -> None:
    with pytest.raises(MissingSetting, match=f"TRIAL_{name.upper()} must be an https address"):
        ProviderKeys.of(idp.settings(**{name: address}))


def test_http_on_this_machine_is_for_a_sandbox_only(idp: IdentityProvider) -> None:
    for address in ("http://127.0.0.1:1", "http://localhost", "http://[::1]:80"):
        ProviderKeys.of(idp.settings(oidc_issuer=address))
        production = idp.settings(oidc_issuer=address, sandbox=False)
        with pytest.raises(MissingSetting, match="https"):
            ProviderKeys.of(production)
    ProviderKeys.of(idp.settings(oidc_issuer="https://login.example", sandbox=False))


def test_a_provider_that_dribbles_is_given_up(
    idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One byte at a time would get around a limit on each wait."""
    body = json.dumps({"keys": [signer.jwk() for signer in idp.signers]}).encode()

    class Dribbling(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            for byte in body:
                try:
                    self.wfile.write(bytes([byte]))
                except OSError:
                    return
                time.sleep(0.05)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    monkeypatch.setattr(provider, "PATIENCE", 0.5)
    with http.server.HTTPServer(("127.0.0.1", 0), Dribbling) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        uri = f"http://127.0.0.1:{server.server_address[1]}/"
        begun = time.monotonic()
        assert ProviderKeys.of(idp.settings(oidc_jwks_uri=uri)).named("one") is None
        assert time.monotonic() - begun < 2
        thread.join()


# --- keeping ----------------------------------------------------------------------------------


def test_keys_are_asked_for_every_ten_minutes(idp: IdentityProvider, hours: Hours) -> None:
    keys = ProviderKeys.of(idp.settings())
    for passed, questions in ((0, 1), (FRESH - 5, 1), (FRESH + 5, 2), (2 * FRESH, 2)):
        hours.passed = passed
        assert keys.named("one")
        assert idp.asked.count(KEYS) == questions


def test_a_rotation_at_the_provider_is_followed(idp: IdentityProvider, hours: Hours) -> None:
    keys = ProviderKeys.of(idp.settings())
    assert keys.named("one")
    idp.signers[0] = Signer.new("ES256", "new")
    assert keys.named("new") is None, "asked a moment ago"
    hours.passed = PAUSE + 1
    assert keys.named("new")
    assert keys.named("one") is None, "the provider has taken it back"


def test_invented_names_are_asked_for_once_in_half_a_minute(
    idp: IdentityProvider, hours: Hours
) -> None:
    keys = ProviderKeys.of(idp.settings())
    for passed, questions in ((0, 1), (PAUSE - 1, 1), (PAUSE + 1, 2), (2 * PAUSE, 2)):
        hours.passed = passed
        for invented in range(50):
            assert keys.named(f"invented {passed} {invented}") is None
        assert idp.asked.count(KEYS) == questions


def test_while_the_provider_is_down_known_keys_are_good_for_a_day(
    idp: IdentityProvider, hours: Hours
) -> None:
    keys = ProviderKeys.of(idp.settings())
    assert keys.named("one")
    with idp.down():
        for passed in (FRESH + 1, 2 * FRESH, KEPT - 60):
            hours.passed = passed
            assert keys.named("one")
        hours.passed = KEPT + 60
        assert keys.named("one") is None
    hours.passed += PAUSE + 1
    assert keys.named("one")


def test_a_provider_that_is_down_is_not_asked_for_each_request(
    idp: IdentityProvider, hours: Hours
) -> None:
    keys = ProviderKeys.of(idp.settings())
    with idp.down():
        for _ in range(20):
            assert keys.named("one") is None
        assert idp.asked == [DISCOVERY]


def test_many_threads_ask_once_and_all_get_the_key(idp: IdentityProvider) -> None:
    idp.answers[KEYS] = slowly(idp.answers[KEYS])
    keys = ProviderKeys.of(idp.settings())
    with ThreadPoolExecutor(WAITING) as pool:
        assert all(pool.map(keys.named, ["one"] * WAITING))
    assert idp.asked == [DISCOVERY, KEYS]


def slowly(answer: Callable[[], Answer]) -> Callable[[], Answer]:
    def answered() -> Answer:
        time.sleep(0.3)
        return answer()

    return answered


def test_who_has_a_key_does_not_wait_for_the_provider() -> None:
    """Nor do more than a few threads wait, whatever names strangers invent."""
    let_go = threading.Event()
    known = VerifyKey.from_jwk(Signer.new("ES256", "known").jwk())
    answers: list[Callable[[], Keys]] = [lambda: {"known": known}]

    def wait() -> Keys:
        let_go.wait()
        return {"known": known}

    keys = ProviderKeys(lambda: answers[0]())
    assert keys.named("known")
    answers[0] = wait
    keys._asked_at = keys._fetched_at = time.monotonic() - FRESH - PAUSE
    with ThreadPoolExecutor(WAITING + 2) as pool:
        asking = [pool.submit(keys.named, "unknown")]
        while not keys._asking.locked():
            time.sleep(0.01)
        try:
            assert pool.submit(keys.named, "known").result(timeout=5) is known
            asking += [pool.submit(keys.named, f"unknown {one}") for one in range(WAITING)]
            begun = time.monotonic()
            while sum(one.done() for one in asking) < 1:
                assert time.monotonic() - begun < 5
                time.sleep(0.01)
            assert sum(one.done() for one in asking) == 1, "the one too many was refused at once"
        finally:
            let_go.set()
        assert not any(one.result() for one in asking)

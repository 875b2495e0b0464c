"""Trying a receiver: which address is refused, each for a reason of its own."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from services.api.core.errors import Invalid, TooManyRequests
from services.api.settings import Settings
from services.api.webhooks import probing
from services.api.webhooks.probing import try_receiver
from services.api.webhooks.secrets import new_secret
from tests.make import Api, problem
from tests.webhooks.receiver import receiving, until
from tests.webhooks.test_sending import naming


@pytest.fixture
def strict(unchanged: Api) -> Iterator[Api]:
    """An installation with the settings of production, as far as webhooks go."""
    before: Settings = unchanged.state.settings
    unchanged.state.settings = before.model_copy(
        update={"webhook_private_addresses": False, "webhook_http": False}
    )
    yield unchanged
    unchanged.state.settings = before


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://his.example/", "https_only"),
        ("https://user:pass@his.example/", "credentials"),
        ("https://his.example/#a", "fragment"),
        ("https://", "not_a_url"),
        ("https://127.0.0.1/", "not_public_address"),
        ("https://localhost/", "not_public_address"),
        ("https://[::1]/", "not_public_address"),
        ("https://169.254.169.254/latest/meta-data", "not_public_address"),
        ("https://2130706433/", "not_public_address"),
        ("https://[fe80::1%25lo]/", "host"),
        ("https://127.0.0.1%00.example/", "host"),
    ],
)
def test_an_address_that_events_must_not_go_to_is_refused(strict: Api, url: str, code: str) -> None:
    answer = strict.as_("hospital_system").post("/v1/webhooks", {"url": url, "sites": ["NN"]})
    errors = problem(answer, 422, "invalid")["errors"]
    assert [(one["pointer"], one["code"]) for one in errors] == [("/url", code)]


def refused(settings: Settings, url: str, **changed: bool) -> list[str]:
    try:
        asyncio.run(try_receiver(settings.model_copy(update=changed), url, [new_secret()]))
    except Invalid as refusal:
        return [one.code for one in refusal.errors]
    return []


def test_a_receiver_that_redirects_is_refused_and_not_followed(settings: Settings) -> None:
    with receiving() as second, receiving(lambda _: second.url) as first:
        assert refused(settings, first.url) == ["redirects"]
        assert second.received == []


def test_a_redirect_to_a_private_address_has_its_own_code(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "services.api.webhooks.sending.unusual_address", lambda addresses: False
    )  # so that a receiver of this machine passes for one of the internet
    with receiving(lambda _: "http://10.0.0.1/") as receiver:
        codes = refused(settings, receiver.url, webhook_private_addresses=False)
    assert codes == ["redirects_to_private_address"]


@pytest.mark.parametrize("status", [204, 401, 404, 500])
def test_any_answer_but_a_redirect_will_do(settings: Settings, status: int) -> None:
    with receiving(lambda _: status) as receiver:
        assert refused(settings, receiver.url) == []
        assert [one.type for one in receiver.received] == ["webhook.ping"]


def test_a_receiver_that_does_not_answer_yet_is_accepted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as receiver:
        gone = receiver.url
    assert refused(settings, gone) == []
    naming(monkeypatch, **{"his.example": []})
    assert refused(settings, "https://his.example/", webhook_private_addresses=False) == []


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that gives every request the same bytes, or none at all."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:

        def one(line: socket.socket) -> None:
            with line:
                line.recv(65536)
                if answer:
                    line.sendall(answer)
                else:
                    ended.wait(30)

        def serve() -> None:
            while True:
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(line,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("status", [300, 302, 304, 307, 399])
@pytest.mark.parametrize(
    "location",
    [
        None,
        b"",
        b"http://h:99999/",
        b"http://h:abc/",
        b"http://[::1/",
        b"http://\xff\xfe/",
        b"http://a..b/",
        b"http://" + b"a" * 5000 + b"/",
        b"x:y",
    ],
    ids=["none", "empty", "port", "letters", "bracket", "bytes", "label", "long", "scheme"],
)
def test_every_3xx_redirects_whatever_its_location(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, status: int, location: bytes | None
) -> None:
    monkeypatch.setattr("services.api.webhooks.sending.unusual_address", lambda addresses: False)
    header = b"" if location is None else b"Location: " + location + b"\r\n"
    answer = b"HTTP/1.1 %d Go\r\n%bContent-Length: 0\r\n\r\n" % (status, header)
    with answering(answer) as url:
        assert refused(settings, url) == ["redirects"]
        assert refused(settings, url, webhook_private_addresses=False) == ["redirects"]


def test_whoever_stalls_is_left_after_a_moment_and_accepted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "SECONDS", 0.3)
    began = time.monotonic()
    with answering(b"") as url:
        assert refused(settings, url) == []
    assert time.monotonic() - began < 5


def test_trials_beyond_the_places_wait_and_are_then_asked_to_come_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "SECONDS", 0.3)
    monkeypatch.setattr(probing, "_PLACES", threading.BoundedSemaphore(2))

    async def all_at_once(url: str, number: int) -> list[object]:
        trials = (try_receiver(settings, url, [new_secret()]) for _ in range(number))
        return await asyncio.gather(*trials, return_exceptions=True)

    with answering(b"") as url:
        outcomes = asyncio.run(all_at_once(url, 6))
    assert [type(one) for one in outcomes].count(TooManyRequests) >= 1
    assert outcomes.count(None) >= 2
    with answering(b"HTTP/1.1 204 Well\r\n\r\n") as url:
        assert asyncio.run(all_at_once(url, 2)) == [None, None]


def test_receivers_that_stall_hold_nobody_else_up(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than the service has threads."""
    monkeypatch.setattr(probing, "SECONDS", 20.0)
    system = api.as_("hospital_system")
    with receiving(lambda _: "stall") as receiver, ThreadPoolExecutor(50) as callers:
        body = {"url": receiver.url, "sites": ["NN"]}
        made = [callers.submit(system.post, "/v1/webhooks", body) for _ in range(50)]
        until(lambda: len(receiver.received) == probing.AT_ONCE)
        assert system.get("/v1/webhooks").status_code == 200
        assert not any(one.done() for one in made)
        receiver.patience.set()
        assert {one.result().status_code for one in made} == {201}


def test_the_retry_of_what_was_answered_is_not_tried_again(api: Api) -> None:
    system = api.as_("hospital_system")
    with receiving() as receiver:
        body = {"url": receiver.url, "sites": ["NN"]}
        made = system.post("/v1/webhooks", body, key="k")
        receiver.behaviour = lambda _: "http://127.0.0.1:9/"
        again = system.post("/v1/webhooks", body, key="k")
        assert (again.status_code, again.json()) == (201, made.json())
        other = {**body, "description": "Another"}
        problem(system.post("/v1/webhooks", other, key="k"), 422, "idempotency_key_reused")
        assert len(receiver.received) == 1


def test_nothing_is_sent_for_a_request_that_is_refused_anyway(api: Api) -> None:
    system, reason = api.as_("hospital_system"), {"reason": "The receiver moved"}
    with receiving() as first, receiving() as receiver:
        body = {"url": first.url, "sites": ["NN"]}
        path = system.post("/v1/webhooks", body).headers["Location"]
        new = {"url": receiver.url, **reason}
        problem(system.post("/v1/webhooks", {**body, **new}), 422, "invalid")
        problem(system.post("/v1/webhooks", {"url": receiver.url, "sites": ["LZ"]}), 422, "invalid")
        problem(system.patch(path, {**new, "sites": ["LZ"]}), 422, "invalid")
        problem(system.patch(path, new, version=7), 412, "stale_version")
        problem(api.as_("hospital_system", "LZ").patch(path, new, version=1), 404, "not_found")
        system.request("DELETE", path)
        problem(system.patch(path, new), 409, "webhook_ended")
        assert receiver.received == []

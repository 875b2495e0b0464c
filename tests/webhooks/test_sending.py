"""One request: to the address that was checked, within ten seconds, and no further."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.api.webhooks import sending
from services.api.webhooks.sending import Answer, DeliveryFault, Message, connections, send
from tests.webhooks.receiver import receiving

MESSAGE = Message(
    '{"type": "x", "data": {}}',
    {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,x"},
)


def sent(url: str, *, private: bool = True) -> Answer:
    async def once() -> Answer:
        async with connections() as client:
            return await send(client, url, MESSAGE, private=private)

    return asyncio.run(once())


def naming(monkeypatch: pytest.MonkeyPatch, **names: list[str]) -> list[str]:
    """Have names resolve to addresses of ours; answers what was looked up."""
    asked: list[str] = []
    genuine = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in names:
            return genuine(host, port, *args, **options)
        asked.append(name)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in names[name]
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.mark.parametrize(
    ("behaviour", "answer"),
    [
        (204, Answer(204)),
        (299, Answer(299)),
        (500, Answer(500, DeliveryFault.STATUS)),
        (410, Answer(410, DeliveryFault.STATUS)),
        ("close", Answer(fault=DeliveryFault.UNREACHABLE)),
    ],
)
def test_an_answer_is_judged_by_its_status(behaviour: int | str, answer: Answer) -> None:
    def behave(_: object) -> int | str:
        return behaviour

    with receiving(behave) as receiver:
        assert sent(receiver.url) == answer


def test_a_redirect_is_told_and_not_followed() -> None:
    with receiving() as second, receiving(lambda _: second.url) as first:
        told = sent(first.url)
        assert (told.status, told.fault, told.location) == (
            302,
            DeliveryFault.REDIRECTS,
            second.url,
        )
        assert second.received == []


def test_nobody_listens_is_unreachable_and_so_is_an_unknown_name() -> None:
    with receiving() as receiver:
        gone = receiver.url
    assert sent(gone) == Answer(fault=DeliveryFault.UNREACHABLE)
    assert sent("https://receiver.invalid/") == Answer(fault=DeliveryFault.UNREACHABLE)


def test_a_name_is_looked_up_once_and_the_connection_made_to_what_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = naming(monkeypatch, **{"his.example": ["127.0.0.1"]})
    with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", "his.example")
        assert sent(url).delivered
        assert [one.host for one in receiver.received] == [f"his.example:{receiver.port}"]
    assert asked == ["his.example"]


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["169.254.169.254"]])
def test_nothing_is_sent_where_any_address_is_not_public(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    naming(monkeypatch, **{"his.example": addresses})
    with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", "his.example")
        assert sent(url, private=False) == Answer(fault=DeliveryFault.NOT_PUBLIC_ADDRESS)
        assert receiver.received == []


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_a_private_address_is_one_however_it_is_written(host: str) -> None:
    assert sent(f"https://{host}:9/", private=False).fault is DeliveryFault.NOT_PUBLIC_ADDRESS


@pytest.mark.parametrize(
    "host",
    ["xn--zzzzzzzzz9999.example", "xn--.example", "xn--a.example", "a_b.example", "%41.example"],
)
def test_a_name_that_no_one_can_decode_is_a_name_like_another(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    naming(monkeypatch, **{host: ["127.0.0.1"]})
    with receiving() as receiver:
        assert sent(receiver.url.replace("127.0.0.1", host)).delivered
        assert [one.host for one in receiver.received] == [f"{host}:{receiver.port}"]


@pytest.mark.parametrize(
    "url",
    ["http://h:99999/", "http://[::1/", "http://", "http://a..b/", "http://1.2.3.400:9/", "x"],
)
def test_an_address_that_is_none_is_unreachable_and_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    for private in (True, False):
        assert sent(url, private=private) == Answer(fault=DeliveryFault.UNREACHABLE)
    naming(monkeypatch, **{"1.2.3.400": ["127.0.0.1"]})
    assert sent(url) == Answer(fault=DeliveryFault.UNREACHABLE)


def test_the_next_address_is_tried_when_one_takes_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    naming(monkeypatch, **{"his.example": ["127.0.0.2", "127.0.0.1"]})
    with receiving() as receiver:
        assert sent(receiver.url.replace("127.0.0.1", "his.example")).delivered


@contextmanager
def dripping(first: bytes, drip: bytes) -> Iterator[str]:
    """A server that begins to answer and never ends."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            with line:
                line.recv(65536)
                try:
                    line.sendall(first)
                    while not ended.wait(0.01):
                        line.sendall(drip)
                except OSError:
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        ended.set()
        thread.join()


@pytest.mark.parametrize(
    ("first", "drip", "answer"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n", Answer(fault=DeliveryFault.TIMEOUT)),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
            b"",
            Answer(fault=DeliveryFault.TIMEOUT),
        ),
        (b"", b"", Answer(fault=DeliveryFault.TIMEOUT)),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 9999, Answer(200)),
    ],
    ids=["headers", "body", "nothing", "endless"],
)
def test_whoever_answers_without_end_is_left(
    monkeypatch: pytest.MonkeyPatch, first: bytes, drip: bytes, answer: Answer
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.5)
    began = time.monotonic()
    with dripping(first, drip) as url:
        assert sent(url) == answer
    assert time.monotonic() - began < 5


@contextmanager
def certified(home: Path, name: str) -> Iterator[tuple[str, ssl.SSLContext, list[str | None]]]:
    """An https server with a certificate for that name: its URL, who trusts it, names asked for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = home / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    asked: list[str | None] = []
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(pem)
    served.sni_callback = lambda _, wanted, __: asked.append(wanted)
    trust = ssl.create_default_context(cafile=str(pem))
    with receiving() as receiver:
        assert receiver._server is not None
        receiver._server.socket = served.wrap_socket(receiver._server.socket, server_side=True)
        yield f"https://{name}:{receiver.port}/hook", trust, asked


@pytest.mark.parametrize(
    ("certified_for", "answer"),
    [("his.example", Answer(204)), ("other.example", Answer(fault=DeliveryFault.UNREACHABLE))],
)
def test_the_certificate_must_be_of_the_name_though_the_connection_is_to_an_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certified_for: str, answer: Answer
) -> None:
    naming(monkeypatch, **{"his.example": ["127.0.0.1"]})
    with certified(tmp_path, certified_for) as (url, trust, asked):
        monkeypatch.setattr(sending, "_trust", lambda: trust)
        assert sent(url.replace(certified_for, "his.example")) == answer
        assert asked == ["his.example"]


def test_tls_asks_for_a_name_as_it_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = "xn--zzzzzzzzz9999.example"  # which nothing decodes
    naming(monkeypatch, **{name: ["127.0.0.1"]})
    with certified(tmp_path, name) as (url, trust, asked):
        monkeypatch.setattr(sending, "_trust", lambda: trust)
        assert sent(url) == Answer(204)
        assert asked == [name]

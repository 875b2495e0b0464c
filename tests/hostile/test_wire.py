"""What no well-behaved client sends: the service refuses it and goes on serving."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.conftest import Served
from tests.hostile.ledger import Ledger
from tests.make import Api

HOST = b"Host: trial.test\r\n"
BAD_REQUESTS = {
    "a control character in a header": b"GET /healthz HTTP/1.1\r\n%sX-Request-Id: a\x01b\r\n\r\n",
    "NUL in a header": b"GET /healthz HTTP/1.1\r\n%sX-Request-Id: a\x00b\r\n\r\n",
    "a line feed in a header": b"GET /healthz HTTP/1.1\r\n%sX-Request-Id: a\n b\r\n\r\n",
    "NUL in the path": b"GET /healthz\x00 HTTP/1.1\r\n%s\r\n",
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03%s\r\n\r\n",
    "a negative length": b"POST /v1/subjects HTTP/1.1\r\n%sContent-Length: -1\r\n\r\n",
    "a length that is no number": b"POST /v1/subjects HTTP/1.1\r\n%sContent-Length: x\r\n\r\n",
    "two lengths": (
        b"POST /v1/subjects HTTP/1.1\r\n%sContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}}"
    ),
    "length and chunks": (
        b"POST /v1/subjects HTTP/1.1\r\n%sContent-Length: 2\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "a bad chunk": (
        b"POST /v1/subjects HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/json\r\n\r\nzz\r\n{}\r\n"
    ),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_a_broken_request_is_refused_and_the_service_lives(
    api: Api, served: Served, ledger: Ledger, name: str
) -> None:
    before = ledger.read()
    status = _status(served, BAD_REQUESTS[name].replace(b"%s", HOST))
    assert status is None or 400 <= status < 500
    assert ledger.read() == before
    assert api.get("/healthz").status_code == 200


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(
    api: Api, served: Served, ledger: Ledger
) -> None:
    before = ledger.read()
    token = api.as_("investigator").token
    request = (
        b"POST /v1/subjects HTTP/1.1\r\n%sContent-Type: application/json\r\n"
        b"Idempotency-Key: k\r\nContent-Length: 1000000000\r\n"
    ).replace(b"%s", HOST)
    assert _status(served, request + f"Authorization: Bearer {token}\r\n\r\n".encode()) == 413
    assert ledger.read() == before


def test_a_caller_who_hangs_up_stores_nothing(api: Api, served: Served, ledger: Ledger) -> None:
    before = ledger.read()
    token = api.as_("investigator").token
    head = (
        f"POST /v1/subjects HTTP/1.1\r\nHost: trial.test\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: k\r\nAuthorization: Bearer {token}\r\nContent-Length: 54\r\n\r\n"
    ).encode()
    for sent in (head, head + b'{"site": "NN", "year_of_birth": 1971, "sex": "fem'):
        with _connected(served) as connection:
            connection.sendall(sent)
    assert api.get("/healthz").status_code == 200
    assert ledger.read() == before


def _connected(served: Served) -> socket.socket:
    address = urlsplit(served.address)
    return socket.create_connection((address.hostname, address.port or 80), timeout=5)


def _status(served: Served, request: bytes) -> int | None:
    """The answer's status; None when the server hung up without one."""
    with _connected(served) as connection:
        connection.sendall(request)
        first = connection.makefile("rb").readline()
    return int(first.split()[1]) if first else None

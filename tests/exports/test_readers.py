"""Readers at the other end of real sockets: slow ones, and those who stop."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from services.api.embedded import Cluster
from services.api.exports import service, spool
from services.api.exports.extract import Extract, Options
from services.api.exports.formats import FORMATS, Form, Format
from services.api.main import create_app
from services.api.settings import Settings
from tests.conftest import APP_PASSWORD
from tests.listening import listening
from tests.make import Api, ok

SECONDS = 1.0
SIZE = 32 * 2**20
"""More than the buffers of both ends take."""


def long(extract: Extract, _: Options) -> Iterator[bytes]:
    """The codes of the sites, again and again."""
    line = json.dumps([site.code for site in extract.sites]).encode() + b"\n"
    block = line * (spool.BLOCK // len(line))
    yield from (block for _ in range(SIZE // len(block)))


Serve = Callable[[str], AbstractContextManager[str]]


@pytest.fixture
def serve(
    cluster: Cluster, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Serve:
    """A server over a database that waits a second for its readers, and has a long export."""
    form = Form("text/plain", "txt", long)
    monkeypatch.setattr(service, "FORMATS", {**FORMATS, "long": Format("long", (form,))})

    def served(database: str) -> AbstractContextManager[str]:
        url = SecretStr(cluster.url("trial_app", APP_PASSWORD, database))
        impatient = {"database_url": url, "send_seconds": SECONDS, "spool_dir": tmp_path}
        return listening(create_app(settings.model_copy(update=impatient)))

    return served


@pytest.fixture
def address(serve: Serve, shared_database: str) -> Iterator[str]:
    """Such a server over the shared database."""
    with serve(shared_database) as found:
        yield found


@contextmanager
def taking(address: str, caller: Api) -> Iterator[socket.socket]:
    """A connection over which the long export was asked for."""
    at = urlsplit(address)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
        connection.settimeout(20)
        connection.connect((at.hostname, at.port))
        asked = "GET /v1/exports/long HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
        connection.sendall(f"{asked}Authorization: Bearer {caller.token}\r\n\r\n".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
        yield connection


def files(directory: Path) -> int:
    """How many files in a directory this process holds, those without a name too."""
    held = 0
    for one in Path("/proc/self/fd").iterdir():
        try:
            held += one.readlink().is_relative_to(directory)
        except FileNotFoundError:  # the one that lists them
            continue
    return held


def held_open(connection: socket.socket) -> bool:
    """Whether the system still knows the server's end of a connection."""
    server, own = connection.getpeername()[1], connection.getsockname()[1]
    return f":{server:04X} 0100007F:{own:04X} " in Path("/proc/net/tcp").read_text()


def free() -> bool:
    """Whether no export is being made or held."""
    return not spool._kept and spool._places._value == spool.AT_ONCE


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_who_stops_reading_is_cut_off_and_nothing_is_held_for_them(
    address: str, unchanged: Api, tmp_path: Path
) -> None:
    manager = unchanged.as_("data_manager")
    with taking(address, manager) as connection:
        # The database is free as soon as the export is made, whoever reads it.
        until(lambda: spool._places._value == spool.AT_ONCE)
        assert files(tmp_path) == 1
        until(free)
        assert files(tmp_path) == 0
        until(lambda: not held_open(connection))
    with taking(address, manager):
        pass
    until(free)


def test_who_leaves_leaves_nothing_behind(address: str, unchanged: Api, tmp_path: Path) -> None:
    with taking(address, unchanged.as_("data_manager")):
        assert files(tmp_path) == 1
    until(free)
    assert files(tmp_path) == 0


def test_a_slow_line_gets_all_of_it(address: str, unchanged: Api, tmp_path: Path) -> None:
    read, began = 0, time.monotonic()
    with taking(address, unchanged.as_("data_manager")) as connection:
        while piece := connection.recv(spool.BLOCK):
            read += len(piece)
            if time.monotonic() - began < 2 * SECONDS:
                time.sleep(0.1)
    assert read > SIZE - spool.BLOCK
    until(free)
    assert files(tmp_path) == 0


def test_who_loses_access_gets_no_more(
    serve: Serve, database: str, api: Api, tmp_path: Path
) -> None:
    token = ok(api.sign_in("data-manager"))["access_token"]
    read = 0
    with serve(database) as address, taking(address, api.with_token(token)) as connection:
        ok(api.client.post("/v1/oauth/revoke", data={"token": token}))
        while piece := connection.recv(spool.BLOCK):
            read += len(piece)
            time.sleep(0.02)
        until(free)
        assert files(tmp_path) == 0
    assert read < SIZE / 2

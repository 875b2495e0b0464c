"""The line to PostgreSQL or to the caller is cut at every point of an allocation.

The caller is told the truth or nothing, and a retry with the same key gets the
one answer. What PostgreSQL is asked is found by a dry run, so nothing here has
to follow a change of the service.
"""

import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from urllib.parse import urlsplit

import psycopg
import pytest

from services.api.core.db import Database
from services.api.embedded import Cluster
from tests.conftest import Rounds, settle
from tests.eligible import Kind, make_eligible
from tests.lived import plain
from tests.make import Api, ok
from tests.torture import truth
from tests.torture.conftest import Tell
from tests.torture.proxy import Cut, Proxy, Side, Then
from tests.torture.truth import Asked, wait_until

SECONDS = 30
MORE_THAN_STATEMENTS = 33
"""Subjects of a stratum; six times as many are within the trial's cap."""
STRATA: list[Kind] = [*product(("NN", "LZ", "YL"), (True, False))]
ALWAYS = [
    (Side.BEFORE, Then.SERVED),
    (Side.AFTER, Then.SERVED),
    (Side.WITHIN, Then.SERVED),
    (Side.AFTER, Then.REFUSED),
    (Side.BEFORE, Then.UNNOTICED),
]
"""The cuts of a short run; the rest of them are made in a long one."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try every kind of cut in a long run."""
    if "side" in metafunc.fixturenames:
        long = metafunc.config.getoption("torture")
        kinds = [*product(Side, Then)] if long else ALWAYS
        names = [f"{side.name}-{then.name}".lower() for side, then in kinds]
        metafunc.parametrize(("side", "then"), kinds, ids=names)


# --- between the service and PostgreSQL ------------------------------------------------


@pytest.fixture
def proxied(api: Api, cluster: Cluster) -> Iterator[Proxy]:
    """What the service has to pass to reach PostgreSQL."""
    direct: Database = api.state.database
    with Proxy(cluster.port) as proxy:
        url = direct.engine.url.set(port=proxy.port).update_query_dict({"sslmode": "disable"})
        api.state.database = Database(url.render_as_string(hide_password=False), pool_size=2)
        try:
            yield proxy
            settle(api.state.database)
        finally:
            api.state.database.close()
            api.state.database = direct


def randomize(caller: Api, asked: Asked) -> str | None:
    """Ask once; None when it was acknowledged, or else the problem that asks to retry."""
    return asked.hear(caller.post(asked.path, key=asked.key))


def until_acknowledged(caller: Api, asked: Asked) -> None:
    """Retry, sooner than asked to."""
    deadline = time.monotonic() + SECONDS
    while randomize(caller, asked) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def requests_of(caller: Api, proxy: Proxy, asked: Asked) -> list[str]:
    """What PostgreSQL is asked for an allocation over a new connection."""
    assert caller.get(asked.path).status_code == 404
    caller.state.database.close()  # only a worker's very first connection is asked more
    proxy.arm()
    assert randomize(caller, asked) is None
    assert (proxy.requests[0], proxy.requests[-1]) == ("connect", "COMMIT")
    assert any(one.startswith("INSERT INTO allocation ") for one in proxy.requests)
    return proxy.requests


def test_a_cut_at_any_statement_loses_and_doubles_nothing(
    api: Api, proxied: Proxy, rounds: Rounds, side: Side, then: Then, tell: Tell
) -> None:
    kinds = STRATA[: rounds(1, len(STRATA))]
    made = make_eligible(api, dict.fromkeys(kinds, MORE_THAN_STATEMENTS))
    asked: list[Asked] = []
    said: Counter[str] = Counter()
    for (site, _), subjects in made.items():
        caller = api.as_("investigator", site)
        first, *others = (Asked(subject, site) for subject in subjects)
        requests = requests_of(caller, proxied, first)
        asked += [first, *others[: len(requests)]]
        for place, (request, one) in enumerate(zip(requests, others, strict=False)):
            said[cut_once(caller, proxied, one, Cut(place, side, then)) or "acknowledged"] += 1
            assert proxied.requests[place] == request
            assert ok(caller.get(one.path)) == one.told
    truth.check(api, asked)
    tell(f"Cut {side.name.lower()}, {then.name.lower()}: {dict(sorted(said.items()))}.")


def cut_once(caller: Api, proxy: Proxy, asked: Asked, cut: Cut) -> str | None:
    """What a request is answered of which a statement is cut; then retry until it is done."""
    caller.state.database.close()
    proxy.arm(cut)
    said = randomize(caller, asked)
    assert proxy.made
    with psycopg.connect(plain(caller.admin_url)) as other:
        found = other.execute("SELECT FROM allocation WHERE subject_id = %s", [asked.subject])
        if said in (None, "unavailable"):
            assert bool(found.rowcount) == (said is None), "what was said is not true"
    randomize(caller, asked)
    proxy.mend()
    until_acknowledged(caller, asked)
    until_acknowledged(caller, asked)
    return said


# --- between the service and the caller --------------------------------------------------


@contextmanager
def sent(caller: Api, asked: Asked) -> Iterator[socket.socket]:
    """A connection on which the subject's randomization was asked for; it ends by a reset."""
    url = urlsplit(str(caller.client.base_url))
    request = (
        f"POST {asked.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 0\r\n"
        f"Authorization: Bearer {caller.token}\r\nIdempotency-Key: {asked.key}\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port), timeout=SECONDS) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(request.encode())
        yield connection


def whole_answer(connection: socket.socket) -> bytes:
    """Everything that is answered on a connection, head and body."""
    read = b""
    while b"\r\n\r\n" not in read:
        read += connection.recv(65536)
    head, _, body = read.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().splitlines()
        if line.startswith(b"content-length:")
    )
    return read + connection.recv(length - len(body), socket.MSG_WAITALL)


@pytest.fixture
def asked(api: Api) -> list[Asked]:
    """Eligible subjects of one stratum, nearly as many as the trial's cap, to be asked for."""
    made = make_eligible(api, {STRATA[0]: 190})
    return [Asked(subject, "NN") for subject in made[STRATA[0]]]


def test_a_caller_who_hangs_up_within_the_answer_gets_it_from_a_retry(
    api: Api, asked: list[Asked], rounds: Rounds
) -> None:
    caller = api.as_("investigator")
    first, *others = asked
    with sent(caller, first) as connection:
        answer = whole_answer(connection)
    head, _, first.body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 201 ")
    places = {0, 1, 12, len(head) // 2, len(head) + 4, len(head) + 5, len(answer) - 1}
    places |= {*range(0, len(answer), len(answer) // rounds(1, 170))}
    for place, one in zip(sorted(places), others, strict=False):
        with sent(caller, one) as connection:
            read = connection.recv(place, socket.MSG_WAITALL) if place else b""
            assert len(read) == place
        until_acknowledged(caller, one)
        assert one.body is not None
        assert one.body.startswith(read.partition(b"\r\n\r\n")[2])
        until_acknowledged(caller, one)
    truth.check(api, asked[: len(places) + 1])


def test_a_caller_who_hangs_up_before_the_answer_gets_it_from_a_retry(
    api: Api, asked: list[Asked]
) -> None:
    caller, one = api.as_("investigator"), asked[0]
    with psycopg.connect(plain(api.admin_url)) as other:
        other.execute("SELECT FROM stratum FOR UPDATE")
        with sent(caller, one):
            wait_until(api, "EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        assert randomize(caller, one) == "still_in_flight"
        other.rollback()
    wait_until(api, "EXISTS (SELECT FROM allocation)")  # though nobody waits for it any more
    until_acknowledged(caller, one)
    truth.check(api, [one])

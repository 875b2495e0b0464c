"""Deliveries per second, from events that wait to receivers that have them all."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg

from bench.events.trial import SITES
from services.api.core.making import new_id
from services.api.settings import Settings
from services.api.webhooks.secrets import new_secret, seal

RECEIVER = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
SECONDS = 600
_TELL = """
    INSERT INTO feed_event (id, type, at, site, subject_id, record, record_id)
    SELECT gen_random_uuid(), 'query.opened', now(), 'NN',
           ('00000000-0000-0000-0000-' || lpad((n %% %s)::text, 12, '0'))::uuid, 'visit', 'RT1A'
    FROM generate_series(1, %s) AS n
"""


@contextmanager
def receivers(number: int) -> Iterator[list[int]]:
    """The ports of so many receivers, each a process of its own."""
    running = [
        subprocess.Popen([sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True)
        for _ in range(number)
    ]
    try:
        yield [int(one.stdout.readline()) for one in running if one.stdout]
    finally:
        for one in running:
            one.kill()
            one.wait()
            if one.stdout:
                one.stdout.close()


def register(superuser: psycopg.Connection, settings: Settings, ports: list[int]) -> None:
    """A webhook for each receiver."""
    for port in ports:
        webhook = new_id()
        superuser.execute(
            "INSERT INTO webhook (id, owner, url, sites, active, gone, version, created_at)"
            " VALUES (%s, %s, %s, %s, true, false, 1, now())",
            (webhook, uuid4(), f"http://127.0.0.1:{port}/", list(SITES)),
        )
        superuser.execute(
            "INSERT INTO webhook_secret (id, webhook_id, sealed) VALUES (%s, %s, %s)",
            (new_id(), webhook, seal(settings, webhook, new_secret())),
        )


def rate(
    superuser: psycopg.Connection, settings: Settings, workers: int, events: int, subjects: int
) -> float:
    """Deliveries per second of so many workers, once they have started."""
    running = [_worker(settings) for _ in range(workers)]
    try:
        _wait(superuser, "SELECT count(*) >= %s FROM jobs.procrastinate_workers", workers)
        superuser.execute(_TELL, (subjects, events))
        began = time.perf_counter()
        before = _delivered(superuser)
        _wait(
            superuser,
            "SELECT NOT EXISTS (SELECT FROM feed_event WHERE position IS NULL)"
            " AND NOT EXISTS (SELECT FROM webhook_delivery WHERE state <> 'delivered'"
            " AND %s > 0)",
            workers,
        )
        return (_delivered(superuser) - before) / (time.perf_counter() - began)
    finally:
        for one in running:
            one.terminate()
        for one in running:
            one.wait()


def _worker(settings: Settings) -> subprocess.Popen[bytes]:
    given = {
        "TRIAL_DATABASE_URL": settings.plain_database_url,
        "TRIAL_PERSON_KEY_FILE": str(settings.person_key_file),
        "TRIAL_WEBHOOK_PRIVATE_ADDRESSES": "true",
        "TRIAL_WEBHOOK_HTTP": "true",
    }
    others = {name: text for name, text in os.environ.items() if not name.startswith("TRIAL_")}
    command = [sys.executable, "-m", "services.api.worker.process", str(os.getpid())]
    return subprocess.Popen(command, env={**others, **given}, stderr=subprocess.DEVNULL)


def _delivered(superuser: psycopg.Connection) -> int:
    query = "SELECT count(*) FROM webhook_delivery WHERE state = 'delivered'"
    return int((superuser.execute(query).fetchone() or (0,))[0])


def _wait(superuser: psycopg.Connection, query: str, given: int) -> None:
    end = time.monotonic() + SECONDS
    while superuser.execute(query.encode(), (given,)).fetchone() != (True,):
        if time.monotonic() > end:
            raise TimeoutError(query)
        time.sleep(0.05)

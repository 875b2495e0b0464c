"""An installation with many subjects: its database, its secrets and a token that sees them all."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg

from bench import production
from bench.bare import cursor_after
from services.api import migrate, setup
from services.api.core.clock import Clock
from services.api.core.db import Database
from services.api.core.permissions import Role
from services.api.embedded import Cluster
from services.api.protocol.load import load
from services.api.settings import Settings

PER_SITE = 10_000
"""A subject number has four digits, so more subjects need more sites than the trial has."""
LIMIT = 50
SAMPLE = 1_000
"""How many different subjects and pages are asked for, spread evenly over all."""

SITES = """
INSERT INTO site (code, name, city, subjects)
SELECT 'Z' || chr(65 + n), 'Further site', 'Nanning', 0 FROM generate_series(0, %s - 1) AS n
"""
# RFC 9562 layout: 48 bits of milliseconds, version 7, the rest here a digest instead of chance.
SUBJECTS = """
INSERT INTO subject (
    id, site, number, year_of_birth, sex, status, protocol_version, version,
    recorded_by, created_at, recorded_at
)
SELECT (lpad(to_hex(1767225600000 + n * 1000), 12, '0') || '7' || left(md5(n::text), 3)
        || '8' || right(md5(n::text), 15))::uuid,
       site.code, site.code || '-' || lpad((n / of)::text, 4, '0'),
       1950 + n %% 55, CASE n %% 2 WHEN 0 THEN 'female' ELSE 'male' END, 'screening',
       (SELECT version FROM protocol_version LIMIT 1), 1, %s,
       to_timestamp(1767225600 + n + 0.25), to_timestamp(1767225600 + n + 0.25)
FROM (SELECT code, row_number() OVER (ORDER BY code) - 1 AS place, count(*) OVER () AS of
      FROM site) AS site
JOIN generate_series(0, %s - 1) AS n ON n %% of = place
"""


@dataclass(frozen=True)
class Installation:
    """A furnished database, the service's settings over it, and what to ask of it."""

    admin_url: str
    settings: Settings
    sites: tuple[str, ...]
    token: str
    one: list[str]
    pages: list[str]


@contextmanager
def installation(directory: Path, rows: int) -> Iterator[Installation]:
    """A running PostgreSQL with that many subjects, set up as for production."""
    with Cluster(directory / "postgresql") as cluster:
        password = secrets.token_urlsafe(24)
        url = production.app_url(cluster, password)
        settings = production.settings(directory, url)
        admin_url = cluster.url(cluster.superuser, cluster.password, "postgres")
        migrate.upgrade(admin_url, app_password=password)
        _publish(settings, url)
        plain = admin_url.replace("+psycopg", "")
        ids, sites = _fill(plain, rows)
        step = max(1, len(ids) // SAMPLE)
        pages = [cursor_after(subject) for subject in ids[: len(ids) - LIMIT : step]]
        yield Installation(
            admin_url=plain,
            settings=settings,
            sites=sites,
            token=_token(settings, sites),
            one=[f"/v1/subjects/{subject}" for subject in ids[::step]],
            pages=[f"/v1/subjects?limit={LIMIT}&cursor={cursor}" for cursor in pages],
        )


def _publish(settings: Settings, url: str) -> None:
    loaded = load(settings.protocol_document)
    secret = production.secret_file(settings, loaded.protocol)
    clock = Clock(ZoneInfo(loaded.protocol.study.time_zone))
    database = Database(url, pool_size=1)
    setup.prepare(database, settings, loaded, secret, clock)
    database.close()


def _fill(url: str, rows: int) -> tuple[list[UUID], tuple[str, ...]]:
    """Insert the subjects, past triggers; the ids in order, and every site."""
    with psycopg.connect(url, autocommit=True) as connection:
        known = connection.execute("SELECT count(*) FROM site").fetchone() or (0,)
        connection.execute(SITES, [max(0, -(-rows // PER_SITE) - known[0])])
        connection.execute("SET session_replication_role = replica")
        connection.execute(SUBJECTS, [uuid4(), rows])
        connection.execute("VACUUM ANALYZE subject")
        ids = [row[0] for row in connection.execute("SELECT id FROM subject ORDER BY id")]
        sites = tuple(row[0] for row in connection.execute("SELECT code FROM site ORDER BY code"))
    return ids, sites


def _token(settings: Settings, sites: tuple[str, ...]) -> str:
    return production.issuer(settings).issue(
        subject=uuid4(), role=Role.DATA_MANAGER, sites=sites, name="Bench", machine=False
    )

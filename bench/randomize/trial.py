"""A trial in which many subjects wait to be randomized, and copies of its database."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from psycopg import sql
from pydantic import SecretStr

from bench import processes, production
from bench.randomize.recording import Recorded, recording
from services.api import migrate
from services.api.core.permissions import Role
from services.api.embedded import Cluster
from services.api.main import create_app
from services.api.protocol.schema import Protocol
from services.api.randomization.rules import AllocationList, stratum_of
from services.api.settings import Settings
from tests.eligible import Kind, make_eligible
from tests.listening import listening
from tests.make import Api, created

SITES = ("NN", "LZ", "YL")
KINDS: tuple[Kind, ...] = tuple((site, given) for given in (True, False) for site in SITES)
"""One for each stratum; neighbours are of different sites."""
UNRECORDED, RECORDED = 2, 3
"""Allocations of each stratum before anything is measured.

The first are not recorded: caches are empty then, and a stratum without a slot has no last one.
"""
READY = "ready"
"""The database that the copies are made of."""
MAX_CONNECTIONS = 300
SHIPPED_LIMITS = {"cap": 200, "slots_per_stratum": 200}

CHECKED = """
SELECT (SELECT count(*) FROM allocation),
       (SELECT count(*) FROM audit_event WHERE record = 'allocation'),
       (SELECT count(*) FROM subject WHERE status = 'randomized'),
       (SELECT count(*) FROM idempotent_answer WHERE expires_at IS NULL),
       (SELECT allocated FROM randomization_total)
"""


class WrongDatabase(Exception):
    """The database does not hold what the answers said."""


@dataclass(frozen=True)
class Waiting:
    """A subject who lacks nothing but the allocation."""

    id: UUID
    site: str
    stratum: str

    @property
    def path(self) -> str:
        """Where to ask for the allocation."""
        return f"/v1/subjects/{self.id}/randomization"


@dataclass(frozen=True)
class Copy:
    """A database in which nobody who waits is randomized yet."""

    name: str
    connection: psycopg.Connection[Any]
    """A superuser's."""
    whole: AllocationList

    def connected(self) -> int:
        """How many connections the serving role has."""
        row = self.connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'trial_app'"
        ).fetchone() or (0,)
        return int(row[0])

    def check(self, allocated: int) -> None:
        """Compare with what the answers said: so many allocations, each the committed list's.

        Raises:
            WrongDatabase: says what differs.
        """
        expected = allocated + len(KINDS) * (UNRECORDED + RECORDED)
        found = self.connection.execute(CHECKED).fetchone() or ()
        if set(found) != {expected}:
            raise WrongDatabase(
                f"{expected} allocations were reported, but there are (allocations, events of"
                f" them, randomized subjects, kept answers, total) {found}"
            )
        rows = self.connection.execute("SELECT stratum, seq, arm FROM allocation").fetchall()
        if wrong := [row for row in rows if self.whole.arm(row[0], row[1]) != row[2]]:
            raise WrongDatabase(f"{len(wrong)} allocations are not the list's, such as {wrong[0]}")


@dataclass(frozen=True)
class Trial:
    """The installation, its subjects in the order of their turns, and recorded allocations."""

    cluster: Cluster
    settings: Settings
    password: str
    whole: AllocationList
    waiting: list[Waiting]
    recorded: list[Recorded]

    def url(self, database: str) -> str:
        """A database's address as the role that serves."""
        return production.app_url(self.cluster, self.password, database)

    def serving(self, url: str, **changed: object) -> Settings:
        """The settings of a server over a database."""
        return self.settings.model_copy(update={"database_url": SecretStr(url), **changed})

    def paths(self) -> dict[str, list[str]]:
        """What to ask for with a token, good from now on, of each site's investigator."""
        issuer = production.issuer(self.settings)
        return {
            issuer.issue(
                subject=uuid4(),
                role=Role.INVESTIGATOR,
                sites=(site,),
                name=f"Bench investigator {site}",
                machine=False,
            ): [one.path for one in self.waiting if one.site == site]
            for site in SITES
        }

    @contextmanager
    def copy(self, name: str) -> Iterator[Copy]:
        """A copy of the database, for one measurement."""
        with self.as_superuser("postgres") as connection:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
            connection.execute(create.format(sql.Identifier(name), sql.Identifier(READY)))
            connection.execute("CHECKPOINT")
            try:
                with self.as_superuser(name) as inside:
                    yield Copy(name, inside, self.whole)
            finally:
                drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
                connection.execute(drop.format(sql.Identifier(name)))

    def as_superuser(self, database: str) -> psycopg.Connection[Any]:
        """A connection that no row-level security binds."""
        return psycopg.connect(_plain(_admin_url(self.cluster, database)), autocommit=True)

    def postmaster(self) -> int:
        """The process that all of PostgreSQL descends from."""
        with self.as_superuser("postgres") as connection:
            return processes.parent(connection.info.backend_pid)


@contextmanager
def furnished(directory: Path, subjects: int) -> Iterator[Trial]:
    """A durable PostgreSQL with about so many subjects, as many in each of the six strata."""
    each = UNRECORDED + RECORDED + -(-subjects // len(KINDS))
    document = _document(directory, cap=len(KINDS) * each)
    password = secrets.token_urlsafe(24)
    with Cluster(directory / "postgresql", max_connections=MAX_CONNECTIONS) as cluster:
        with psycopg.connect(_plain(_admin_url(cluster, "postgres")), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {READY}")
        admin_url = _admin_url(cluster, READY)
        migrate.upgrade(admin_url, app_password=password)
        url = production.app_url(cluster, password, READY)
        settings = production.settings(directory, url, document)
        app = create_app(settings)
        with (
            listening(app) as address,
            httpx.Client(base_url=address, timeout=30) as client,
        ):
            api = Api(client, app.state, admin_url)
            _activate(api)
            made = make_eligible(api, dict.fromkeys(KINDS, each))
            turns = _in_turns(app.state.loaded.protocol, made)
            first, then = len(KINDS) * UNRECORDED, len(KINDS) * (UNRECORDED + RECORDED)
            heard = [_randomize(api, one) for one in turns[:then]]
            opened = app.state.randomization_secret.opened()
        yield Trial(
            cluster=cluster,
            settings=settings,
            password=password,
            whole=opened.list,
            waiting=turns[then:],
            recorded=heard[first:],
        )


def _document(directory: Path, cap: int) -> Path:
    """The shipped protocol, with room for so many subjects, all in one stratum if need be."""
    text = production.SHIPPED.read_text()
    for name, shipped in SHIPPED_LIMITS.items():
        line = f"\n  {name}: {shipped}\n"
        if line not in text:
            raise ValueError(f"{production.SHIPPED.name} has another {name} than {shipped}")
        text = text.replace(line, f"\n  {name}: {cap}\n")
    (directory / "protocol.yaml").write_text(text)
    return directory / "protocol.yaml"


def _activate(api: Api) -> None:
    approval = {
        "protocol_version": api.state.loaded.protocol.version,
        "consent_version": "1.0",
        "ethics_reference": "bench",
        "approved_on": str(api.today()),
    }
    for site in SITES:
        created(api.as_("admin").post(f"/v1/sites/{site}/activations", approval))


def _in_turns(protocol: Protocol, made: Mapping[Kind, list[UUID]]) -> list[Waiting]:
    """The subjects so that strata take turns."""
    factor = next(one.id for one in protocol.randomization.factors if one.source != "site")

    def waiting(kind: Kind, subject: UUID) -> Waiting:
        levels: dict[str, bool | str] = {"site": kind[0], factor: kind[1]}
        return Waiting(subject, kind[0], stratum_of(levels, protocol.randomization).code)

    each = ([waiting(kind, subject) for subject in made[kind]] for kind in KINDS)
    return list(chain.from_iterable(zip(*each, strict=True)))


def _randomize(api: Api, subject: Waiting) -> Recorded:
    """Allocate one subject, and tell how."""
    sent = {"key": str(uuid4()), "request_id": secrets.token_hex(16)}
    with recording(api.state.database.engine) as statements:
        answer = created(
            api.as_("investigator", subject.site).post(
                subject.path, key=sent["key"], headers={"X-Request-Id": sent["request_id"]}
            )
        )
    number = str(answer["randomization_number"])
    known = {
        **sent,
        "subject_id": str(subject.id),
        "stratum": subject.stratum,
        "allocation_id": str(answer["id"]),
        "arm": str(answer["arm"]),
        "randomization_number": number,
        "seq": str(int(number.removeprefix(f"{subject.stratum}-"))),
    }
    return Recorded(known, tuple(statements))


def _admin_url(cluster: Cluster, database: str) -> str:
    return cluster.url(cluster.superuser, cluster.password, database)


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")

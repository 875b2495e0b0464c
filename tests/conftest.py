"""Real PostgreSQL, migrated by Alembic, a database per test, and the real server over a socket."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import settings as chances
from pydantic import SecretStr
from sqlalchemy import QueuePool, make_url

from services.api import migrate
from services.api.audit.sealing import seal_once
from services.api.core.db import Database
from services.api.core.keys import new_signing_key
from services.api.embedded import Cluster
from services.api.identity.watch import SessionWatch
from services.api.main import create_app
from services.api.sandbox.scenarios import Scenario
from services.api.sandbox.stage import Played
from services.api.settings import Settings
from tests.allocation_list import SECRET
from tests.deadlines.cases import reminded
from tests.listening import listening
from tests.lived import Lived
from tests.make import DOCUMENT, WEBHOOK, Api, created, lock, ok, problem
from tests.stopping_rules.reactions import evaluate
from tests.visits.searching import search

APP_PASSWORD = "a password of the tests only"
SEALER_PASSWORD = "a password of the tests' sealer"
AUDITOR_PASSWORD = "a password of the tests' auditor"
MIGRATED = "template_migrated"
TEMPLATE = "template_trial"

# A rule holds on a busy machine too: no example is refused for the time it takes.
chances.register_profile("trial", deadline=None)
chances.load_profile("trial")


IN_MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30
"""Bytes that the temporary directories of a run may need, and some to spare."""

Rounds = Callable[[int, int], int]


class Compiled(dict[Any, Any]):
    """Statements, whichever engine compiled them: a key begins with the engine's dialect."""

    def get(self, key: Any, default: Any = None) -> Any:
        """What was compiled under the rest of the key."""
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(key[1:], compiled)


_COMPILED = Compiled()


def pytest_configure() -> None:
    """Keep throw-away clusters in memory where there is room: a clone takes half the time."""
    if os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the long run of the destructive tests."""
    parser.addoption(
        "--torture", action="store_true", help="let the destructive tests run for half an hour"
    )
    parser.addoption(
        "--record", action="store_true", help="write the document's examples anew: `make openapi`"
    )


@pytest.fixture(scope="session")
def rounds(pytestconfig: pytest.Config) -> Rounds:
    """How often a destructive test repeats itself: the first number; with --torture, the second."""
    long = bool(pytestconfig.getoption("torture"))
    return lambda few, many: many if long else few


@dataclass(frozen=True)
class Served:
    """The application under test, and where it listens."""

    app: FastAPI
    address: str


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A throw-away PostgreSQL of this test process."""
    with Cluster(tmp_path_factory.mktemp("postgresql"), durable=False) as running:
        yield running


def admin_url(cluster: Cluster, database: str) -> str:
    """A database as the superuser."""
    return cluster.url(cluster.superuser, cluster.password, database)


def execute(cluster: Cluster, statement: str) -> None:
    """One statement as the superuser, outside any test's database."""
    url = make_url(admin_url(cluster, "postgres")).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def migrated(cluster: Cluster) -> str:
    """The name of a migrated, empty database to clone: that takes a tenth of migrating another."""
    execute(cluster, f"CREATE DATABASE {MIGRATED}")
    migrate.upgrade(
        admin_url(cluster, MIGRATED),
        app_password=APP_PASSWORD,
        sealer_password=SEALER_PASSWORD,
        auditor_password=AUDITOR_PASSWORD,
    )
    return MIGRATED


@pytest.fixture(scope="session")
def template(cluster: Cluster, migrated: str) -> str:
    """The name of the database that the first start furnishes, to clone."""
    execute(cluster, f"CREATE DATABASE {TEMPLATE} TEMPLATE {migrated} STRATEGY file_copy")
    return TEMPLATE


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster, template: str) -> Settings:
    """A sandbox over the template, whose first start furnishes it."""
    secrets = tmp_path_factory.mktemp("secrets")
    (secrets / "key.pem").write_text(new_signing_key())
    (secrets / "person").write_text("11" * 32)
    (secrets / "list.json").write_text(SECRET.model_dump_json())
    return Settings(
        sandbox=True,
        database_url=SecretStr(cluster.url("trial_app", APP_PASSWORD, template)),
        signing_key_file=secrets / "key.pem",
        person_key_file=secrets / "person",
        randomization_secret_file=secrets / "list.json",
        issuer="http://trial.test",
        pool_size=20,
        webhook_private_addresses=True,
        webhook_http=True,
    )


class Unmoved:
    """A stage that changes nothing: the databases under test are their fixtures'."""

    next_reset_at = None

    def reset(self, scenario: Scenario | None, seed: int | None) -> Played:
        """Answer as if the scenario had been played."""
        return Played(scenario or Scenario.EMPTY, 1 if seed is None else seed)


@pytest.fixture(scope="session")
def served(settings: Settings) -> Iterator[Served]:
    """The application under test, whose first start furnishes the template."""
    app = create_app(settings)
    app.state.stage = Unmoved()
    with listening(app) as address:
        app.state.watch.close()
        app.state.database.close()  # a template with connections cannot be cloned
        yield Served(app, address)


@contextmanager
def cloned(cluster: Cluster, name: str, template: str = TEMPLATE) -> Iterator[str]:
    """A copy of a database that nobody is connected to, for as long as it is needed."""
    execute(cluster, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield name
    finally:
        execute(cluster, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def serving(cluster: Cluster, served: Served, database: str) -> Iterator[Api]:
    """The API over a database, at the beginning of real time."""
    state = served.app.state
    state.database = own = Database(cluster.url("trial_app", APP_PASSWORD, database), pool_size=20)
    # Statements stay compiled from one test to the next: that is a tenth of a short test.
    for engine in (own.engine, own._aside):
        engine.update_execution_options(compiled_cache=_COMPILED)
    state.clock.offset *= 0
    state.watch = SessionWatch(cluster.url("trial_app", APP_PASSWORD, database))
    # Plain HTTP: without certificates to read, a client is made in a hundredth of the time.
    with (
        state.watch,
        httpx.Client(base_url=served.address, timeout=30, verify=False) as client,
    ):
        yield Api(client, state, admin_url(cluster, database))
    while not state.streams.watch.idle:
        time.sleep(0.01)
    settle(own)
    own.close()


def settle(database: Database) -> None:
    """Wait for requests whose callers have gone: they still hold their connections."""
    pools = [engine.pool for engine in (database.engine, database._aside)]
    deadline = time.monotonic() + 20
    while any(isinstance(pool, QueuePool) and pool.checkedout() for pool in pools):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def database(cluster: Cluster, served: Served, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of this test's own database, a clone of the furnished template."""
    with cloned(cluster, f"test_{abs(hash(request.node.nodeid))}") as name:
        yield name


@pytest.fixture
def api(cluster: Cluster, served: Served, database: str) -> Iterator[Api]:
    """The API over this test's own database."""
    with serving(cluster, served, database) as made:
        yield made


@pytest.fixture(scope="session")
def shared_database(cluster: Cluster, served: Served) -> Iterator[str]:
    """The name of a furnished database for tests that store nothing."""
    with cloned(cluster, "test_shared") as name:
        yield name


@pytest.fixture(scope="session")
def shared_changes(cluster: Cluster, shared_database: str) -> Iterator[Callable[[], Any]]:
    """How many changes the shared database holds; who read and who was refused is told too."""
    counting = (
        "SELECT (SELECT count(*) FROM audit_event"
        "         WHERE operation IN ('INSERT', 'UPDATE', 'DELETE')),"
        " (SELECT count(*) FROM idempotent_answer)"
    )
    url = admin_url(cluster, shared_database).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield lambda: connection.execute(counting).fetchone()


@pytest.fixture
def unchanged(
    cluster: Cluster, served: Served, shared_database: str, shared_changes: Callable[[], Any]
) -> Iterator[Api]:
    """The API over a shared database, for a test that stores nothing: that is checked."""
    with serving(cluster, served, shared_database) as made:
        before = shared_changes()
        yield made
        assert shared_changes() == before


@pytest.fixture(scope="session")
def sealing_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a key that the server knows nothing of."""
    path = tmp_path_factory.mktemp("sealing") / "key.pem"
    path.write_text(new_signing_key())
    return path


def seal(cluster: Cluster, database: str, key: Path) -> int | None:
    """Seal a database's trail once, as the sealer's process does."""
    url = SecretStr(cluster.url("trial_sealer", SEALER_PASSWORD, database))
    return seal_once(Settings(database_url=url, sealing_key_file=key))


@pytest.fixture(scope="session")
def lived(cluster: Cluster, served: Served, sealing_key: Path) -> Iterator[Lived]:
    """A database in which everything has happened, for tests that leave it as it is."""
    with cloned(cluster, "test_lived") as name, serving(cluster, served, name) as made:
        subjects = {
            site: str(made.as_("investigator", site).lived(site)["id"]) for site in ("NN", "LZ")
        }
        made.paired(subjects["NN"], subjects["LZ"])
        evaluate(made)
        search(made)
        for state in ("frozen", "open"):
            ok(made.as_("data_manager").put("/v1/study/lock", lock(state)))
        created(made.as_("safety_officer").post("/v1/safety/reference-documents", DOCUMENT))
        assert reminded(made) == 2
        made.as_("investigator").screened(national_id="450103197101010011")
        ok(made.sign_in("investigator-nn"))
        problem(made.sign_in("investigator-nn", "a wrong password"), 400, "invalid_grant")
        made.rows(
            "INSERT INTO used_assertion (client, jti_digest, expires_at)"
            " SELECT id, 'jti', now() FROM account WHERE username = 'his-nn'"
        )
        seal(cluster, name, sealing_key)
        hear(made)
        yield Lived(made, cluster.url("trial_app", APP_PASSWORD, name), subjects)


def hear(api: Api) -> None:
    """Publish what happened to a webhook, and postpone an event."""
    created(api.as_("hospital_system").post("/v1/webhooks", WEBHOOK))
    ok(api.as_("data_manager").get("/v1/events"))
    api.rows(
        "INSERT INTO feed_event (id, type, at, record, record_id, once) VALUES"
        " (gen_random_uuid(), 'query.opened', now(), 'query', 'none', 'told once')"
    )
    api.rows(
        "INSERT INTO postponed_event (event_id, attempts, due_at, fault)"
        " SELECT id, 1, now(), 'ValueError' FROM feed_event LIMIT 1"
    )


@pytest.fixture
def superuser(lived: Lived) -> Iterator[psycopg.Connection[Any]]:
    """Whom only constraints and triggers bind; what it does is rolled back."""
    with lived.as_superuser() as connection:
        yield connection
        connection.rollback()

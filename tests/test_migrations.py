"""The revisions, up and down, on every server version that the service supports."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg.rows import scalar_row
from pydantic import SecretStr
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from services.api import migrate
from services.api.audit.verify import verify
from services.api.core.db import Database
from services.api.embedded import Cluster, bindir
from services.api.migrations import guard
from services.api.settings import Settings
from services.api.setup import prepare
from tests.conftest import APP_PASSWORD, AUDITOR_PASSWORD, SEALER_PASSWORD, Served, admin_url
from tests.lived import plain
from tests.make import Api, created, ok, query

SYSTEM = Path("/usr/lib/postgresql/15/bin")
SERVERS = {"18": bindir(18), "16": bindir(16)} | ({"15": SYSTEM} if SYSTEM.is_dir() else {})
SCRIPTS = ScriptDirectory.from_config(migrate.config())
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()]
WHAT_THERE_IS: LiteralString = (
    "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    " UNION SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    " UNION SELECT conname::text FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
    " UNION SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal"
    " UNION SELECT policyname::text FROM pg_policies"
    " UNION SELECT relname || ': ' || coalesce(relacl, acldefault('r', relowner))::text"
    "  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
)


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """A server of that version, on which nothing was ever migrated."""
    home = tmp_path_factory.mktemp(f"server{request.param}")
    with Cluster(home, SERVERS[request.param], durable=False) as running:
        yield running


def ask(url: str, query: LiteralString) -> list[str]:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        cursor = connection.cursor(row_factory=scalar_row).execute(query)
        return cursor.fetchall() if cursor.description else []


def new_database(server: Cluster, name: LiteralString, owner: LiteralString = "postgres") -> str:
    """The superuser's address of an empty database."""
    ask(admin_url(server, "postgres"), f"CREATE DATABASE {name} OWNER {owner}")
    return admin_url(server, name)


def check(url: str) -> None:
    """Fail if the models and the schema differ."""
    engine = create_engine(url)
    with engine.connect() as connection:
        command.check(migrate.config(connection))
    engine.dispose()


def revision(url: str) -> str | None:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = migrate.revision(connection)
    engine.dispose()
    return found


def test_an_owner_who_may_create_roles_need_not_be_superuser(server: Cluster) -> None:
    """First on each server, so the roles do not exist yet."""
    postgres = admin_url(server, "postgres")
    ask(postgres, "CREATE ROLE builder LOGIN CREATEROLE PASSWORD 'builder'")
    as_superuser = new_database(server, "built", "builder")
    url = server.url("builder", "builder", "built")
    migrate.upgrade(url, app_password=APP_PASSWORD)
    check(url)
    owners = ask(
        as_superuser,
        "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public'",
    )
    assert owners == ["trial_owner"]
    database = Database(server.url("trial_app", APP_PASSWORD, "built"), pool_size=1)
    with database.session() as session:
        assert migrate.revision(session.connection()) == migrate.head()
    database.close()
    migrate.downgrade(url)
    migrate.upgrade(url)
    ask(postgres, "DROP DATABASE built WITH (FORCE)")


def test_an_owner_without_that_right_is_told_so(server: Cluster) -> None:
    postgres = admin_url(server, "postgres")
    ask(postgres, "CREATE ROLE tenant LOGIN PASSWORD 'tenant'")
    as_superuser = new_database(server, "let", "tenant")
    with pytest.raises(ProgrammingError, match=r"permission denied|must have admin option"):
        migrate.upgrade(server.url("tenant", "tenant", "let"))
    assert revision(as_superuser) is None
    ask(postgres, "DROP DATABASE let WITH (FORCE)")


def test_up_down_and_up_again_from_empty(server: Cluster) -> None:
    url = new_database(server, "updown")
    migrate.upgrade(url)
    first = ask(url, WHAT_THERE_IS)
    assert revision(url) == migrate.head()
    check(url)
    migrate.downgrade(url)
    assert revision(url) is None
    left = {name for name in ask(url, WHAT_THERE_IS) if not name.startswith("alembic_version")}
    assert left == set()
    migrate.upgrade(url)
    assert ask(url, WHAT_THERE_IS) == first
    check(url)


def test_each_revision_goes_down_and_up_by_itself(cluster: Cluster) -> None:
    url = new_database(cluster, "stepwise")
    states = []
    for one in reversed(REVISIONS):
        migrate.upgrade(url, to=one)
        states.append(ask(url, WHAT_THERE_IS))
        assert revision(url) == one
    for one, state in zip(REVISIONS, reversed(states), strict=True):
        assert ask(url, WHAT_THERE_IS) == state, one
        migrate.downgrade(url, to="-1")
    assert revision(url) is None


def test_a_second_run_changes_nothing(cluster: Cluster) -> None:
    url = new_database(cluster, "twice")
    migrate.upgrade(url, app_password=APP_PASSWORD)
    written = ask(url, "SELECT max(xmin::text::bigint)::text FROM pg_class")
    migrate.upgrade(url)
    assert ask(url, "SELECT max(xmin::text::bigint)::text FROM pg_class") == written


def test_a_trial_runs_on_this_server(server: Cluster, served: Served, unchanged: Api) -> None:
    url = new_database(server, "trial")
    migrate.upgrade(url, app_password=APP_PASSWORD)
    state = served.app.state
    database = Database(server.url("trial_app", APP_PASSWORD, "trial"), pool_size=5)
    prepare(database, state.settings, state.loaded, state.randomization_secret, state.clock)
    state.database = database
    api = Api(unchanged.client, state, url)
    subject = api.as_("investigator").lived()
    assert subject["status"] == "withdrawn"
    endpoint = f"/v1/subjects/{subject['id']}/endpoint"
    assert ok(api.as_("monitor").get(endpoint))["primary"]["status"] == "event"
    database.close()


def test_the_revisions_are_one_line() -> None:
    assert len(SCRIPTS.get_heads()) == len(SCRIPTS.get_bases()) == 1
    assert migrate.head() == REVISIONS[0]
    for script in SCRIPTS.walk_revisions():
        assert re.fullmatch(r"\d{4}_\d{2}_\d{2}_[a-z_]+\.py", Path(script.path).name)
        assert script.doc
        assert not isinstance(script.down_revision, tuple)


@pytest.mark.parametrize("way", ["upgrade", "downgrade"])
@pytest.mark.parametrize("name", REVISIONS)
def test_every_revision_bounds_its_locks_and_time_first(name: str, way: str) -> None:
    module = ast.parse(Path(SCRIPTS.get_revision(name).path).read_text())
    (function,) = [
        node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == way
    ]
    statements = [
        node
        for node in function.body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    assert ast.unparse(statements[0]).startswith("guard(")


def test_a_revision_that_waits_for_a_lock_gives_up_and_can_be_run_again(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "LOCK_TIMEOUT", "50ms")
    url = new_database(cluster, "locked")
    migrate.upgrade(url)
    with psycopg.connect(plain(url)) as other:
        other.execute("LOCK TABLE data_query, subject, stratum IN ACCESS SHARE MODE")
        with pytest.raises(OperationalError, match="lock timeout"):
            migrate.downgrade(url)
    assert revision(url) == migrate.head()
    migrate.downgrade(url)
    assert revision(url) is None


def test_the_draws_of_a_running_trial_are_counted_by_the_revision_that_counts_them(
    api: Api,
) -> None:
    for _ in range(2):
        api.as_("investigator").randomized()
    api.as_("investigator", "LZ").randomized(site="LZ", concurrent_chemotherapy=False)
    counted: LiteralString = "SELECT concat_ws(' ', code, drawn, drawn_at) FROM stratum ORDER BY 1"
    before = ask(api.admin_url, counted)
    migrate.downgrade(api.admin_url, to="conduct")
    migrate.upgrade(api.admin_url)
    assert ask(api.admin_url, counted) == before
    drawn = ask(api.admin_url, "SELECT drawn::text FROM stratum ORDER BY code")
    assert drawn == ["0", "1", "2", "0", "0", "0"]
    settings = Settings(database_url=SecretStr(api.admin_url))
    assert verify(settings, grace=3600).faults == []


def test_what_the_revision_before_cannot_hold_is_not_dropped(api: Api) -> None:
    investigator = api.as_("investigator")
    created(api.as_("monitor").post("/v1/queries", query(investigator.consented())))
    for _ in range(2):
        with pytest.raises(CommandError, match=r"data queries .* before raised cannot hold"):
            migrate.downgrade(api.admin_url, to="scenarios")
    assert revision(api.admin_url) == "raised"


def test_deaths_and_cases_are_not_dropped(api: Api) -> None:
    investigator = api.as_("investigator")
    investigator.died(investigator.consented())
    for _ in range(2):
        with pytest.raises(CommandError, match=r"deaths .* before cases cannot hold"):
            migrate.downgrade(api.admin_url, to="events")
    assert revision(api.admin_url) == "cases"
    migrate.upgrade(api.admin_url)
    event = investigator.reported(investigator.consented())
    assert ok(investigator.get(f"/v1/adverse-events/{event['id']}")) == event
    settings = Settings(database_url=SecretStr(api.admin_url))
    assert verify(settings, grace=3600).faults == []


def test_a_revision_that_takes_too_long_gives_up(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "STATEMENT_TIMEOUT", "1ms")
    url = new_database(cluster, "slow")
    with psycopg.connect(plain(url)) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtext('trial roles'))")
        with pytest.raises(OperationalError, match="statement timeout"):
            migrate.upgrade(url)
    assert revision(url) is None


def test_an_unknown_revision_is_refused(cluster: Cluster) -> None:
    url = new_database(cluster, "unknown")
    with pytest.raises(CommandError, match="no_such_revision"):
        migrate.upgrade(url, to="no_such_revision")


def test_the_password_of_each_role_is_set_and_never_sent(cluster: Cluster) -> None:
    """The server gets a SCRAM verifier: its log could otherwise show the password."""
    passwords = {
        "trial_app": APP_PASSWORD,
        "trial_sealer": SEALER_PASSWORD,
        "trial_auditor": AUDITOR_PASSWORD,
    }
    url = new_database(cluster, "secret")
    migrate.upgrade(
        url,
        app_password=APP_PASSWORD,
        sealer_password=SEALER_PASSWORD,
        auditor_password=AUDITOR_PASSWORD,
    )
    stored = ask(url, "SELECT rolpassword FROM pg_authid WHERE rolname ~ '^trial_(app|s|a)'")
    assert len(stored) == len(passwords)
    assert all(one.startswith("SCRAM-SHA-256$") for one in stored)
    for role, password in passwords.items():
        with psycopg.connect(plain(cluster.url(role, password, "secret"))) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (role,)


def test_what_was_written_before_the_trail_was_chained_is_chained(server: Cluster) -> None:
    """By an installation that ran before that revision, on every server version."""
    url = new_database(server, "unchained")
    migrate.upgrade(url, to="identity", app_password=APP_PASSWORD)
    with psycopg.connect(plain(url)) as connection:
        connection.execute("SELECT set_config('trial.sub', 'x', false)")
        connection.execute(
            "INSERT INTO protocol_version VALUES ('1.0', repeat('0', 64), '{\"é\": [1.50]}', now())"
        )
        connection.execute("INSERT INTO site VALUES ('NN', 'A', 'B', 0), ('LZ', 'A', 'B', 0)")
        for site in ("NN", "LZ"):
            connection.execute(
                "INSERT INTO subject SELECT gen_random_uuid(), %s,"
                " %s || '-' || to_char(n, 'FM0000'), 1971, 'female', 'screening', '1.0', 1,"
                " gen_random_uuid(), now(), now()"
                " FROM generate_series(1, 3) AS n",
                (site, site),
            )
        connection.execute("UPDATE subject SET sex = 'male', version = 2")
        connection.execute(
            "INSERT INTO account (id, kind, username, name, role, sites, secret_hash, active,"
            " created_at, version) VALUES (gen_random_uuid(), 'user', 'a', 'A', 'admin', '{}', 'h',"
            " true, now(), 1)"
        )
    migrate.upgrade(url)
    findings = verify(Settings(database_url=SecretStr(url)), grace=3600)
    assert findings.faults == []
    assert findings.counts["events"] == 15  # and one that tells the account's new columns
    assert findings.counts["chains"] == 8
    migrate.downgrade(url, to="identity")
    migrate.upgrade(url)
    assert verify(Settings(database_url=SecretStr(url)), grace=3600).faults == []

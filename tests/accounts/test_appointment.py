"""`trial user`: the first admin of an installation, and the way back in for one."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from services.api import cli
from services.api.accounts.appointment import OPERATOR, NotAppointed, appoint
from services.api.core.clock import Clock
from services.api.core.db import Database
from services.api.embedded import Cluster
from services.api.identity.passwords import matches
from services.api.protocol.load import load
from services.api.settings import Settings
from services.api.setup import prepare
from tests.allocation_list import another_secret, secret_file
from tests.conftest import APP_PASSWORD, admin_url, cloned, execute

NAME = "fresh_production"
PASSWORD = "wisteria ladder 7 mercury"
ANOTHER = "copper otters nap at dusk"
OPEN_SESSION = (
    "INSERT INTO account_session (id, account, generation, opened_at, refreshed_at, expires_at)"
    " SELECT gen_random_uuid(), id, 0, now(), now(), now() + interval '1 hour' FROM account"
)
TRAIL = "SELECT * FROM audit_event WHERE record IN ('account', 'account_session') ORDER BY id"


class Installation:
    """A production database, and `trial` as its operator runs it."""

    def __init__(self, cluster: Cluster) -> None:
        self.url = cluster.url("trial_app", APP_PASSWORD, NAME)
        self._superuser = Database(admin_url(cluster, NAME), pool_size=1)

    def rows(self, statement: str) -> list[Any]:
        with self._superuser.engine.begin() as connection:
            result = connection.execute(text(statement))
            return list(result.all()) if result.returns_rows else []

    def user(self, *arguments: str, typed: str = f"{PASSWORD}\n", **settings: str) -> Result:
        given = {"TRIAL_DATABASE_URL": self.url.replace("+psycopg", ""), **settings}
        command = ["user", *arguments, "--password-stdin"]
        return CliRunner().invoke(cli.app, command, input=typed, env=given)

    def account(self, username: str) -> Any:
        rows = self.rows("SELECT * FROM account")
        return {row.username: row for row in rows}[username]

    def count(self) -> int:
        return int(self.rows("SELECT count(*) FROM account")[0][0])

    def close(self) -> None:
        self._superuser.close()


@pytest.fixture
def fresh(cluster: Cluster, migrated: str) -> Iterator[Installation]:
    """A migrated database in which nothing was published."""
    with cloned(cluster, NAME, migrated):
        made = Installation(cluster)
        yield made
        made.close()


@pytest.fixture
def installed(fresh: Installation, settings: Settings, tmp_path: Any) -> Installation:
    """A production installation after its first start."""
    production = Settings(sandbox=False)
    secret = secret_file(tmp_path, another_secret())
    database = Database(fresh.url, pool_size=2)
    clock = Clock(ZoneInfo("Asia/Shanghai"))
    prepare(database, production, load(settings.protocol_document), secret, clock)
    database.close()
    return fresh


def said(result: Result) -> str:
    """What a refused command says, on one line."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert PASSWORD not in result.output
    return " ".join(result.output.split())


def test_a_new_installation_gets_its_first_admin(installed: Installation) -> None:
    result = installed.user("meng", "--name", "Dr Meng")
    assert result.exit_code == 0, result.output
    assert result.output == "meng may sign in as an admin.\n"
    account = installed.account("meng")
    assert (account.kind, account.name, account.role, account.sites) == (
        "user",
        "Dr Meng",
        "admin",
        [],
    )
    assert account.active
    assert matches(PASSWORD, account.secret_hash)
    assert account.password_expires_at is None, "it is the admin's own"


def test_it_is_possible_before_the_first_start(fresh: Installation) -> None:
    assert fresh.user("meng", "--name", "Dr Meng").exit_code == 0
    assert fresh.account("meng").active


def test_it_is_in_the_trail_as_the_operators(
    installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "root")
    assert installed.user("meng", "--name", "Dr Meng").exit_code == 0
    installed.rows(OPEN_SESSION)
    before = len(installed.rows(TRAIL))
    assert installed.user("meng", typed=f"{ANOTHER}\n").exit_code == 0
    trail = installed.rows(TRAIL)
    made, (ended, changed) = trail[0], trail[before:]
    assert (made.record, made.operation) == ("account", "INSERT")
    assert (changed.record, changed.operation) == ("account", "UPDATE")
    assert (ended.record, ended.operation) == ("account_session", "UPDATE")
    assert made.reason == "First admin of the installation"
    assert changed.reason == "Let in again by the operator"
    for event in (made, changed, ended):
        assert (event.actor, event.role, event.actor_name) == (*OPERATOR, "root")
    for secret in (PASSWORD, ANOTHER, "secret_hash"):
        assert secret not in str(trail)
    assert not installed.rows(f"SELECT 1 FROM account WHERE id = '{OPERATOR[0]}'")


def test_where_there_is_an_admin_another_is_made_over_the_api(installed: Installation) -> None:
    assert installed.user("meng", "--name", "Dr Meng").exit_code == 0
    told = said(installed.user("lan", "--name", "Dr Lan", typed=f"{ANOTHER}\n"))
    assert "There is an active admin" in told
    assert "POST /v1/users" in told
    assert installed.count() == 1


def test_of_two_operators_at_once_one_makes_the_first_admin(installed: Installation) -> None:
    database = Database(installed.url, pool_size=2)
    with ThreadPoolExecutor(1) as other:
        with database.session() as session:
            appoint(session, "one", "meng", PASSWORD, "Dr Meng")
            late = other.submit(attempt, database, "lan")
            time.sleep(0.3)
            assert not late.done()
            session.commit()
        assert isinstance(late.exception(timeout=10), NotAppointed)
    database.close()
    assert installed.count() == 1


def attempt(database: Database, username: str) -> None:
    with database.session() as session:
        appoint(session, "other", username, ANOTHER, "Somebody else")
        session.commit()


def test_an_admin_who_lost_everything_is_let_in_again(installed: Installation) -> None:
    assert installed.user("meng", "--name", "Dr Meng").exit_code == 0
    installed.rows(
        "UPDATE account SET totp_secret = 'sealed', totp_confirmed_at = now(),"
        " password_expires_at = now()"
    )
    installed.rows(OPEN_SESSION)
    assert installed.user("meng", typed=f"{ANOTHER}\n").exit_code == 0
    account = installed.account("meng")
    assert matches(ANOTHER, account.secret_hash)
    assert not matches(PASSWORD, account.secret_hash)
    assert (account.name, account.version, account.password_expires_at) == ("Dr Meng", 2, None)
    assert (account.totp_secret, account.totp_confirmed_at) == (None, None)
    (session,) = installed.rows("SELECT * FROM account_session")
    assert session.ended_because == "account_changed"


def test_a_deactivated_admin_comes_back_only_where_no_admin_is_left(
    installed: Installation,
) -> None:
    assert installed.user("meng", "--name", "Dr Meng").exit_code == 0
    installed.rows(
        "INSERT INTO account (id, kind, username, name, role, sites, secret_hash, active, version,"
        " created_at) SELECT gen_random_uuid(), 'user', 'former', 'Former', 'admin', '{}', 'x',"
        " false, 1, now()"
    )
    assert "deactivated" in said(installed.user("former"))
    assert not installed.account("former").active
    installed.rows("UPDATE account SET active = false")
    assert installed.user("former").exit_code == 0
    assert installed.account("former").active


@pytest.mark.parametrize(
    ("kind", "role"), [("user", "monitor"), ("user", "auditor"), ("client", "hospital_system")]
)
def test_nobody_becomes_an_admin_by_it_who_is_something_else(
    installed: Installation, kind: str, role: str
) -> None:
    sites = "{}" if role == "auditor" else "{NN}"
    installed.rows(
        "INSERT INTO account (id, kind, username, name, role, sites, secret_hash, active, version,"
        f" created_at) SELECT gen_random_uuid(), '{kind}', 'someone', 'S', '{role}', '{sites}',"
        " 'x', true, 1, now()"
    )
    assert "not an admin's" in said(installed.user("someone", "--name", "S"))
    assert installed.account("someone").role == role
    assert installed.account("someone").secret_hash == "x"


@pytest.mark.parametrize(
    ("username", "name", "typed", "fault"),
    [
        ("meng", "Dr Meng", "password1234\n", "password: It is common"),
        ("meng", "Dr Meng", "nct07312656-meng\n", "password: It is common"),
        ("meng", "Dr Meng", "short\n", "password: String should have at least 12"),
        ("meng", "Dr Meng", "", "password: String should have at least 12"),
        ("Meng", "Dr Meng", f"{ANOTHER}\n", "username: String should match"),
        ("meng", " ", f"{ANOTHER}\n", "name: String should have at least 1"),
        ("meng", None, f"{ANOTHER}\n", "A new admin needs --name"),
    ],
)
def test_the_rules_for_accounts_hold_for_operators_too(
    installed: Installation, username: str, name: str | None, typed: str, fault: str
) -> None:
    arguments = [username] if name is None else [username, "--name", name]
    told = said(installed.user(*arguments, typed=typed))
    assert fault in told
    assert typed.strip() == "" or typed.strip() not in told
    assert installed.count() == 0


def test_an_admin_is_not_let_in_again_with_a_weak_password(installed: Installation) -> None:
    assert installed.user("meng", "--name", "Dr Meng").exit_code == 0
    assert "password: It is common" in said(installed.user("meng", typed="password1234\n"))
    assert matches(PASSWORD, installed.account("meng").secret_hash)


def test_a_password_is_asked_for_twice_and_never_shown(installed: Installation) -> None:
    env = {"TRIAL_DATABASE_URL": installed.url}
    command = ["user", "meng", "--name", "Dr Meng"]
    typed = f"{ANOTHER}\n{PASSWORD}\n{PASSWORD}\n{PASSWORD}\n"
    result = CliRunner().invoke(cli.app, command, input=typed, env=env)
    assert result.exit_code == 0, result.output
    assert "do not match" in result.output
    assert PASSWORD not in result.output
    assert ANOTHER not in result.output
    assert matches(PASSWORD, installed.account("meng").secret_hash)


def test_it_needs_a_database_that_is_migrated(cluster: Cluster, migrated: str) -> None:
    without = CliRunner().invoke(cli.app, ["user", "meng", "--password-stdin"], input="x\n", env={})
    assert "TRIAL_DATABASE_URL is missing" in said(without)
    execute(cluster, f"CREATE DATABASE {NAME}")
    try:
        url = cluster.url("trial_app", APP_PASSWORD, NAME)
        command = ["user", "meng", "--name", "Dr Meng", "--password-stdin"]
        empty = CliRunner().invoke(
            cli.app, command, input=f"{ANOTHER}\n", env={"TRIAL_DATABASE_URL": url}
        )
        assert "run trial migrate first" in said(empty)
    finally:
        execute(cluster, f"DROP DATABASE {NAME} WITH (FORCE)")

"""A sandbox's databases: its own, and one template for each scenario that was played."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import make_url

from services.api import migrate
from services.api.audit.sealing import seal_once
from services.api.language.wording import Wording
from services.api.sandbox.errors import ResetNotPossible
from services.api.sandbox.scenarios import Scenario
from services.api.scenarios.guard import holds, others, refuse_production
from services.api.settings import Settings

CODE = Path(__file__).parents[1]
MAINTENANCE = "postgres"
"""A database that every PostgreSQL has: one cannot replace the database one is connected to."""

KEPT = 6
"""Templates that are kept: whoever may reset names any seed, and each takes some 15 MB."""

PLAY_SECONDS = 300
"""Far more than a play takes, also on a busy machine."""

TOLD_LINES = 12

_DROPPING = Lock()

_RIGHTS = """
    SELECT rolsuper OR (rolcreatedb AND pg_has_role(rolname, 'pg_signal_backend', 'USAGE'))
    FROM pg_roles WHERE rolname = current_user
"""
_END_SESSIONS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
_BROKEN_OFF = """
    SELECT 1 FROM pg_database WHERE datname = %s AND NOT datallowconn
        AND EXISTS (SELECT FROM pg_database WHERE datname = %s)
"""
_NAMED = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid"


class ScenarioFailed(Exception):
    """A scenario could not be played; the text is what was said about it."""


@dataclass(frozen=True)
class Databases:
    """The databases of one sandbox, seen by the user who may define them.

    `settings` are the sandbox's, of the app role on its own database; `sealing`
    those of its sealer.
    """

    admin_url: str
    settings: Settings
    sealing: Settings

    @cached_property
    def name(self) -> str:
        """The sandbox's own database."""
        return str(make_url(self.admin_url).database)

    @cached_property
    def _stem(self) -> str:
        """What the names of all other databases begin with: no other sandbox's do."""
        return _stem(self.name)

    # --- what is there ------------------------------------------------------------------

    def played(self) -> tuple[str, int] | None:
        """The scenario and seed that the sandbox's database began with; None while it has none."""
        with self._connected(self.name) as connection:
            if not holds(connection, "sandbox_clock"):
                return None
            return connection.execute("SELECT scenario, seed FROM sandbox_clock").fetchone()

    def check_rights(self) -> None:
        """Make sure that databases can be made and replaced here.

        Raises:
            ResetNotPossible: they cannot; says what is missing.
        """
        try:
            with self._connected(MAINTENANCE) as connection:
                may = connection.execute(_RIGHTS).fetchone()
        except psycopg.OperationalError as fault:
            raise ResetNotPossible(
                Wording(
                    "A reset works from the database {name}, which the user of"
                    " TRIAL_DATABASE_URL cannot reach: allow it, or start without"
                    " TRIAL_DATABASE_URL.",
                    name=MAINTENANCE,
                )
            ) from fault
        if may != (True,):
            raise ResetNotPossible(
                "The user of TRIAL_DATABASE_URL may not replace databases: give it CREATEDB and"
                " the role pg_signal_backend, or start the sandbox without TRIAL_DATABASE_URL."
            )
        with self._connected(self.name) as connection:
            if self.name == MAINTENANCE or others(connection) is not None:
                raise ResetNotPossible(
                    "A reset throws the whole database of TRIAL_DATABASE_URL away, and this one is"
                    " not the sandbox's alone: give the sandbox a database of its own."
                )

    # --- templates ----------------------------------------------------------------------

    def template(self, scenario: Scenario, seed: int) -> str:
        """The template of a scenario; it is played first when there is none yet.

        Raises:
            ScenarioFailed: it cannot be played with this protocol document.
        """
        name = self.template_name(scenario, seed)
        with self._connected(MAINTENANCE) as connection:
            if name not in self._templates(connection):
                self._make(connection, name, scenario, seed)
                self._forget(connection)
        return name

    def template_name(self, scenario: Scenario, seed: int) -> str:
        """What the template of a scenario is called, if there is one."""
        return f"{self._family}{_digest(f'{scenario.value} {seed}')}"

    @cached_property
    def _prefix(self) -> str:
        return f"{self._stem}_play_"

    @cached_property
    def _family(self) -> str:
        """What names of templates begin with: made by this code, with these keys."""
        parts = [path.read_bytes() for path in sorted(CODE.rglob("*.py"))]
        parts.append(self.settings.protocol_document.read_bytes())
        parts += [self.settings.person_key, self.sealing.sealing_key.encode()]
        return f"{self._prefix}{_digest(*(sha256(part).hexdigest() for part in parts))}_"

    def _templates(self, connection: psycopg.Connection[Any]) -> list[str]:
        return [row[0] for row in connection.execute(_NAMED, (self._prefix,))]

    def _make(
        self, connection: psycopg.Connection[Any], name: str, scenario: Scenario, seed: int
    ) -> None:
        draft = f"{self._stem}_draft"
        _do(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", draft)
        _do(connection, "CREATE DATABASE {}", draft)
        # It is kept when it is whole, and thrown away when it is not: nothing waits for the disk.
        _do(connection, "ALTER DATABASE {} SET synchronous_commit = off", draft)
        migrate.upgrade(self._url(draft))
        self._play(draft, scenario, seed)
        seal_once(_on(self.sealing, draft))
        _do(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS false", draft)
        _do(connection, "ALTER DATABASE {} RENAME TO {}", draft, name)

    def _play(self, draft: str, scenario: Scenario, seed: int) -> None:
        """Play in a process of its own: there ids follow the seed, and here they do not."""
        run = subprocess.run(
            [
                sys.executable,
                "-m",
                "services.api.scenarios.making",
                scenario.value,
                str(seed),
            ],
            env=_environment(_on(self.settings, draft)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PLAY_SECONDS,
            check=False,
            start_new_session=True,  # a terminal's Ctrl-C reaches this process alone
        )
        if run.returncode != 0:
            said = "\n".join(run.stdout.splitlines()[-TOLD_LINES:])
            raise ScenarioFailed(f"the scenario {scenario.value} could not be played:\n{said}")

    def _forget(self, connection: psycopg.Connection[Any]) -> None:
        """Drop the templates of other code, and the oldest of those that are too many."""
        known = self._templates(connection)
        own = [name for name in known if name.startswith(self._family)]
        for name in {*known} - {*own[-KEPT:]}:
            _do(connection, "DROP DATABASE {}", name)

    # --- the sandbox's own database -----------------------------------------------------

    def prepare(self, template: str) -> str:
        """A copy of a template, whose clock stands where the scenario's did; answers its name."""
        copy = _next(self.name)
        with self._connected(MAINTENANCE) as connection:
            _do(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", copy)
            _do(connection, "CREATE DATABASE {} TEMPLATE {}", copy, template)
            # Of a template's grants on the database itself a copy knows nothing.
            _do(connection, "GRANT CREATE ON DATABASE {} TO trial_owner", copy)
        with self._connected(copy) as connection:
            connection.execute("SET ROLE trial_owner")
            connection.execute(
                "UPDATE sandbox_clock SET ahead ="
                " coalesce(stood_at - clock_timestamp(), interval '0')"
            )
        return copy

    def replace(self, copy: str) -> None:
        """Put a copy in the place of the sandbox's database, whoever is connected to that.

        Both get their new names at once or not at all. What was replaced is kept
        until `drop_replaced`: PostgreSQL writes all its memory to the disk before it
        drops a database, and nobody has to wait for that.
        """
        with self._connected(self.name) as connection:
            refuse_production(connection)
        replaced = self._replaced + token_hex(4)
        with self._connected(MAINTENANCE) as connection:
            try:
                _do(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS false", self.name)
                connection.execute(_END_SESSIONS, (self.name,))
                with connection.transaction():
                    _do(connection, "ALTER DATABASE {} RENAME TO {}", self.name, replaced)
                    _do(connection, "ALTER DATABASE {} RENAME TO {}", copy, self.name)
            except psycopg.Error:
                reopen(self.admin_url)
                raise

    def drop_replaced(self) -> None:
        """Drop what was replaced, by now or in an earlier run."""
        with _DROPPING, self._connected(MAINTENANCE) as connection:
            for (name,) in connection.execute(_NAMED, (self._replaced,)).fetchall():
                _do(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    @property
    def _replaced(self) -> str:
        return f"{self._stem}_replaced_"

    # --- connections --------------------------------------------------------------------

    def _url(self, database: str) -> str:
        return _moved(self.admin_url, database)

    @contextmanager
    def _connected(self, database: str) -> Iterator[psycopg.Connection[Any]]:
        with _connected(self._url(database)) as connection:
            yield connection


def reopen(admin_url: str) -> None:
    """Let others connect to a sandbox's database again, if a reset of it was broken off.

    Nothing else closes a database and leaves that copy beside it: one that
    somebody else closed stays so.
    """
    name = str(make_url(admin_url).database)
    with _connected(_moved(admin_url, MAINTENANCE)) as connection:
        if connection.execute(_BROKEN_OFF, (name, _next(name))).fetchone() is not None:
            _do(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS true", name)


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        yield connection


def _do(connection: psycopg.Connection[Any], statement: LiteralString, *names: str) -> None:
    """A statement about databases, which takes names and no parameters."""
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _on(settings: Settings, database: str) -> Settings:
    """The same settings on another database."""
    url = SecretStr(_moved(settings.plain_database_url, database))
    return settings.model_copy(update={"database_url": url})


def _moved(address: str, database: str) -> str:
    """The address of another database beside one."""
    url = make_url(address).set(drivername="postgresql+psycopg", database=database)
    # psycopg takes no spaces, which SQLAlchemy leaves in a password.
    return url.render_as_string(hide_password=False).replace(" ", "%20")


def _environment(settings: Settings) -> Mapping[str, str]:
    """What a process needs to know to have these settings."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("TRIAL_")}
    given = {
        "TRIAL_SANDBOX": "true",
        "TRIAL_DATABASE_URL": settings.plain_database_url,
        "TRIAL_SIGNING_KEY_FILE": str(settings.signing_key_file),
        "TRIAL_PERSON_KEY_FILE": str(settings.person_key_file),
        "TRIAL_RANDOMIZATION_SECRET_FILE": str(settings.randomization_secret_file),
        "TRIAL_PROTOCOL_DOCUMENT": str(settings.protocol_document),
        "TRIAL_ISSUER": settings.issuer,
        "PYTHONHASHSEED": "0",  # the order in which a set is gone through
    }
    return {**others, **given}


def _stem(name: str) -> str:
    return f"{name[:16]}_{_digest(name)}"


def _next(name: str) -> str:
    """What the copy is called that is to take a database's place."""
    return f"{_stem(name)}_next"


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:10]

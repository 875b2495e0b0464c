"""The schema's revisions: apply, revert, and tell where a database stands."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine

MIGRATIONS = Path(__file__).parent / "migrations"


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, without a file."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.set_main_option("path_separator", "os")
    made.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    made.attributes["connection"] = connection
    return made


def head() -> str:
    """The newest revision of this code."""
    return ScriptDirectory.from_config(config()).get_current_head() or ""


def revision(connection: Connection) -> str | None:
    """The revision a database is at; None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(
    url: str,
    *,
    to: str = "head",
    app_password: str | None = None,
    sealer_password: str | None = None,
    auditor_password: str | None = None,
) -> None:
    """Apply the revisions up to `to`, and set the password of each role for which one is given."""
    passwords = {
        "trial_app": app_password,
        "trial_sealer": sealer_password,
        "trial_auditor": auditor_password,
    }
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            command.upgrade(config(connection), to)
        for role, password in passwords.items():
            if password is not None:
                _set_password(engine, role, password)
    finally:
        engine.dispose()


def downgrade(url: str, *, to: str = "base") -> None:
    """Revert the revisions down to `to`."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            command.downgrade(config(connection), to)
    finally:
        engine.dispose()


def _set_password(engine: Engine, role: str, password: str) -> None:
    """Let a role sign in by a password, hashed here so that it never reaches a server log."""
    with engine.begin() as connection:
        raw = connection.connection.driver_connection
        if raw is None:
            raise RuntimeError("the connection is closed")
        verifier = raw.pgconn.encrypt_password(
            password.encode(), role.encode(), b"scram-sha-256"
        ).decode()
        raw.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), verifier)
        )

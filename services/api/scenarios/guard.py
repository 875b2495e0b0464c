"""What keeps a sandbox from others' databases, before the first statement that changes one."""

from typing import Any

import psycopg
from psycopg import sql

from services.api.core.permissions import Role
from services.api.models import metadata
from services.api.sandbox.service import demo_id, username
from services.api.setup import ProductionDatabase

_OTHERS = """
    SELECT format('%%I.%%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
        AND n.nspname <> 'information_schema' AND NOT starts_with(n.nspname, 'pg_')
        AND NOT (n.nspname = 'public' AND c.relname = ANY (%s))
        AND n.nspname <> ALL (%s)
        AND NOT EXISTS (
            SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
        )
    ORDER BY 1 LIMIT 1
"""
"""Tables and views that are not the service's, and that no extension brought."""

_AT_WORK = """
    SELECT datname, usename FROM pg_stat_activity
    WHERE usename = ANY (%s) AND datname <> current_database() LIMIT 1
"""
ROLES = ("trial_app", "trial_sealer")
MIGRATED = "alembic_version"
JOBS = "jobs"


def refuse_production(connection: psycopg.Connection[Any]) -> None:
    """Let only a database pass that holds nothing, or that a sandbox furnished.

    Raises:
        ProductionDatabase: it holds a published protocol or an account, and not both a sandbox's
            clock and its admin; or tables that are not the service's.
    """
    if holds(connection, "sandbox_clock") and _has_demo_admin(connection):
        return
    if holds(connection, "protocol_version") or holds(connection, "account"):
        raise ProductionDatabase(
            "TRIAL_DATABASE_URL: the database holds a trial and was not furnished as a sandbox;"
            " a sandbox makes accounts with a published password and throws data away"
        )
    if (table := others(connection)) is not None:
        raise ProductionDatabase(
            f"TRIAL_DATABASE_URL: the database holds {table}, which is not the service's; a"
            " sandbox throws its whole database away, so give it one of its own"
        )


def refuse_shared_roles(connection: psycopg.Connection[Any]) -> None:
    """Let no start change the passwords with which another installation is running.

    Roles belong to the whole server, and each sandbox gives them passwords of its own.

    Raises:
        ProductionDatabase: somebody works in another database as one of them.
    """
    found = connection.execute(_AT_WORK, (list(ROLES),)).fetchone()
    if found is not None:
        raise ProductionDatabase(
            f"TRIAL_DATABASE_URL: on this server the database {found[0]} is in use by {found[1]},"
            " whose password a sandbox would change: give the sandbox a server of its own"
        )


def others(connection: psycopg.Connection[Any]) -> str | None:
    """A table or view that is not the service's, if there is any: it would be thrown away too.

    In a database that was never migrated all are others', also those whose names we use.
    """
    ours, schemas = list[str](), list[str]()
    if _is_there(connection, "sandbox_clock") and _is_there(connection, MIGRATED):
        ours = [*metadata.tables, MIGRATED, "blinded_allocation"]
        schemas = [JOBS]
    found = connection.execute(_OTHERS, (ours, schemas)).fetchone()
    return None if found is None else str(found[0])


def holds(connection: psycopg.Connection[Any], table: str) -> bool:
    """Whether there is such a table, and a row in it."""
    if not _is_there(connection, table):
        return False
    found = connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table)))
    return found.fetchone() is not None


def _has_demo_admin(connection: psycopg.Connection[Any]) -> bool:
    """A row of a clock is soon made; an account with that id only a sandbox makes, and keeps."""
    admin = demo_id(username(Role.ADMIN, ""))
    found = connection.execute("SELECT 1 FROM account WHERE id = %s", (admin,))
    return found.fetchone() is not None


def _is_there(connection: psycopg.Connection[Any], table: str) -> bool:
    there = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"public.{table}",))
    return there.fetchone() == (True,)

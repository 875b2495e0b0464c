"""What keeps a sandbox from a production database, before the first statement that changes it."""

from typing import Any

import psycopg
from psycopg import sql


class ProductionDatabase(Exception):
    """The database holds a trial that no sandbox began."""


def refuse_production(connection: psycopg.Connection[Any]) -> None:
    """Let only a database pass that holds nothing, or that a sandbox furnished.

    Raises:
        ProductionDatabase: it holds a published protocol or an account, and no sandbox's clock.
    """
    if holds(connection, "sandbox_clock"):
        return
    if holds(connection, "protocol_version") or holds(connection, "account"):
        raise ProductionDatabase(
            "TRIAL_DATABASE_URL: the database holds a trial and was not furnished as a sandbox;"
            " a sandbox makes accounts with a published password and throws data away"
        )


def holds(connection: psycopg.Connection[Any], table: str) -> bool:
    """Whether there is such a table, and a row in it."""
    there = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"public.{table}",))
    if there.fetchone() != (True,):
        return False
    found = connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table)))
    return found.fetchone() is not None

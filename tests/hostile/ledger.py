"""Whether anything at all was written: seen by the superuser, past row-level security."""

from typing import Any

import psycopg

_TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


class Ledger:
    """Every table's number of rows and newest writing transaction."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        tables = sorted(name for (name,) in connection.execute(_TABLES))
        assert {"subject", "audit_event", "idempotent_answer", "person_digest"} <= set(tables)
        parts = [
            f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM {name}" for name in tables
        ]
        self._query = " UNION ALL ".join(parts).encode()

    def read(self) -> dict[str, tuple[int, int | None]]:
        """Rows and newest transaction by table: an insert, update or delete changes one."""
        return {
            name: (rows, newest) for name, rows, newest in self._connection.execute(self._query)
        }

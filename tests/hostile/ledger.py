"""Whether anything at all was written: seen by the superuser, past row-level security."""

from typing import Any

import psycopg

_TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


_OF_REFUSALS = {"audit_chain", "sign_in_attempt"}
_CHANGES = "audit_event WHERE id > {} AND operation IN ('INSERT', 'UPDATE', 'DELETE')"


class Ledger:
    """Every table's number of rows and newest writing transaction.

    Of the trail its new changes only: it tells of reads and refusals as well, and is
    long. Of guesses nothing: they are counted because they are refused.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        tables = sorted({name for (name,) in connection.execute(_TABLES)} - _OF_REFUSALS)
        assert {"subject", "audit_event", "idempotent_answer", "person_digest"} <= set(tables)
        newest = connection.execute("SELECT coalesce(max(id), 0) FROM audit_event").fetchall()[0][0]
        changes = _CHANGES.format(newest)
        parts = [
            f"SELECT '{name}', count(*), max(xmin::text::bigint)"
            f" FROM {changes if name == 'audit_event' else name}"
            for name in tables
        ]
        self._query = " UNION ALL ".join(parts).encode()

    def read(self) -> dict[str, tuple[int, int | None]]:
        """Rows and newest transaction by table: an insert, update or delete changes one."""
        return {
            name: (rows, newest) for name, rows, newest in self._connection.execute(self._query)
        }

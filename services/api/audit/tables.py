"""The records: each row is what its last event says, and each table tells the trail its changes."""

from collections.abc import Iterator, Mapping

import psycopg
from psycopg import sql
from psycopg.rows import scalar_row

NOT_RECORDS = frozenset(
    {
        # numbers and lists that follow from audited records or from the protocol
        "site",
        "stratum",
        "randomization_total",
        "randomization_slot",
        "sandbox_clock",
        "alembic_version",
        # what guards guessing and retries; it comes and goes
        "familiar_source",
        "idempotent_answer",
        "person_digest",
        "sign_in_attempt",
        "used_assertion",
        # the trail itself
        "audit_chain",
        "audit_checkpoint",
        "audit_event",
        "audit_leaf",
    }
)
"""Tables whose changes are not in the trail; every other table's are."""

UNTOLD: Mapping[str, frozenset[str]] = {
    "account": frozenset({"secret_hash", "totp_secret", "totp_last_step"}),
    "account_session": frozenset({"generation", "refreshed_at"}),
}
"""Columns that the trail never holds: secrets, and what changes with every use."""

_TABLES = """
    SELECT c.relname FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1
"""
_GUARDED = """
    SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE t.tgname = c.relname || '_audit' AND t.tgenabled IN ('O', 'A')
      AND t.tgfoid = 'public.record_audit_event'::regproc
"""
_COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""
_KEY = """
    SELECT a.attname FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY a.attnum
"""
# A column that a later revision added is null in older rows, and absent from their events.
_DIFFERENT = """
    WITH told AS (
        SELECT DISTINCT ON (key) key, id, new FROM (
            SELECT id, new, jsonb_build_array({key_told}) AS key
            FROM audit_event, LATERAL (SELECT coalesce(new, old) AS row) AS last
            WHERE record = {record} AND operation IN ('INSERT', 'UPDATE', 'DELETE')
        ) AS changes ORDER BY key, id DESC
    ), stored AS (
        SELECT jsonb_build_array({key_stored}) AS key, row
        FROM (SELECT to_jsonb(t) AS row FROM (SELECT {columns} FROM {table}) AS t) AS rows
    )
    SELECT key::text, id, row IS NULL, new IS NULL FROM stored FULL JOIN told USING (key)
    WHERE row IS DISTINCT FROM new
      AND (SELECT jsonb_object_agg(k, v) FROM jsonb_each(row) AS f (k, v) WHERE v <> 'null')
          IS DISTINCT FROM
          (SELECT jsonb_object_agg(k, v) FROM jsonb_each(new) AS f (k, v) WHERE v <> 'null')
    ORDER BY id, key::text
"""


def audited(connection: psycopg.Connection) -> list[str]:
    """The tables whose changes belong in the trail."""
    found = connection.cursor(row_factory=scalar_row).execute(_TABLES).fetchall()
    return [table for table in found if table not in NOT_RECORDS]


def guarded(connection: psycopg.Connection) -> Iterator[str]:
    """Each table that no longer tells the trail its changes."""
    telling = set(connection.cursor(row_factory=scalar_row).execute(_GUARDED))
    for table in audited(connection):
        if table not in telling:
            yield f"The trigger {table}_audit is missing or off: changes of {table} are not told."


def verify(connection: psycopg.Connection, counts: dict[str, int]) -> Iterator[str]:
    """Each row that is not what the trail says last of it.

    Counts `tables` and `rows`.
    """
    tables = audited(connection)
    counts["tables"], counts["rows"] = len(tables), 0
    for table in tables:
        yield from _compare(connection, table)
        count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        counts["rows"] += int((connection.execute(count).fetchone() or (0,))[0])


def _compare(connection: psycopg.Connection, table: str) -> Iterator[str]:
    columns = _names(connection, _COLUMNS, table)
    key = _names(connection, _KEY, table)
    told = [name for name in columns if name not in UNTOLD.get(table, frozenset())]
    query = sql.SQL(_DIFFERENT).format(
        record=sql.Literal(table),
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(map(sql.Identifier, told)),
        key_told=_fields("last.row", key),
        key_stored=_fields("row", key),
    )
    for found, event, gone, deleted in connection.execute(query):
        if event is None:
            yield f"The row {found} of {table} is not in the trail: it was put there behind it."
        elif gone:
            yield f"The row {found} of {table} is missing; event {event} tells of it last."
        elif deleted:
            yield f"The row {found} of {table} was deleted by event {event} and is here again."
        else:
            yield f"The row {found} of {table} is not what event {event} says: it was changed."


def _names(connection: psycopg.Connection, query: str, table: str) -> list[str]:
    return connection.cursor(row_factory=scalar_row).execute(query.encode(), (table,)).fetchall()


def _fields(row: str, names: list[str]) -> sql.Composed:
    fields = [sql.SQL(f"{row} -> {{}}").format(sql.Literal(name)) for name in names]
    return sql.SQL(", ").join(fields)

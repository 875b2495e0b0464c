"""The records: each row is what its last event says, and each table tells the trail its changes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

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
        "overdue_search",
        "sandbox_clock",
        "alembic_version",
        # told to other systems, how far they heard, and what signs it
        "feed_event",
        "feed_reader",
        "postponed_event",
        "webhook_delivery",
        "webhook_secret",
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

_OF_SITES = (
    "adjudication",
    "adverse_event",
    "adverse_event_signature",
    "allocation",
    "consent",
    "consent_withdrawal",
    "data_query",
    "data_query_step",
    "deviation",
    "discontinuation",
    "eligibility_evaluation",
    "eligibility_signature",
    "exposure",
    "grading",
    "grading_signature",
    "grading_verification",
    "radiotherapy",
    "randomization_correction",
    "safety_deadline",
    "safety_reminder",
    "safety_submission",
    "subject",
    "subject_lock",
    "visit",
)
_COMMANDS = ("select", "insert", "update", "delete")

POLICIES = frozenset(
    {(table, f"{table}_{command}", True, "public") for table in _OF_SITES for command in _COMMANDS}
    | {("idempotent_answer", f"answer_{command}", True, "public") for command in _COMMANDS}
    | {
        ("stopping_evaluation", f"stopping_evaluation_{command}", True, "public")
        for command in _COMMANDS
    }
    | {
        ("allocation", "allocation_blinded", True, "trial_owner"),
        ("stopping_evaluation", "stopping_evaluation_verify", True, "trial_auditor"),
        ("audit_event", "audit_event_select", True, "trial_app"),
        ("audit_event", "audit_event_verify", True, "trial_auditor,trial_sealer"),
        ("audit_event", "audit_event_insert", True, "trial_owner"),
        ("audit_event", "audit_event_update", True, "public"),
        ("audit_event", "audit_event_delete", True, "public"),
        ("feed_event", "feed_event_select", True, "trial_app"),
        ("feed_event", "feed_event_insert", True, "trial_app"),
        ("feed_event", "feed_event_find", True, "trial_owner"),
        ("feed_event", "feed_event_publish", True, "trial_owner"),
        ("feed_event", "feed_event_delete", True, "public"),
        ("webhook", "webhook_verify", True, "trial_auditor,trial_owner"),
        ("webhook_delivery", "webhook_delivery_insert", True, "trial_owner"),
        ("webhook_secret", "webhook_secret_insert", True, "trial_app"),
    }
    | {
        (table, f"{table}_{command}", True, "trial_app")
        for table in ("webhook", "webhook_delivery", "webhook_secret")
        for command in ("select", "update")
    }
    | {("webhook", "webhook_insert", True, "trial_app")}
    | {
        (table, f"{table}_delete", True, "public")
        for table in ("webhook", "webhook_delivery", "webhook_secret")
    }
)
"""Every policy there is: its table, its name, whether it is permissive, and the roles it is for."""

FIXED = frozenset(
    {
        *_OF_SITES,
        "audit_checkpoint",
        "audit_event",
        "audit_leaf",
        "certificate",
        "protocol_version",
        "randomization_commitment",
        "randomization_slot",
        "reference_document",
        "site_activation",
        "stopping_evaluation",
        "study_lock",
    }
) - {"subject"}
"""Tables whose rows are never changed nor removed."""
KEPT = frozenset(
    {
        "account",
        "account_session",
        "audit_chain",
        "feed_event",
        "subject",
        "webhook",
        "webhook_delivery",
        "webhook_secret",
    }
)
"""Tables whose rows are never removed."""
_REPORTING = frozenset({"safety_deadline", "safety_reminder", "safety_submission"})
LOCKABLE = frozenset(_OF_SITES) - {"subject_lock"} - _REPORTING
"""Tables that take no row of a locked record."""
GOES_ON = frozenset(
    {
        "adverse_event",
        "adverse_event_signature",
        "consent_withdrawal",
        "data_query",
        "data_query_step",
        "grading_verification",
    }
)
"""Tables that take rows of a frozen record."""


class Guard(NamedTuple):
    """A trigger as it must be: on which table, when it fires, what it calls.

    `kind` is its `tgtype`, the sum of ROW 1, BEFORE 2, INSERT 4, DELETE 8, UPDATE 16 and
    TRUNCATE 32. `condition` is its WHEN as PostgreSQL prints it, without parentheses: none of ours
    needs them, and all are comparisons that every version prints alike.
    """

    name: str
    table: str
    kind: int
    function: str
    condition: str | None = None
    arguments: bytes = b""


RULES: Mapping[Guard, str] = {
    Guard(
        "visit_graded", "visit", 5, "refuse_missed_when_graded", "new.visited_on IS NULL"
    ): "a visit that was graded can be recorded as missed",
    Guard(
        "adjudication_independent",
        "adjudication",
        5,
        "refuse_adjudicator_who_graded",
        "new.version > 1",
    ): "who graded a visit can adjudicate it",
    **{
        Guard(
            f"{table}_at_its_site",
            table,
            5,
            "refuse_stratum_of_another_site",
            "new.stratum IS NOT NULL",
        ): f"{table} takes a stratum of another site"
        for table in ("allocation", "randomization_correction")
    },
    Guard(
        "feed_event_written", "feed_event", 19, "refuse_rewriting"
    ): "what an event says is changed",
    Guard(
        "certificate_lock", "certificate", 23, "refuse_in_locked_trial"
    ): "a locked trial takes rows of certificate",
}
"""The triggers that hold one rule each, and what is possible without it."""

_TABLES = """
    SELECT c.relname FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1
"""
# In force, and for every column.
_GUARDS = """
    SELECT t.tgname, c.relname, t.tgtype, p.proname,
           translate(substring(pg_get_triggerdef(t.oid) FROM ' WHEN (.*) EXECUTE '), '()', ''),
           t.tgargs
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE c.relnamespace = 'public'::regnamespace AND p.pronamespace = 'public'::regnamespace
      AND t.tgenabled IN ('O', 'A') AND t.tgattr::text = ''
"""
_POLICIES = """
    SELECT c.relname, p.polname, p.polpermissive, coalesce(
        (SELECT string_agg(r.rolname, ',' ORDER BY r.rolname) FROM pg_roles r
         WHERE r.oid = ANY (p.polroles)), 'public')
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = 'public'::regnamespace
"""
_ROW_SECURITY = """
    SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace
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
# Only the columns that both events tell: a revision may have added or dropped the others.
_UNFOLLOWED = """
    SELECT key::text, id, before, operation, was IS NULL, array_to_string(differing, ', ')
    FROM (
        SELECT key, id, operation, old, lag(id) OVER line AS before, lag(new) OVER line AS was
        FROM (
            SELECT id, operation, old, new, jsonb_build_array({key_told}) AS key
            FROM audit_event, LATERAL (SELECT coalesce(new, old) AS row) AS last
            WHERE record = {record} AND operation IN ('INSERT', 'UPDATE', 'DELETE')
        ) AS changes WINDOW line AS (PARTITION BY key ORDER BY id)
    ) AS pairs, LATERAL (
        SELECT array_agg(k ORDER BY k) AS differing
        FROM jsonb_each(old) AS o (k, v) JOIN jsonb_each(was) AS w (k, v) USING (k)
        WHERE o.v <> w.v
    ) AS compared
    WHERE (operation = 'INSERT') <> (was IS NULL) OR differing IS NOT NULL
    ORDER BY id
"""


def audited(connection: psycopg.Connection) -> list[str]:
    """The tables whose changes belong in the trail."""
    found = connection.cursor(row_factory=scalar_row).execute(_TABLES).fetchall()
    return [table for table in found if table not in NOT_RECORDS]


def guards(tables: Iterable[str]) -> Iterator[tuple[Guard, str]]:
    """Every trigger that there must be when those tables are audited, and what it prevents."""
    for table in tables:
        guard = Guard(f"{table}_audit", table, 29, "record_audit_event")
        yield guard, f"changes of {table} are not told"
    for table in sorted(FIXED):
        guard = Guard(f"{table}_fixed", table, 58, "refuse_change")
        yield guard, f"rows of {table} can be changed"
    for table in sorted(KEPT):
        guard = Guard(f"{table}_kept", table, 42, "refuse_change")
        yield guard, f"rows of {table} can be removed"
    for table in sorted(LOCKABLE):
        arguments = b"review\0" if table in GOES_ON else b""
        guard = Guard(f"{table}_lock", table, 23, "refuse_locked", arguments=arguments)
        yield guard, f"a locked record takes rows of {table}, or a frozen one those it must not"
    yield from RULES.items()


def guarded(connection: psycopg.Connection) -> Iterator[str]:
    """Each trigger that is not as it must be, and what is possible without it."""
    found = {Guard(*row) for row in connection.execute(_GUARDS)}
    for guard, without in guards(audited(connection)):
        if guard not in found:
            yield f"The trigger {guard.name} is missing, off or altered: {without}."


def visible(connection: psycopg.Connection) -> Iterator[str]:
    """Each policy that is not ours, and so may hide rows from whoever verifies, or is missing.

    Their conditions are not compared: servers of different versions print them differently.
    """
    found = set(connection.execute(_POLICIES))
    for table, name, permissive, roles in sorted(found - POLICIES):
        kind = "" if permissive else "restrictive "
        yield (
            f"The {kind}policy {name} of {table}, for {roles}, is not one of the trial's:"
            " it may hide rows."
        )
    for table, name, _, roles in sorted(POLICIES - found):
        yield f"The policy {name} of {table}, for {roles}, is missing."
    secured = set(connection.cursor(row_factory=scalar_row).execute(_ROW_SECURITY))
    expected = {policy[0] for policy in POLICIES}
    for table in sorted(secured - expected):
        yield f"The row-level security of {table} is on: it may hide rows."
    for table in sorted(expected - secured):
        yield f"The row-level security of {table} is off: each site may see the others' rows."


def verify(connection: psycopg.Connection, counts: dict[str, int]) -> Iterator[str]:
    """Each row that is not what the trail says last of it, or was not between two events.

    Counts `tables` and `rows`.
    """
    tables = audited(connection)
    counts["tables"], counts["rows"] = len(tables), 0
    for table in tables:
        yield from _compare(connection, table)
        yield from _follow(connection, table)
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


def _follow(connection: psycopg.Connection, table: str) -> Iterator[str]:
    """Each event that found its row other than the event before left it."""
    query = sql.SQL(_UNFOLLOWED).format(
        record=sql.Literal(table), key_told=_fields("last.row", _names(connection, _KEY, table))
    )
    with connection.cursor(name="changes") as cursor:
        for found, event, before, operation, absent, differing in cursor.execute(query):
            row = f"the row {found} of {table}"
            if differing:
                yield (
                    f"Event {event} says that {differing} of {row} was something else before than"
                    f" event {before} left: it was changed in between."
                )
            elif not absent:
                yield (
                    f"Event {event} inserts {row}, but event {before} left it there:"
                    " it was removed in between."
                )
            elif before is None:
                yield (
                    f"Event {event} ({operation}) is the first of {row}, and no event inserts it:"
                    " it was put there behind the trail."
                )
            else:
                yield (
                    f"Event {event} ({operation}) tells of {row}, but event {before} deleted it:"
                    " it was put back in between."
                )


def _names(connection: psycopg.Connection, query: str, table: str) -> list[str]:
    return connection.cursor(row_factory=scalar_row).execute(query.encode(), (table,)).fetchall()


def _fields(row: str, names: list[str]) -> sql.Composed:
    fields = [sql.SQL(f"{row} -> {{}}").format(sql.Literal(name)) for name in names]
    return sql.SQL(", ").join(fields)

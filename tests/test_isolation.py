"""What PostgreSQL itself refuses, so that a mistake in the code above it stores and shows nothing.

Everything here is plain SQL: as the role that serves, and as the superuser whom only constraints
and triggers bind. `tests/access/` tries the same over HTTP.
"""

from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import errors, sql

from tests.lived import (
    AUDITED,
    CLINICAL,
    FIXED,
    FRESH,
    LOCKABLE,
    TABLES,
    Lived,
    columns,
    insert_copy,
    lift,
    name,
)

# --- the role that serves ---------------------------------------------------------------


def test_the_tables_here_are_all_there_are(lived: Lived) -> None:
    stored = lived.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert sorted(stored) == list(TABLES)


def test_the_role_that_serves_has_no_privilege_beyond_its_grants(lived: Lived) -> None:
    with lived.as_superuser() as connection:
        role = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
            " FROM pg_roles WHERE rolname = 'trial_app'"
        ).fetchone()
    assert role == (False, False, False, False, False)
    assert lived.ask("SELECT 1 FROM pg_auth_members WHERE member = 'trial_app'::regrole") == []
    owned = lived.ask("SELECT relname FROM pg_class WHERE relowner = 'trial_app'::regrole")
    assert owned == []


def test_everything_belongs_to_a_role_that_nobody_signs_in_as(lived: Lived) -> None:
    owners = lived.ask(
        "SELECT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " UNION SELECT proowner::regrole::text FROM pg_proc"
        "  WHERE pronamespace = 'public'::regnamespace"
        " UNION SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'"
    )
    assert owners == ["trial_owner"]
    assert lived.ask(
        "SELECT rolcanlogin OR rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = 'trial_owner'"
    ) == [False]


FORBIDDEN = [
    "CREATE TABLE mine (id int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
    "CREATE ROLE mine",
    "SET ROLE trial_owner",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "SET session_replication_role = replica",
    "ALTER ROLE trial_app BYPASSRLS",
    "ALTER ROLE trial_app SUPERUSER",
    "GRANT trial_owner TO trial_app",
    "ALTER TABLE audit_event OWNER TO trial_app",
    "ALTER FUNCTION record_audit_event() OWNER TO trial_app",
    "CREATE OR REPLACE FUNCTION caller_sites() RETURNS text[] LANGUAGE sql RETURN ARRAY['LZ']",
    "SELECT record_audit_event()",
    "SELECT refuse_change()",
    "INSERT INTO audit_event (at, record, record_id, operation, transaction)"
    " VALUES (now(), 'x', 'x', 'INSERT', '1')",
    "SELECT append_audit_event(NULL)",
    "SELECT audit_event_hash(NULL, NULL)",
    "SELECT 1 FROM audit_chain",
    "INSERT INTO audit_chain VALUES ('x', 1, '')",
    "UPDATE audit_chain SET seq = 0",
    "SELECT 1 FROM audit_leaf",
    "INSERT INTO audit_leaf VALUES (1, 1, 1, '')",
    "INSERT INTO audit_checkpoint VALUES (99, '')",
    "UPDATE audit_event SET actor = 'x'",
    "SELECT 1 FROM person_digest",
    "UPDATE person_digest SET digest = 'x'",
    "UPDATE account SET username = 'x'",
    "UPDATE account SET kind = 'client'",
    "UPDATE account SET created_at = now()",
    "DELETE FROM account",
    "UPDATE account_session SET account = id",
    "UPDATE account_session SET opened_at = now(), expires_at = now()",
    "UPDATE sign_in_attempt SET at = now()",
    "UPDATE used_assertion SET expires_at = now()",
    "UPDATE randomization_total SET cap = 1000",
    "DELETE FROM randomization_total",
    "UPDATE stratum SET site = 'LZ'",
    "UPDATE site SET code = 'XX'",
    "UPDATE idempotent_answer SET body = 'x'",
    "UPDATE alembic_version SET version_num = 'x'",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY subject TO '/tmp/subjects'",
    "COPY subject TO PROGRAM 'cat'",
    "SELECT rolpassword FROM pg_authid",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_role_that_serves_may_not(lived: Lived, statement: LiteralString) -> None:
    with lived.as_app("NN") as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


FORGOTTEN = {
    "familiar_source",
    "idempotent_answer",
    "postponed_event",
    "sign_in_attempt",
    "used_assertion",
}
"""What expires or is done, and makes room."""


@pytest.mark.parametrize("table", TABLES)
def test_the_role_that_serves_removes_and_redefines_nothing(lived: Lived, table: str) -> None:
    statements: list[LiteralString] = [
        "TRUNCATE {}",
        "DROP TABLE {}",
        "ALTER TABLE {} ADD COLUMN mine int",
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
        "CREATE TRIGGER mine BEFORE INSERT ON {} EXECUTE FUNCTION refuse_change()",
        "CREATE POLICY mine ON {} USING (true)",
        "CREATE RULE mine AS ON INSERT TO {} DO INSTEAD NOTHING",
        "CREATE INDEX ON {} ((1))",
    ]
    if table not in FORGOTTEN:
        statements.append("DELETE FROM {}")
    with lived.as_app("NN") as connection:
        for statement in statements:
            with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
                connection.execute(sql.SQL(statement).format(name(table)))


@pytest.mark.parametrize("table", FIXED)
def test_the_role_that_serves_changes_no_column_of_what_is_kept(lived: Lived, table: str) -> None:
    change = sql.SQL("UPDATE {0} SET {1} = {1}")
    with lived.as_app("NN") as connection:
        for column in columns(connection, table):
            with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
                connection.execute(change.format(name(table), name(column)))


@pytest.mark.parametrize(
    "statement", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"]
)
@pytest.mark.parametrize("table", FIXED)
def test_not_even_the_superuser_changes_what_is_kept(
    superuser: psycopg.Connection[Any], table: str, statement: LiteralString
) -> None:
    column = columns(superuser, table)[0]
    with pytest.raises(errors.InsufficientPrivilege, match="kept as they were written"):
        superuser.execute(sql.SQL(statement).format(name(table), name(column)))


@pytest.mark.parametrize("statement", ["DELETE FROM subject", "TRUNCATE subject CASCADE"])
def test_not_even_the_superuser_removes_a_subject(
    superuser: psycopg.Connection[Any], statement: LiteralString
) -> None:
    with pytest.raises(errors.InsufficientPrivilege, match="kept as they were written"):
        superuser.execute(statement)


KEPT = [
    "account_kept",
    "account_session_kept",
    "audit_chain_kept",
    "feed_event_kept",
    "subject_kept",
    "webhook_delivery_kept",
    "webhook_kept",
    "webhook_secret_kept",
]
"""Of tables whose rows change and are never removed."""
RULES = [
    "certificate_lock",
    "adjudication_independent",
    "allocation_at_its_site",
    "randomization_correction_at_its_site",
    "feed_event_written",
    "visit_graded",
]
"""What a table's own rule needs other tables for; each is tried with its resource."""


def test_the_triggers_are_those_that_the_tests_here_try(lived: Lived) -> None:
    stored = lived.ask(
        "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid"
        " WHERE NOT tgisinternal AND tgenabled = 'O' AND relnamespace = 'public'::regnamespace"
    )
    expected = [f"{table}_audit" for table in AUDITED] + [f"{table}_fixed" for table in FIXED]
    locked = [f"{table}_lock" for table in LOCKABLE]
    assert sorted(stored) == sorted([*expected, *KEPT, *RULES, *locked])


@pytest.mark.parametrize("table", AUDITED)
def test_whoever_writes_a_record_the_trail_tells(
    superuser: psycopg.Connection[Any], table: str
) -> None:
    before = superuser.execute("SELECT count(*) FROM audit_event").fetchone()
    lift(superuser, table, "fpu")
    insert_copy(superuser, table, FRESH.get(table, {}))
    after = superuser.execute("SELECT count(*) - 1 FROM audit_event").fetchone()
    assert before == after
    told = superuser.execute("SELECT record, operation FROM audit_event ORDER BY id DESC LIMIT 1")
    assert told.fetchone() == (table, "INSERT")


def test_a_definer_function_finds_nothing_that_a_caller_planted(lived: Lived) -> None:
    with lived.as_superuser() as connection:
        rows = connection.execute(
            "SELECT proname, proconfig, proacl::text FROM pg_proc"
            " WHERE prosecdef AND pronamespace = 'public'::regnamespace ORDER BY proname"
        ).fetchall()
    path = "search_path=pg_catalog, pg_temp"
    assert rows == [
        ("feed_standing", [path], "{trial_owner=X/trial_owner,trial_app=X/trial_owner}"),
        (
            "note_audit_event",
            [path],
            "{trial_owner=X/trial_owner,trial_app=X/trial_owner}",
        ),
        ("publish_events", [path], "{trial_owner=X/trial_owner,trial_app=X/trial_owner}"),
        ("record_audit_event", [path, "TimeZone=UTC"], "{trial_owner=X/trial_owner}"),
    ]


@pytest.mark.parametrize("operation", ["INSERT", "UPDATE", "DELETE", "SEALED", "read", ""])
def test_the_role_that_serves_notes_no_change_that_was_none(lived: Lived, operation: str) -> None:
    with lived.as_app("NN") as connection, pytest.raises(errors.CheckViolation):
        connection.execute(
            "SELECT note_audit_event(%s, 'subject', 'x', 'NN', NULL, NULL)", (operation,)
        )


@pytest.mark.parametrize("role", ["trial_auditor", "trial_sealer"])
def test_the_roles_beside_the_service_have_no_privilege_beyond_their_grants(
    lived: Lived, role: str
) -> None:
    with lived.as_superuser() as connection:
        found = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
            " FROM pg_roles WHERE rolname = %s",
            (role,),
        ).fetchone()
        writes = connection.execute(
            "SELECT DISTINCT table_name || ' ' || privilege_type FROM"
            " information_schema.role_table_grants WHERE grantee = %s"
            " AND privilege_type <> 'SELECT' ORDER BY 1",
            (role,),
        ).fetchall()
    assert found == (False, False, False, False, False)
    sealer = role == "trial_sealer"
    assert writes == ([("audit_checkpoint INSERT",), ("audit_leaf INSERT",)] if sealer else [])


SECRETS: list[LiteralString] = [
    "SELECT secret_hash FROM account",
    "SELECT totp_secret FROM account",
    "SELECT * FROM account",
    "SELECT 1 FROM person_digest",
    "SELECT 1 FROM idempotent_answer",
    "SELECT 1 FROM familiar_source",
    "SELECT 1 FROM sign_in_attempt",
]


@pytest.mark.parametrize("statement", SECRETS)
def test_the_auditor_reads_no_secret(
    superuser: psycopg.Connection[Any], statement: LiteralString
) -> None:
    superuser.execute("SET LOCAL ROLE trial_auditor")
    with pytest.raises(errors.InsufficientPrivilege):
        superuser.execute(statement)


@pytest.mark.parametrize("table", AUDITED)
def test_the_auditor_may_compare_every_record_with_the_trail(
    superuser: psycopg.Connection[Any], table: str
) -> None:
    superuser.execute("SET LOCAL ROLE trial_auditor")
    superuser.execute(sql.SQL("SELECT count(*) FROM {}").format(name(table)))


# --- row-level security -------------------------------------------------------------------


def test_every_table_about_a_subject_forces_row_level_security(lived: Lived) -> None:
    about_subjects = lived.ask(
        "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p')"
        " AND c.relnamespace = 'public'::regnamespace AND (c.relname = 'subject' OR"
        " EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'subject_id')"
        " AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'site'))"
    )
    assert sorted(about_subjects) == sorted([*CLINICAL, "audit_event", "feed_event"])
    forced = lived.ask("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
    of_webhooks = ["webhook", "webhook_delivery", "webhook_secret"]
    others = ["idempotent_answer", "audit_event", "feed_event", "stopping_evaluation"]
    assert sorted(forced) == sorted([*CLINICAL, *others, *of_webhooks])


@pytest.mark.parametrize("table", [*CLINICAL, "idempotent_answer"])
def test_there_is_one_policy_per_command(lived: Lived, table: str) -> None:
    with lived.as_superuser() as connection:
        policies = connection.execute(
            "SELECT cmd, permissive, roles::text, qual, with_check FROM pg_policies"
            " WHERE tablename = %s AND roles && '{public,trial_app}'",
            (table,),
        ).fetchall()
    by_command = {row[0]: row for row in policies}
    assert len(policies) == len(by_command) == 4
    assert set(by_command) == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert by_command["SELECT"][3]
    assert by_command["INSERT"][4]
    assert by_command["UPDATE"][3]


@pytest.mark.parametrize(
    ("context", "visible"),
    [
        (None, set()),
        ("", set()),
        (",", set()),
        ("ZZ", set()),
        ("nn", set()),
        (" NN", set()),
        ("NN ", set()),
        ("{NN}", set()),
        ("%", set()),
        ("N_", set()),
        ("NN'", set()),
        ("NN", {"NN"}),
        ("LZ", {"LZ"}),
        ("ZZ,LZ", {"LZ"}),
        ("NN,LZ", {"NN", "LZ"}),
    ],
)
def test_only_rows_of_the_sites_in_the_context_exist(
    lived: Lived, context: str | None, visible: set[str]
) -> None:
    with lived.as_app(context) as connection:
        for table in CLINICAL:
            rows = connection.execute(sql.SQL("SELECT DISTINCT site FROM {}").format(name(table)))
            assert {row[0] for row in rows} == visible, table


@pytest.mark.parametrize("table", CLINICAL)
def test_row_level_security_cannot_be_passed_over(lived: Lived, table: str) -> None:
    with lived.as_app("NN") as connection:
        connection.execute("SET LOCAL row_security = off")
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            connection.execute(sql.SQL("SELECT 1 FROM {}").format(name(table)))


@pytest.mark.parametrize("table", CLINICAL)
def test_the_owner_sees_no_more_than_the_context(
    superuser: psycopg.Connection[Any], table: str
) -> None:
    superuser.execute("SET LOCAL ROLE trial_owner")
    count = sql.SQL("SELECT count(*) FROM {}").format(name(table))
    assert superuser.execute(count).fetchone() == (0,)


@pytest.mark.parametrize("table", CLINICAL)
def test_a_row_of_another_site_cannot_be_written(lived: Lived, table: str) -> None:
    """The copy would be refused by a constraint too, but the policy is asked first."""
    changes = {"site": "LZ", "subject_id": lived.subjects["LZ"], **FRESH.get(table, {})}
    refused = pytest.raises(errors.InsufficientPrivilege, match="row-level security")
    with lived.as_app("NN") as connection, refused:
        insert_copy(connection, table, {**changes, "number": "LZ-0099"})


def test_a_subject_cannot_be_moved_to_or_from_another_site(lived: Lived) -> None:
    refused = pytest.raises(errors.InsufficientPrivilege, match="row-level security")
    with lived.as_app("NN") as connection, refused:
        connection.execute("UPDATE subject SET site = 'LZ', number = 'LZ-0099'")
    with lived.as_app("NN") as connection:
        theirs = (lived.subjects["LZ"],)
        changed = connection.execute("UPDATE subject SET sex = 'male' WHERE id = %s", theirs)
        assert changed.rowcount == 0
        locked = connection.execute("SELECT 1 FROM subject WHERE id = %s FOR UPDATE", theirs)
        assert locked.fetchone() is None


def test_a_stored_answer_exists_for_its_caller_alone(lived: Lived) -> None:
    callers = lived.ask("SELECT DISTINCT caller::text FROM idempotent_answer")
    assert len(callers) >= 2
    for caller in callers:
        with lived.as_app("NN,LZ,YL", sub=caller) as connection:
            seen = connection.execute("SELECT DISTINCT caller::text FROM idempotent_answer")
            assert seen.fetchall() == [(caller,)]
            removed = connection.execute("DELETE FROM idempotent_answer")
            assert removed.rowcount == 0  # none of them has expired
    with lived.as_app("NN,LZ,YL") as connection:
        assert connection.execute("SELECT count(*) FROM idempotent_answer").fetchone() == (0,)

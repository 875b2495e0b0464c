"""What PostgreSQL itself refuses, so that a mistake in the code above it stores and shows nothing.

Everything here is plain SQL: as the role that serves, as the superuser whom only constraints and
triggers bind, and over HTTP with the service's own site filter taken away.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, LiteralString

import httpx
import psycopg
import pytest
from fastapi import Request
from psycopg import errors, sql

from services.api.core.auth import Principal, Require
from services.api.core.db import Database
from tests.lived import (
    AUDITED,
    CLINICAL,
    FIXED,
    FRESH,
    TABLES,
    Lived,
    columns,
    insert_copy,
    lift,
    name,
)
from tests.make import SUBJECT, Api, adverse_event, grading, ok, plan, problem

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
    "SELECT 1 FROM audit_event",
    "UPDATE audit_event SET actor = 'x'",
    "SELECT 1 FROM person_digest",
    "UPDATE person_digest SET digest = 'x'",
    "UPDATE account SET role = 'admin'",
    "UPDATE account SET secret_hash = 'x'",
    "DELETE FROM account",
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
    if table != "idempotent_answer":  # an expired key makes room for a new answer
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


def test_the_triggers_are_those_that_the_tests_here_try(lived: Lived) -> None:
    stored = lived.ask("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'")
    expected = [f"{table}_audit" for table in AUDITED] + [f"{table}_fixed" for table in FIXED]
    assert sorted(stored) == sorted([*expected, "subject_kept"])


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
            " WHERE prosecdef AND pronamespace = 'public'::regnamespace"
        ).fetchall()
    assert [row[0] for row in rows] == ["record_audit_event"]
    for _, config, privileges in rows:
        assert config == ["search_path=pg_catalog, pg_temp"]
        assert privileges == "{trial_owner=X/trial_owner}"


# --- row-level security -------------------------------------------------------------------


def test_every_table_about_a_subject_forces_row_level_security(lived: Lived) -> None:
    about_subjects = lived.ask(
        "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p')"
        " AND c.relnamespace = 'public'::regnamespace AND (c.relname = 'subject' OR"
        " EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'subject_id')"
        " AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'site'))"
    )
    assert sorted(about_subjects) == sorted([*CLINICAL, "audit_event"])
    forced = lived.ask("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
    assert sorted(forced) == sorted([*CLINICAL, "idempotent_answer"])


@pytest.mark.parametrize("table", [*CLINICAL, "idempotent_answer"])
def test_there_is_one_policy_per_command(lived: Lived, table: str) -> None:
    with lived.as_superuser() as connection:
        policies = connection.execute(
            "SELECT cmd, permissive, roles::text, qual, with_check FROM pg_policies"
            " WHERE tablename = %s",
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


# --- the service without its own site filter --------------------------------------------------


@pytest.fixture
def unfiltered(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """NN's investigator, for whom the code's filters hold every site: only PostgreSQL is left."""
    require = Require.__call__

    async def everywhere(self: Require, request: Request) -> Principal:
        return replace(await require(self, request), sites=("LZ", "NN", "YL"))

    monkeypatch.setattr(Require, "__call__", everywhere)
    database = Database(lived.app_url, pool_size=5)
    lived.api.state.database = database
    yield lived.api.as_("investigator")
    database.close()


READS = (
    "",
    "/consents",
    "/eligibility",
    "/radiotherapy",
    "/deviations",
    "/randomization",
    "/visits",
    "/visits/RT1A",
    "/visits/RT1A/gradings",
    "/endpoint",
    "/adverse-events",
)


@pytest.mark.parametrize("path", READS)
def test_without_the_filter_another_site_s_subject_still_does_not_exist(
    lived: Lived, unfiltered: Api, path: str
) -> None:
    assert unfiltered.get(f"/v1/subjects/{lived.subjects['NN']}{path}").status_code == 200
    answer = unfiltered.get(f"/v1/subjects/{lived.subjects['LZ']}{path}")
    problem(answer, 404, "not_found")


@pytest.mark.parametrize("path", ["/v1/subjects", "/v1/randomizations", "/v1/adverse-events"])
def test_without_the_filter_a_list_still_holds_no_other_site(unfiltered: Api, path: str) -> None:
    items = ok(unfiltered.get(path, params={"limit": 200}))["items"]
    assert items
    theirs = ok(unfiltered.get(path, params={"limit": 200, "site": "LZ"}))["items"]
    assert theirs == []


@pytest.mark.parametrize("table", ["grading", "adverse_event"])
def test_without_the_filter_a_record_s_own_address_does_not_help(
    lived: Lived, unfiltered: Api, table: str
) -> None:
    path = {"grading": "/v1/gradings", "adverse_event": "/v1/adverse-events"}[table]
    by_site = dict(lived.api.rows(f"SELECT DISTINCT site, id::text FROM {table}"))
    for suffix in ("", "/versions"):
        assert unfiltered.get(f"{path}/{by_site['NN']}{suffix}").status_code == 200
        problem(unfiltered.get(f"{path}/{by_site['LZ']}{suffix}"), 404, "not_found")


Write = Callable[[Api, str], httpx.Response]
WRITES: dict[str, Write] = {
    "patch": lambda api, here: api.patch(here, {"sex": "male", "reason": "Misread"}, version=1),
    "consent": lambda api, here: api.post(
        f"{here}/consents", {"version": "1.0", "signed_on": str(api.today())}
    ),
    "eligibility": lambda api, here: api.put(f"{here}/eligibility", {"facts": {}}, version=1),
    "radiotherapy": lambda api, here: api.put(
        f"{here}/radiotherapy", plan(api.today(), reason="Revised"), version=2
    ),
    "randomization": lambda api, here: api.post(f"{here}/randomization"),
    "visit": lambda api, here: api.put(
        f"{here}/visits/RT1B", {"date": str(api.today())}, version=0
    ),
    "grading": lambda api, here: api.post(f"{here}/visits/RT1A/gradings", grading(api.today())),
    "adverse event": lambda api, here: api.post(
        f"{here}/adverse-events", adverse_event(api.today())
    ),
    "deviation": lambda api, here: api.post(
        f"{here}/deviations",
        {"code": "visit", "description": "Late", "occurred_on": str(api.today())},
    ),
}


@pytest.mark.parametrize("write", WRITES)
def test_without_the_filter_nothing_is_written_to_another_site(
    lived: Lived, unfiltered: Api, write: str
) -> None:
    before = lived.api.count("audit_event")
    answer = WRITES[write](unfiltered, f"/v1/subjects/{lived.subjects['LZ']}")
    problem(answer, 404, "not_found")
    assert lived.api.count("audit_event") == before


def test_without_the_filter_nobody_is_enrolled_at_another_site(
    lived: Lived, unfiltered: Api
) -> None:
    before = lived.api.rows("SELECT code, subjects FROM site ORDER BY code")
    answer = unfiltered.post("/v1/subjects", {**SUBJECT, "site": "LZ"})
    problem(answer, 500, "internal")
    assert lived.api.rows("SELECT code, subjects FROM site ORDER BY code") == before

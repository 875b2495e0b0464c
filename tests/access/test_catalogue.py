"""What every table with clinical data must have, read from PostgreSQL's own catalogue.

A table that nobody thought of is clinical until it stands in `OTHERS`, so a new one cannot be
forgotten. The checks are tried on tables that lack one thing each.
"""

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from tests.lived import CLINICAL, Lived

OTHERS = {
    "account": "who may sign in, at any number of sites",
    "account_session": "their sessions",
    "alembic_version": "the schema's revision",
    "audit_chain": "the newest hash of each chain",
    "audit_checkpoint": "signed roots, published to those who check the trail",
    "audit_leaf": "hashes of audit events",
    "certificate": "who is trained to grade, at any number of sites",
    "feed_reader": "how far the service has read its own feed",
    "familiar_source": "keyed digests of devices, no person's data",
    "postponed_event": "ids of events that are tried again",
    "person_digest": "keyed digests that nobody may read",
    "protocol_version": "published to everybody",
    "randomization_commitment": "published to everybody",
    "randomization_slot": "salted leaf hashes, which tell nothing",
    "randomization_total": "one number for the whole trial",
    "reference_document": "which reactions are expected, the same at every site",
    "overdue_search": "how far a search has come",
    "sandbox_clock": "one row of a sandbox",
    "sign_in_attempt": "keyed digests, no person's data",
    "site": "published to everybody",
    "site_activation": "approvals of ethics committees, read by other sites too",
    "study_lock": "one state for the whole trial",
    "stratum": "the published levels of the factors, and a count that no operation answers",
    "used_assertion": "digests of a client's assertions",
    "webhook": "addresses of receivers, of whoever made them",
    "webhook_delivery": "ids of events, read by whoever made the webhook",
    "webhook_secret": "encrypted, used by whoever made the webhook",
}
"""Tables that hold nothing of a subject, and why none of them needs a site."""
BY_CALLER = {"idempotent_answer"}
"""Clinical, but of the caller who was answered and not of a site."""
BY_ROLE = {"audit_event", "feed_event", "stopping_evaluation"}
"""Clinical, written by the service itself alone and read by few roles.

See test_rows.py, tests/events and tests/stopping_rules.
"""

TABLES: LiteralString = """
    SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
        EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'site'
            AND a.attnotnull AND a.atttypid = 'text'::regtype),
        c.relname = 'subject' OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid
            AND pg_get_constraintdef(k.oid)
                = 'FOREIGN KEY (site, subject_id) REFERENCES subject(site, id)')
    FROM pg_class c
    WHERE c.relkind IN ('r', 'p', 'f', 'm') AND c.relnamespace = 'public'::regnamespace
"""
POLICIES: LiteralString = """
    SELECT cmd, permissive, coalesce(qual, ''), coalesce(with_check, '') FROM pg_policies
    WHERE tablename = %s AND roles && '{public,trial_app}' ORDER BY cmd
"""
COMMANDS = ["DELETE", "INSERT", "SELECT", "UPDATE"]


def faults(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """What a clinical table lacks, as PostgreSQL's catalogue knows it."""
    for table, enabled, forced, of_site, of_subject in connection.execute(TABLES).fetchall():
        if table in OTHERS or table in BY_ROLE:
            continue
        if not enabled or not forced:
            yield f"{table} does not force row-level security"
        if table not in BY_CALLER and not of_site:
            yield f"{table} has no site column"
        if table not in BY_CALLER and not of_subject:
            yield f"{table} is not tied to its subject's site"
        yield from policy_faults(connection, table)


def policy_faults(connection: psycopg.Connection[Any], table: str) -> Iterator[str]:
    policies = connection.execute(POLICIES, (table,)).fetchall()
    if [command for command, *_ in policies] != COMMANDS:
        yield f"{table} has not one policy per command"
    for command, permissive, qual, check in policies:
        rules = {"INSERT": [check], "UPDATE": [qual, check or qual]}.get(command, [qual])
        if permissive != "PERMISSIVE" or not all(bounded(rule, table) for rule in rules):
            yield f"{table} is open to {command}"


def bounded(rule: str, table: str) -> bool:
    """Whether the rule asks for the caller's sites (or the caller), or lets nothing pass."""
    if table in BY_CALLER:
        return rule == "false" or "trial.sub" in rule
    return rule == "false" or ("caller_sites()" in rule and " OR " not in rule)


def test_every_clinical_table_is_isolated_by_site(lived: Lived) -> None:
    with lived.as_superuser() as connection:
        assert list(faults(connection)) == []


def test_a_table_is_clinical_unless_it_is_said_why_not(lived: Lived) -> None:
    stored = lived.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert set(stored) - set(OTHERS) == {*CLINICAL, *BY_CALLER, *BY_ROLE}
    about_subjects = lived.ask(
        "SELECT DISTINCT attrelid::regclass::text FROM pg_attribute JOIN pg_class c"
        " ON c.oid = attrelid WHERE attname = 'subject_id' AND relkind = 'r' AND attnum > 0"
    )
    assert not set(about_subjects) & set(OTHERS)


OWN: LiteralString = "site = ANY ((SELECT caller_sites())::text[])"
TIED: LiteralString = (
    "CREATE TABLE careless (site text NOT NULL, subject_id uuid NOT NULL,"
    " FOREIGN KEY (site, subject_id) REFERENCES subject (site, id));"
)
FORCED: LiteralString = (
    "ALTER TABLE careless ENABLE ROW LEVEL SECURITY; ALTER TABLE careless FORCE ROW LEVEL SECURITY;"
)
SELECT: LiteralString = f"CREATE POLICY s ON careless FOR SELECT USING ({OWN});"
INSERT: LiteralString = f"CREATE POLICY i ON careless FOR INSERT WITH CHECK ({OWN});"
UPDATE: LiteralString = f"CREATE POLICY u ON careless FOR UPDATE USING ({OWN}) WITH CHECK ({OWN});"
DELETE: LiteralString = "CREATE POLICY d ON careless FOR DELETE USING (false);"
POLICED: LiteralString = SELECT + INSERT + UPDATE + DELETE
FORCES, SITE, TIE = "force row-level security", "no site column", "its subject's site"
PER_COMMAND = "one policy per command"

CARELESS: dict[str, tuple[LiteralString, set[str]]] = {
    "nothing at all": ("CREATE TABLE careless (x int)", {FORCES, SITE, TIE, PER_COMMAND}),
    "a subject without protection": (TIED, {FORCES, PER_COMMAND}),
    "enabled, not forced": (
        TIED + "ALTER TABLE careless ENABLE ROW LEVEL SECURITY;" + POLICED,
        {FORCES},
    ),
    "forced, not enabled": (
        TIED + "ALTER TABLE careless FORCE ROW LEVEL SECURITY;" + POLICED,
        {FORCES},
    ),
    "no policies": (TIED + FORCED, {PER_COMMAND}),
    "no policy for DELETE": (TIED + FORCED + SELECT + INSERT + UPDATE, {PER_COMMAND}),
    "one policy for all": (
        TIED + FORCED + f"CREATE POLICY a ON careless USING ({OWN});",
        {PER_COMMAND},
    ),
    "a second policy": (
        TIED + FORCED + POLICED + "CREATE POLICY t ON careless FOR SELECT USING (true);",
        {PER_COMMAND, "open to SELECT"},
    ),
    "a policy that lets everything pass": (
        TIED
        + FORCED
        + INSERT
        + UPDATE
        + DELETE
        + "CREATE POLICY s ON careless FOR SELECT USING (true);",
        {"open to SELECT"},
    ),
    "a policy with a way round": (
        TIED
        + FORCED
        + INSERT
        + UPDATE
        + DELETE
        + f"CREATE POLICY s ON careless FOR SELECT USING (subject_id IS NOT NULL OR {OWN});",
        {"open to SELECT"},
    ),
    "a policy with a back door": (
        TIED
        + FORCED
        + INSERT
        + UPDATE
        + DELETE
        + f"CREATE POLICY s ON careless FOR SELECT USING ({OWN} OR subject_id IS NULL);",
        {"open to SELECT"},
    ),
    "a row may be moved away": (
        TIED
        + FORCED
        + SELECT
        + INSERT
        + DELETE
        + f"CREATE POLICY u ON careless FOR UPDATE USING ({OWN}) WITH CHECK (true);",
        {"open to UPDATE"},
    ),
    "a row may be written anywhere": (
        TIED
        + FORCED
        + SELECT
        + UPDATE
        + DELETE
        + "CREATE POLICY i ON careless FOR INSERT WITH CHECK (true);",
        {"open to INSERT"},
    ),
    "no site": (
        "CREATE TABLE careless (subject_id uuid);"
        + FORCED
        + DELETE
        + "CREATE POLICY s ON careless FOR SELECT USING (false);"
        "CREATE POLICY i ON careless FOR INSERT WITH CHECK (false);"
        "CREATE POLICY u ON careless FOR UPDATE USING (false);",
        {SITE, TIE},
    ),
    "a site that may be null": (
        TIED.replace("site text NOT NULL", "site text") + FORCED + POLICED,
        {SITE},
    ),
    "a subject of any site": (
        "CREATE TABLE careless (site text NOT NULL, subject_id uuid);" + FORCED + POLICED,
        {TIE},
    ),
}


def test_a_careful_table_passes(superuser: psycopg.Connection[Any]) -> None:
    superuser.execute(TIED + FORCED + POLICED)
    assert list(faults(superuser)) == []


@pytest.mark.parametrize("lacking", CARELESS)
def test_a_careless_table_is_found(superuser: psycopg.Connection[Any], lacking: str) -> None:
    statements, expected = CARELESS[lacking]
    superuser.execute(statements)
    found = list(faults(superuser))
    assert all(fault.startswith("careless ") for fault in found), found
    assert len(found) == len(expected), found
    assert all(any(part in fault for fault in found) for part in expected), found

"""The chained and sealed audit trail: what happens without a row, who reads it, who seals it."""

import sqlalchemy as sa
from alembic import op

from services.api.migrations.guard import guard

revision = "audit"
down_revision = "identity"
branch_labels = None
depends_on = None

ROLES = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trial_auditor') THEN
        CREATE ROLE trial_auditor NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trial_sealer') THEN
        CREATE ROLE trial_sealer NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
END
$$
"""

AUDITED = (
    "subject",
    "consent",
    "consent_withdrawal",
    "eligibility_evaluation",
    "eligibility_signature",
    "radiotherapy",
    "deviation",
    "allocation",
    "visit",
    "grading",
    "adverse_event",
    "site_activation",
    "randomization_commitment",
    "protocol_version",
    "account_session",
)
"""Tables that the auditor may compare with the trail whole; of `account` not its secrets."""

REFERENCE = ("site", "stratum", "randomization_total", "randomization_slot", "alembic_version")
ACCOUNT = "id, kind, username, name, role, sites, password_expires_at, totp_confirmed_at, jwks, active, version, created_at"
ADDED = ("audit_chain", "audit_leaf", "audit_checkpoint")

# NULL is one byte 0; a value is the byte 1, its length in four bytes, and its UTF-8 bytes.
HASH = """
CREATE FUNCTION audit_event_hash(previous bytea, event audit_event) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT sha256(previous || string_agg(
        CASE WHEN field IS NULL THEN '\\x00'
             ELSE '\\x01' || int4send(octet_length(bytes)) || bytes END, ''::bytea ORDER BY place))
    FROM unnest(ARRAY[
        event.id::text,
        to_char(event.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24\\:MI\\:SS.US"Z"'),
        event.site, event.subject_id::text, event.record, event.record_id, event.operation,
        event.old::text, event.new::text, event.actor, event.role, event.request_id,
        event.reason, event.transaction::text, event.actor_name, event.chain, event.seq::text
    ]) WITH ORDINALITY AS fields (field, place), convert_to(field, 'UTF8') AS bytes
$$
"""

# The transaction's number is taken before the event's: the sealer relies on that order.
APPEND = """
CREATE FUNCTION append_audit_event(event audit_event) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    head public.audit_chain;
BEGIN
    SELECT * INTO head FROM public.audit_chain WHERE chain = event.chain FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO public.audit_chain (chain, seq, hash)
        VALUES (event.chain, 0, decode(repeat('00', 32), 'hex')) ON CONFLICT DO NOTHING;
        SELECT * INTO head FROM public.audit_chain WHERE chain = event.chain FOR UPDATE;
    END IF;
    event.transaction := pg_current_xact_id();
    event.id := nextval('public.audit_event_id_seq');
    event.at := clock_timestamp();
    event.request_id := nullif(current_setting('trial.request_id', true), '');
    event.reason := nullif(current_setting('trial.reason', true), '');
    event.seq := head.seq + 1;
    event.hash := public.audit_event_hash(head.hash, event);
    INSERT INTO public.audit_event OVERRIDING SYSTEM VALUE SELECT (event).*;
    UPDATE public.audit_chain SET seq = event.seq, hash = event.hash WHERE chain = event.chain;
END
$$
"""

ACTOR = """
CREATE FUNCTION audit_event_of_caller() RETURNS audit_event
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event public.audit_event;
BEGIN
    event.actor := nullif(current_setting('trial.sub', true), '');
    event.actor_name := nullif(current_setting('trial.name', true), '');
    event.role := nullif(current_setting('trial.role', true), '');
    RETURN event;
END
$$
"""

# Times are told in UTC, whatever the session's zone, so that a row can be compared later.
# Of a refreshed session and a used one-time code nothing is told: they would flood the trail.
# Who signs in has no token yet: the actor is the account that the session is of.
RECORD = """
CREATE OR REPLACE FUNCTION record_audit_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    untold CONSTANT text[] := CASE TG_TABLE_NAME
        WHEN 'account' THEN '{secret_hash,totp_secret,totp_last_step}'
        WHEN 'account_session' THEN '{generation,refreshed_at}' ELSE '{}' END;
    passing CONSTANT text[] := CASE TG_TABLE_NAME
        WHEN 'account' THEN '{totp_last_step}'
        WHEN 'account_session' THEN '{generation,refreshed_at}' ELSE '{}' END;
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    row_now jsonb := coalesce(after, before);
    event public.audit_event := public.audit_event_of_caller();
BEGIN
    IF TG_OP = 'UPDATE' AND before <> after AND before - passing = after - passing THEN
        RETURN NULL;
    END IF;
    event.site := row_now ->> 'site';
    event.subject_id := row_now ->> CASE TG_TABLE_NAME WHEN 'subject' THEN 'id' ELSE 'subject_id' END;
    event.record := TG_TABLE_NAME;
    event.record_id := coalesce(row_now ->> 'id', row_now ->> 'consent_id',
                                row_now ->> 'subject_id', row_now ->> 'version');
    event.operation := TG_OP;
    event.old := before - untold;
    event.new := after - untold;
    event.chain := CASE
        WHEN event.subject_id IS NOT NULL THEN 'subject:' || event.subject_id
        WHEN TG_TABLE_NAME = 'account' THEN 'account:' || event.record_id
        WHEN TG_TABLE_NAME = 'account_session' THEN 'account:' || (row_now ->> 'account')
        ELSE 'trial' END;
    IF TG_TABLE_NAME = 'account_session' AND event.actor IS NULL THEN
        SELECT a.id, a.name, a.role INTO event.actor, event.actor_name, event.role
        FROM public.account a WHERE a.id::text = row_now ->> 'account';
    END IF;
    PERFORM public.append_audit_event(event);
    RETURN NULL;
END
$$
"""

# A read that stored nothing else need not wait for the disk: a crash may lose the last ones.
NOTE = """
CREATE FUNCTION note_audit_event(
    operation text, record text, record_id text, site text, subject_id uuid, detail jsonb
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event public.audit_event := public.audit_event_of_caller();
BEGIN
    IF operation <> ALL ('{SIGN_IN_REFUSED,SIGN_IN_THROTTLED,SIGNATURE_REFUSED,REFUSED,
        READ,EXPORT}'::text[]) THEN
        RAISE EXCEPTION '% is not a happening', operation USING ERRCODE = 'check_violation';
    END IF;
    IF operation = 'READ' AND pg_current_xact_id_if_assigned() IS NULL THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    event.site := site;
    event.subject_id := subject_id;
    event.record := record;
    event.record_id := record_id;
    event.operation := operation;
    event.new := detail;
    event.chain := CASE
        WHEN subject_id IS NOT NULL THEN 'subject:' || subject_id
        WHEN record = 'account' AND record_id <> '' THEN 'account:' || record_id
        WHEN event.actor IS NOT NULL THEN 'account:' || event.actor
        ELSE 'trial' END;
    PERFORM public.append_audit_event(event);
END
$$
"""

# What was written before there were chains: their hashes begin here, in the order of writing.
CHAIN_WHAT_IS = """
DO $$
DECLARE
    event audit_event;
    head audit_chain;
BEGIN
    FOR event IN SELECT * FROM audit_event ORDER BY id LOOP
        event.chain := CASE
            WHEN event.subject_id IS NOT NULL THEN 'subject:' || event.subject_id
            WHEN event.record = 'account' THEN 'account:' || event.record_id
            ELSE 'trial' END;
        INSERT INTO audit_chain (chain, seq, hash)
        VALUES (event.chain, 0, decode(repeat('00', 32), 'hex')) ON CONFLICT DO NOTHING;
        SELECT * INTO head FROM audit_chain WHERE chain = event.chain;
        event.seq := head.seq + 1;
        event.hash := audit_event_hash(head.hash, event);
        UPDATE audit_event SET chain = event.chain, seq = event.seq, hash = event.hash
        WHERE id = event.id;
        UPDATE audit_chain SET seq = event.seq, hash = event.hash WHERE chain = event.chain;
    END LOOP;
END
$$
"""

# Sub-selects: the planner evaluates each once per statement, not once per row.
VISIBLE = """
    (SELECT current_setting('trial.role', true)) = 'auditor'
    OR (SELECT current_setting('trial.role', true)) IN ('monitor', 'investigator')
       AND site = ANY ((SELECT caller_sites())::text[])
"""


def upgrade() -> None:
    guard(as_owner=False)
    # Two databases of one cluster may be migrated at once; roles belong to the cluster.
    op.execute("SELECT pg_advisory_xact_lock(hashtext('trial roles'))")
    op.execute(ROLES)
    op.execute("ALTER ROLE trial_auditor SET default_transaction_read_only = on")
    op.execute("ALTER ROLE trial_sealer SET statement_timeout = '60s'")
    op.execute("ALTER ROLE trial_sealer SET lock_timeout = '5s'")
    op.execute("ALTER ROLE trial_sealer SET idle_in_transaction_session_timeout = '60s'")
    op.execute("SET LOCAL ROLE trial_owner")
    _add_tables()
    for statement in (HASH, APPEND, ACTOR, RECORD, NOTE):
        op.execute(statement)
    op.execute(
        "REVOKE ALL ON FUNCTION audit_event_hash(bytea, audit_event),"
        " append_audit_event(audit_event), audit_event_of_caller(),"
        " note_audit_event(text, text, text, text, uuid, jsonb) FROM PUBLIC"
    )
    op.execute("ALTER TABLE audit_event DISABLE TRIGGER audit_event_fixed")
    op.execute(CHAIN_WHAT_IS)
    op.execute("ALTER TABLE audit_event ENABLE TRIGGER audit_event_fixed")
    for column in ("chain", "seq", "hash"):
        op.alter_column("audit_event", column, nullable=False)
    op.create_index("audit_event_chain_index", "audit_event", ["chain", "seq"], unique=True)
    _protect()
    _grant()
    # Accounts have columns that their last events do not tell: now the trail tells each row whole.
    op.execute("UPDATE account SET name = name")


def _add_tables() -> None:
    op.add_column("audit_event", sa.Column("actor_name", sa.Text()))
    op.add_column("audit_event", sa.Column("chain", sa.Text()))
    op.add_column("audit_event", sa.Column("seq", sa.BigInteger()))
    op.add_column("audit_event", sa.Column("hash", sa.LargeBinary()))
    op.create_index("audit_event_actor_index", "audit_event", ["actor", "id"])
    op.create_index("audit_event_at_index", "audit_event", ["at"], postgresql_using="brin")
    op.create_table(
        "audit_chain",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name="audit_chain_pkey"),
    )
    # Every event rewrites its chain's head: with room on the page, without touching the index.
    op.execute("ALTER TABLE audit_chain SET (fillfactor = 50)")
    op.create_table(
        "audit_checkpoint",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="audit_checkpoint_pkey"),
    )
    op.create_table(
        "audit_leaf",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("checkpoint", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="audit_leaf_pkey"),
        sa.ForeignKeyConstraint(
            ["checkpoint"], ["audit_checkpoint.number"], name="audit_leaf_checkpoint_fkey"
        ),
    )
    op.create_index(
        "audit_leaf_position_index", "audit_leaf", ["checkpoint", "position"], unique=True
    )


def _protect() -> None:
    for table in ("audit_leaf", "audit_checkpoint"):
        op.execute(
            f"CREATE TRIGGER {table}_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER audit_chain_kept BEFORE DELETE OR TRUNCATE ON audit_chain"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER account_session_audit AFTER INSERT OR UPDATE OR DELETE ON account_session"
        " FOR EACH ROW EXECUTE FUNCTION record_audit_event()"
    )
    op.execute("ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_event FORCE ROW LEVEL SECURITY")
    for policy in (
        f"audit_event_select ON audit_event FOR SELECT TO trial_app USING ({VISIBLE})",
        "audit_event_verify ON audit_event FOR SELECT TO trial_auditor, trial_sealer USING (true)",
        "audit_event_insert ON audit_event FOR INSERT TO trial_owner WITH CHECK (true)",
        "audit_event_update ON audit_event FOR UPDATE USING (false)",
        "audit_event_delete ON audit_event FOR DELETE USING (false)",
    ):
        op.execute(f"CREATE POLICY {policy}")


def _grant() -> None:
    op.execute("GRANT USAGE ON SCHEMA public TO trial_auditor, trial_sealer")
    op.execute("GRANT SELECT ON audit_event, audit_checkpoint TO trial_app")
    op.execute(
        "GRANT EXECUTE ON FUNCTION note_audit_event(text, text, text, text, uuid, jsonb)"
        " TO trial_app"
    )
    op.execute("GRANT SELECT ON audit_event TO trial_sealer")
    op.execute("GRANT SELECT, INSERT ON audit_leaf, audit_checkpoint TO trial_sealer")
    for table in ("audit_event", *ADDED, *AUDITED, *REFERENCE):
        op.execute(f"GRANT SELECT ON {table} TO trial_auditor")
    op.execute(f"GRANT SELECT ({ACCOUNT}) ON account TO trial_auditor")


BEFORE = """
CREATE OR REPLACE FUNCTION record_audit_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - 'secret_hash' END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - 'secret_hash' END;
    row_now jsonb := coalesce(after, before);
BEGIN
    INSERT INTO public.audit_event (
        at, site, subject_id, record, record_id, operation, old, new,
        actor, role, request_id, reason, transaction
    ) VALUES (
        clock_timestamp(),
        row_now ->> 'site',
        CASE WHEN TG_TABLE_NAME = 'subject'
             THEN (row_now ->> 'id')::uuid ELSE (row_now ->> 'subject_id')::uuid END,
        TG_TABLE_NAME,
        coalesce(row_now ->> 'id', row_now ->> 'consent_id', row_now ->> 'subject_id',
                 row_now ->> 'version'),
        TG_OP, before, after,
        nullif(current_setting('trial.sub', true), ''),
        nullif(current_setting('trial.role', true), ''),
        nullif(current_setting('trial.request_id', true), ''),
        nullif(current_setting('trial.reason', true), ''),
        pg_current_xact_id()
    );
    RETURN NULL;
END
$$
"""


def downgrade() -> None:
    """Unchain the trail; its events stay, and so do the roles, for other databases may use them."""
    guard()
    op.execute("DROP TRIGGER account_session_audit ON account_session")
    op.execute(BEFORE)
    op.execute("DROP FUNCTION note_audit_event(text, text, text, text, uuid, jsonb)")
    op.execute("DROP FUNCTION append_audit_event(audit_event), audit_event_of_caller()")
    op.execute("DROP FUNCTION audit_event_hash(bytea, audit_event)")
    for name in ("select", "verify", "insert", "update", "delete"):
        op.execute(f"DROP POLICY audit_event_{name} ON audit_event")
    op.execute("ALTER TABLE audit_event NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_event DISABLE ROW LEVEL SECURITY")
    for name in ("chain", "at", "actor"):
        op.drop_index(f"audit_event_{name}_index", "audit_event")
    for column in ("hash", "seq", "chain", "actor_name"):
        op.drop_column("audit_event", column)
    for table in ("audit_leaf", "audit_checkpoint", "audit_chain"):
        op.drop_table(table)
    op.execute("REVOKE SELECT ON audit_event FROM trial_app")
    op.execute(f"REVOKE SELECT ({ACCOUNT}) ON account FROM trial_auditor")
    op.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM trial_auditor, trial_sealer")
    op.execute("REVOKE USAGE ON SCHEMA public FROM trial_auditor, trial_sealer")

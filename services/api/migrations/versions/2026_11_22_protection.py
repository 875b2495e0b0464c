"""Row-level security, the audit triggers, and what the app may do with each table."""

from alembic import op

from services.api.migrations.guard import guard

revision = "protection"
down_revision = "tables"
branch_labels = None
depends_on = None

APPEND_ONLY = (
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
)
CLINICAL = ("subject", *APPEND_ONLY)
AUDITED = (*CLINICAL, "account", "site_activation", "randomization_commitment", "protocol_version")
FIXED = (
    *APPEND_ONLY,
    "audit_event",
    "site_activation",
    "protocol_version",
    "randomization_commitment",
    "randomization_slot",
)

# After a commit the setting reads '' and not NULL on the pooled connection.
SITES = """
CREATE FUNCTION caller_sites() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN string_to_array(nullif(current_setting('trial.sites', true), ''), ',')
"""

RECORD = """
CREATE FUNCTION record_audit_event() RETURNS trigger
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

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are kept as they were written',
        TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$
"""

# Sub-select: the planner evaluates it once per statement, not once per row.
OWN_SITE = "site = ANY ((SELECT caller_sites())::text[])"


def upgrade() -> None:
    guard()
    op.execute(SITES)
    op.execute(RECORD)
    op.execute(REFUSE)
    op.execute("REVOKE ALL ON FUNCTION record_audit_event(), refuse_change() FROM PUBLIC")
    for table in CLINICAL:
        _isolate(table)
    _keep_answers_private()
    for table in AUDITED:
        op.execute(
            f"CREATE TRIGGER {table}_audit AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION record_audit_event()"
        )
    for table in FIXED:
        op.execute(
            f"CREATE TRIGGER {table}_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER subject_kept BEFORE DELETE OR TRUNCATE ON subject"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    _grant()


def _isolate(table: str) -> None:
    """Rows of other sites do not exist, for the owner neither."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {table}_select ON {table} FOR SELECT USING ({OWN_SITE})")
    op.execute(f"CREATE POLICY {table}_insert ON {table} FOR INSERT WITH CHECK ({OWN_SITE})")
    op.execute(
        f"CREATE POLICY {table}_update ON {table} FOR UPDATE"
        f" USING ({OWN_SITE}) WITH CHECK ({OWN_SITE})"
    )
    op.execute(f"CREATE POLICY {table}_delete ON {table} FOR DELETE USING (false)")


def _keep_answers_private() -> None:
    """A stored answer is clinical data of the caller who got it."""
    own = "caller::text = current_setting('trial.sub', true)"
    op.execute("ALTER TABLE idempotent_answer ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE idempotent_answer FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY answer_select ON idempotent_answer FOR SELECT USING ({own})")
    op.execute(f"CREATE POLICY answer_insert ON idempotent_answer FOR INSERT WITH CHECK ({own})")
    op.execute("CREATE POLICY answer_update ON idempotent_answer FOR UPDATE USING (false)")
    op.execute(
        "CREATE POLICY answer_delete ON idempotent_answer FOR DELETE"
        f" USING ({own} AND expires_at < now())"
    )


def _grant() -> None:
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO trial_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON subject TO trial_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON idempotent_answer TO trial_app")
    op.execute("GRANT INSERT ON person_digest TO trial_app")
    op.execute("GRANT SELECT, INSERT ON site_activation TO trial_app")
    op.execute("GRANT SELECT, INSERT ON account TO trial_app")
    op.execute("GRANT SELECT, INSERT ON protocol_version, site, stratum TO trial_app")
    op.execute("GRANT SELECT, INSERT ON randomization_commitment, randomization_slot TO trial_app")
    op.execute("GRANT SELECT, INSERT ON randomization_total TO trial_app")
    op.execute("GRANT UPDATE (allocated) ON randomization_total TO trial_app")
    # A row can be locked only by who may update it.
    op.execute("GRANT UPDATE (levels) ON stratum TO trial_app")
    op.execute("GRANT UPDATE (subjects) ON site TO trial_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON sandbox_clock TO trial_app")


def downgrade() -> None:
    guard()
    for table in (*CLINICAL, "idempotent_answer"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        for command in ("select", "insert", "update", "delete"):
            name = "answer" if table == "idempotent_answer" else table
            op.execute(f"DROP POLICY {name}_{command} ON {table}")
    for table in AUDITED:
        op.execute(f"DROP TRIGGER {table}_audit ON {table}")
    for table in FIXED:
        op.execute(f"DROP TRIGGER {table}_fixed ON {table}")
    op.execute("DROP TRIGGER subject_kept ON subject")
    op.execute("DROP FUNCTION record_audit_event(), refuse_change(), caller_sites()")
    op.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM trial_app")
    op.execute("GRANT SELECT ON alembic_version TO trial_app")

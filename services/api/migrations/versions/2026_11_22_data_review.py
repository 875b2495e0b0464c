"""Data queries, source data verification, freezing and locking."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from services.api.migrations.guard import guard

revision = "data_review"
down_revision = "graded_visits"
branch_labels = None
depends_on = None

OWN_SITE = "site = ANY ((SELECT caller_sites())::text[])"
STATES = "state IN ('open', 'frozen', 'locked')"
QUERY = {
    "record_known": (
        "record IN ('subject', 'consent', 'eligibility', 'radiotherapy', 'visit', 'grading',"
        " 'adverse_event', 'deviation', 'exposure', 'discontinuation')"
    ),
    "origin_known": "origin IN ('person', 'system')",
    "code_of_system": "(origin = 'system') = (code IS NOT NULL)",
}
STEP = {
    "known": "step IN ('raise', 'answer', 'reopen', 'close')",
    "raised_first": "(version = 1) = (step = 'raise')",
    "version_from_one": "version >= 1",
    "of_whom": "(role IS NULL) = (name IS NULL)",
}
LOCK = {"state_known": STATES, "version_from_one": "version >= 1"}

# An assessor is asked about their own gradings only: what is asked about the rest of a record may
# tell the arm.
ASSESSOR = "(SELECT current_setting('trial.role', true)) = 'assessor'"
OWN_GRADING = """
    record = 'grading' AND EXISTS (
        SELECT FROM grading g WHERE g.id::text = data_query.record_id
        AND g.assessor::text = (SELECT current_setting('trial.sub', true)))
"""
SEEN = {
    "data_query": f"{OWN_SITE} AND CASE WHEN {ASSESSOR} THEN {OWN_GRADING} ELSE true END",
    "data_query_step": (
        f"{OWN_SITE} AND CASE WHEN {ASSESSOR}"
        " THEN EXISTS (SELECT FROM data_query q WHERE q.id = data_query_step.id) ELSE true END"
    ),
}

REVIEW = ("data_query", "data_query_step", "grading_verification")
GOES_ON = (*REVIEW, "adverse_event", "adverse_event_signature", "consent_withdrawal")
"""What goes on while a record is frozen: its review, safety reporting, withdrawing consent."""
CLINICAL = (
    "subject",
    "consent",
    "consent_withdrawal",
    "eligibility_evaluation",
    "eligibility_signature",
    "radiotherapy",
    "deviation",
    "allocation",
    "randomization_correction",
    "visit",
    "grading",
    "grading_signature",
    "adverse_event",
    "adverse_event_signature",
)

# Whoever writes shares the subject's row and the trial's lock until commit, and whoever locks takes
# them alone: a write is either done before, or comes after and sees the lock. That is why each look
# is a statement of its own, with a snapshot of its own. The row comes first, as in the service:
# whoever holds the trial's lock waits for no row, so nobody waits in a circle. Who is not at the
# site goes on while a record is frozen: the data manager's corrections, the safety officer's
# assessments. So does the withdrawal of consent, which tells the subject's status and day of
# leaving, and nothing else of the subject.
REFUSE = """
CREATE FUNCTION refuse_locked() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    whose uuid;
    of_subject text;
    of_study text;
    goes_on boolean := TG_NARGS > 0;
    leaving text[] := '{status,left_on,version,recorded_by,recorded_at}';
BEGIN
    IF TG_TABLE_NAME = 'subject' THEN
        whose := NEW.id;
        goes_on := TG_OP = 'UPDATE' AND NEW.status IN ('withdrawn', OLD.status)
            AND (NEW.status <> OLD.status
                 OR to_jsonb(NEW) -> 'left_on' IS DISTINCT FROM to_jsonb(OLD) -> 'left_on')
            AND to_jsonb(NEW) - leaving = to_jsonb(OLD) - leaving;
    ELSE
        whose := NEW.subject_id;
    END IF;
    PERFORM FROM public.subject WHERE id = whose FOR KEY SHARE;
    PERFORM pg_advisory_xact_lock_shared(hashtext('study_lock'), 0);
    SELECT (SELECT state FROM public.subject_lock WHERE subject_id = whose
            ORDER BY version DESC LIMIT 1),
           (SELECT state FROM public.study_lock ORDER BY version DESC LIMIT 1)
    INTO of_subject, of_study;
    IF 'locked' IN (of_subject, of_study) THEN
        RAISE EXCEPTION 'the record is locked: % of % is refused', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'check_violation', CONSTRAINT = 'record_locked';
    END IF;
    IF 'frozen' IN (of_subject, of_study) AND NOT goes_on AND coalesce(
        current_setting('trial.role', true), '') NOT IN ('data_manager', 'safety_officer')
    THEN
        RAISE EXCEPTION 'the record is frozen: % of % is refused', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'check_violation', CONSTRAINT = 'record_frozen';
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    guard()
    _add_queries()
    _add_verifications()
    _add_locks()
    for table in (*REVIEW, "subject_lock"):
        _isolate(table)
    for table in (*REVIEW, "subject_lock", "study_lock"):
        _protect(table)
    op.execute(REFUSE)
    op.execute("REVOKE ALL ON FUNCTION refuse_locked() FROM PUBLIC")
    for table in (*CLINICAL, *REVIEW):
        goes_on = "'review'" if table in GOES_ON else ""
        op.execute(
            f"CREATE TRIGGER {table}_lock BEFORE INSERT OR UPDATE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION refuse_locked({goes_on})"
        )


def _of_subject() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    )


def _constraints(table: str, checks: Mapping[str, str]) -> tuple[sa.Constraint, ...]:
    """The table's rules, and the key that keeps it at its subject's site."""
    return (
        *(sa.CheckConstraint(rule, name=f"{table}_{name}") for name, rule in checks.items()),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name=f"{table}_site_subject_id_fkey",
        ),
    )


def _add_queries() -> None:
    op.create_table(
        "data_query",
        *_of_subject(),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text()),
        sa.Column("field", sa.Text()),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("code", sa.Text()),
        *_constraints("data_query", QUERY),
        sa.PrimaryKeyConstraint("id", name="data_query_pkey"),
        sa.UniqueConstraint(
            "site", "subject_id", "id", name="data_query_site_subject_id_id_unique"
        ),
    )
    op.create_index("data_query_subject_index", "data_query", ["site", "subject_id"])
    op.create_table(
        "data_query_step",
        *_of_subject(),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("role", sa.Text()),
        sa.Column("name", sa.Text()),
        *_constraints("data_query_step", STEP),
        sa.ForeignKeyConstraint(
            ["site", "subject_id", "id"],
            ["data_query.site", "data_query.subject_id", "data_query.id"],
            name="data_query_step_of_query",
        ),
        sa.PrimaryKeyConstraint("id", "version", name="data_query_step_pkey"),
    )


def _add_verifications() -> None:
    op.create_table(
        "grading_verification",
        *_of_subject(),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("grading_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text()),
        *_constraints("grading_verification", {}),
        sa.ForeignKeyConstraint(
            ["site", "subject_id", "grading_id", "version"],
            ["grading.site", "grading.subject_id", "grading.id", "grading.version"],
            name="grading_verification_of_version",
        ),
        sa.PrimaryKeyConstraint("id", name="grading_verification_pkey"),
        sa.UniqueConstraint("grading_id", "version", name="grading_verified_once"),
    )


def _add_locks() -> None:
    op.create_table(
        "subject_lock",
        *_of_subject(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *_constraints("subject_lock", LOCK),
        sa.PrimaryKeyConstraint("subject_id", "version", name="subject_lock_pkey"),
    )
    op.create_table(
        "study_lock",
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *(sa.CheckConstraint(rule, name=f"study_lock_{name}") for name, rule in LOCK.items()),
        sa.PrimaryKeyConstraint("version", name="study_lock_pkey"),
    )


def _isolate(table: str) -> None:
    """As every clinical table: rows of other sites do not exist."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    seen = SEEN.get(table, OWN_SITE)
    op.execute(f"CREATE POLICY {table}_select ON {table} FOR SELECT USING ({seen})")
    op.execute(f"CREATE POLICY {table}_insert ON {table} FOR INSERT WITH CHECK ({OWN_SITE})")
    op.execute(
        f"CREATE POLICY {table}_update ON {table} FOR UPDATE"
        f" USING ({OWN_SITE}) WITH CHECK ({OWN_SITE})"
    )
    op.execute(f"CREATE POLICY {table}_delete ON {table} FOR DELETE USING (false)")


def _protect(table: str) -> None:
    """Audited, and never rewritten."""
    op.execute(
        f"CREATE TRIGGER {table}_audit AFTER INSERT OR UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION record_audit_event()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(f"GRANT SELECT, INSERT ON {table} TO trial_app")
    op.execute(f"GRANT SELECT ON {table} TO trial_auditor")


def downgrade() -> None:
    guard()
    for table in CLINICAL:
        op.execute(f"DROP TRIGGER {table}_lock ON {table}")
    for table in ("study_lock", "subject_lock", "grading_verification", "data_query_step"):
        op.drop_table(table)
    op.drop_table("data_query")
    op.execute("DROP FUNCTION refuse_locked()")

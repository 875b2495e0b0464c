"""Interruptions, study-drug exposure, discontinuation, and the day a subject left."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from services.api.migrations.guard import guard

revision = "conduct"
down_revision = "assessment"
branch_labels = None
depends_on = None

OWN_SITE = "site = ANY ((SELECT caller_sites())::text[])"
# Who takes a study drug, or stopped taking one, is known to be in the treated arm.
NOT_ASSESSOR = "((SELECT current_setting('trial.role', true)) = 'assessor') IS NOT TRUE"
EVERY_SITE = "SELECT set_config('trial.sites', (SELECT string_agg(code, ',') FROM site), true)"
WHY = "SELECT set_config('trial.reason', 'A subject now tells the day they left the study', true)"
LEFT = "status IN ('died', 'lost_to_follow_up', 'withdrawn')"
# Of those who left before this revision: the day of the withdrawal, or the last day on which the
# subject was seen.
LEAVE = f"""
    UPDATE subject SET left_on = coalesce(
        (SELECT min(withdrawn_on) FROM consent_withdrawal w WHERE w.subject_id = subject.id),
        (SELECT max(visited_on) FROM visit v WHERE v.subject_id = subject.id),
        (SELECT max(signed_on) FROM consent c WHERE c.subject_id = subject.id),
        created_at::date)
    WHERE {LEFT}
"""
EXPOSURE = {
    "version_from_one": "version >= 1",
    "change_has_reason": "version = 1 OR reason IS NOT NULL",
    "applications_known": "applications BETWEEN 0 AND 20",
}
DISCONTINUATION = {
    "version_from_one": "version >= 1",
    "change_has_reason": "version = 1 OR reason IS NOT NULL",
    "treatment_cause_known": (
        "treatment_cause IN ('adverse_event', 'subject_decision', 'physician_decision',"
        " 'noncompliance', 'radiotherapy_stopped', 'death', 'other')"
    ),
    "study_cause_known": (
        "study_cause IN ('consent_withdrawn', 'lost_to_follow_up', 'death',"
        " 'physician_decision', 'other')"
    ),
    "treatment_whole": "num_nulls(treatment_on, treatment_cause, treatment_detail) IN (0, 3)",
    "study_whole": "num_nulls(study_on, study_cause, study_detail) IN (0, 3)",
    "treatment_first": "treatment_on <= study_on",
}


def upgrade() -> None:
    guard()
    op.add_column("radiotherapy", sa.Column("interruptions", JSONB()))
    op.add_column("subject", sa.Column("left_on", sa.Date()))
    op.execute("ALTER TABLE subject DISABLE TRIGGER subject_lock")  # a locked record tells it too
    op.execute(EVERY_SITE)
    op.execute(WHY)
    op.execute(LEAVE)
    op.execute("SELECT set_config('trial.sites', '', true), set_config('trial.reason', '', true)")
    op.execute("ALTER TABLE subject ENABLE TRIGGER subject_lock")
    op.create_check_constraint("subject_left_on_a_day", "subject", f"left_on IS NULL OR {LEFT}")
    op.create_index("deviation_site_index", "deviation", ["site", "id"])
    op.create_table(
        "exposure",
        *_of_version(),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("applications", sa.Integer(), nullable=False),
        sa.Column("missed_reason", sa.Text()),
        *_constraints("exposure", EXPOSURE),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["allocation.subject_id"], name="exposure_of_allocation"
        ),
        sa.PrimaryKeyConstraint("id", "version", name="exposure_pkey"),
        sa.UniqueConstraint("subject_id", "day", "version", name="exposure_once_a_day"),
    )
    op.create_table(
        "discontinuation",
        *_of_version(),
        sa.Column("treatment_on", sa.Date()),
        sa.Column("treatment_cause", sa.Text()),
        sa.Column("treatment_detail", sa.Text()),
        sa.Column("study_on", sa.Date()),
        sa.Column("study_cause", sa.Text()),
        sa.Column("study_detail", sa.Text()),
        *_constraints("discontinuation", DISCONTINUATION),
        sa.PrimaryKeyConstraint("subject_id", "version", name="discontinuation_pkey"),
    )
    for table in ("exposure", "discontinuation"):
        _protect(table)


def _of_version() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("protocol_version", sa.Text(), nullable=False),
    )


def _constraints(table: str, checks: Mapping[str, str]) -> tuple[sa.Constraint, ...]:
    return (
        *(sa.CheckConstraint(rule, name=f"{table}_{name}") for name, rule in checks.items()),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name=f"{table}_site_subject_id_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["protocol_version"],
            ["protocol_version.version"],
            name=f"{table}_protocol_version_fkey",
        ),
    )


def _protect(table: str) -> None:
    """As every clinical table: isolated by site, audited, lockable, never rewritten; and blinded."""
    seen = f"{OWN_SITE} AND {NOT_ASSESSOR}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {table}_select ON {table} FOR SELECT USING ({seen})")
    op.execute(f"CREATE POLICY {table}_insert ON {table} FOR INSERT WITH CHECK ({OWN_SITE})")
    op.execute(
        f"CREATE POLICY {table}_update ON {table} FOR UPDATE"
        f" USING ({OWN_SITE}) WITH CHECK ({OWN_SITE})"
    )
    op.execute(f"CREATE POLICY {table}_delete ON {table} FOR DELETE USING (false)")
    op.execute(
        f"CREATE TRIGGER {table}_audit AFTER INSERT OR UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION record_audit_event()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_lock BEFORE INSERT OR UPDATE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_locked()"
    )
    op.execute(f"GRANT SELECT, INSERT ON {table} TO trial_app")
    op.execute(f"GRANT SELECT ON {table} TO trial_auditor")


def downgrade() -> None:
    guard()
    op.drop_table("discontinuation")
    op.drop_table("exposure")
    op.drop_index("deviation_site_index", table_name="deviation")
    op.drop_constraint("subject_left_on_a_day", "subject")
    op.drop_column("subject", "left_on")
    op.drop_column("radiotherapy", "interruptions")

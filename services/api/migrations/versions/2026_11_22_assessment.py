"""Assessors' certificates, and adjudication of differing gradings."""

import sqlalchemy as sa
from alembic import op

from services.api.migrations.guard import guard

revision = "assessment"
down_revision = "data_review"
branch_labels = None
depends_on = None

OWN_SITE = "site = ANY ((SELECT caller_sites())::text[])"
EVERY_SITE = "SELECT set_config('trial.sites', (SELECT string_agg(code, ',') FROM site), true)"
WHY = "SELECT set_config('trial.reason', 'Gradings that differ are now adjudicated', true)"
FORGET = "SELECT set_config('trial.sites', '', true), set_config('trial.reason', '', true)"

REFUSE = """
CREATE FUNCTION refuse_adjudicator_who_graded() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM public.grading WHERE site = NEW.site AND subject_id = NEW.subject_id
               AND visit = NEW.visit AND assessor = NEW.recorded_by) THEN
        RAISE EXCEPTION 'the adjudicator made one of the gradings'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'adjudicator_graded_nothing';
    END IF;
    RETURN NULL;
END
$$
"""

# A certificate belongs to no subject, so only the trial's own lock binds it.
REFUSE_LOCKED = """
CREATE FUNCTION refuse_in_locked_trial() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('study_lock'), 0);
    IF (SELECT state FROM public.study_lock ORDER BY version DESC LIMIT 1) = 'locked' THEN
        RAISE EXCEPTION 'the trial is locked: % of % is refused', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'check_violation', CONSTRAINT = 'record_locked';
    END IF;
    RETURN NEW;
END
$$
"""

# Visits that were graded twice before adjudication existed: whoever graded last opened theirs.
OPEN = """
INSERT INTO adjudication (site, subject_id, recorded_by, recorded_at, version, protocol_version,
                          id, visit)
SELECT DISTINCT ON (subject_id, visit)
       site, subject_id, recorded_by, clock_timestamp(), 1, protocol_version,
       gen_random_uuid(), visit
FROM grading AS made
WHERE NOT EXISTS (SELECT FROM grading AS newer
                  WHERE newer.id = made.id AND newer.version = made.version + 1)
  AND EXISTS (SELECT FROM grading AS other
              WHERE other.subject_id = made.subject_id AND other.visit = made.visit
                AND other.grade <> made.grade
                AND NOT EXISTS (SELECT FROM grading AS newer
                                WHERE newer.id = other.id AND newer.version = other.version + 1))
ORDER BY subject_id, visit, made.id DESC
"""


def upgrade() -> None:
    guard()
    _create_certificates()
    _create_adjudications()
    op.execute(EVERY_SITE)
    op.execute(WHY)
    op.execute(OPEN)
    op.execute(FORGET)
    op.execute(
        "CREATE TRIGGER adjudication_lock BEFORE INSERT OR UPDATE ON adjudication"
        " FOR EACH ROW EXECUTE FUNCTION refuse_locked()"
    )


def _create_certificates() -> None:
    op.create_table(
        "certificate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("assessor", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("training", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        *_versions("certificate"),
        sa.CheckConstraint("valid_from <= valid_until", name="certificate_days_in_order"),
        sa.ForeignKeyConstraint(["assessor"], ["account.id"], name="certificate_assessor_fkey"),
        sa.PrimaryKeyConstraint("id", "version", name="certificate_pkey"),
    )
    op.create_index("certificate_assessor_index", "certificate", ["assessor"])
    _keep("certificate")
    op.execute(REFUSE_LOCKED)
    op.execute("REVOKE ALL ON FUNCTION refuse_in_locked_trial() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER certificate_lock BEFORE INSERT OR UPDATE ON certificate"
        " FOR EACH ROW EXECUTE FUNCTION refuse_in_locked_trial()"
    )


def _create_adjudications() -> None:
    table = "adjudication"
    op.create_table(
        table,
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.Column("visit", sa.Text(), nullable=False),
        sa.Column("grade", sa.Integer()),
        *_versions(table),
        sa.CheckConstraint("grade BETWEEN 0 AND 4", name="adjudication_grade_known"),
        sa.CheckConstraint(
            "(version = 1) = (grade IS NULL)", name="adjudication_decided_from_version_two"
        ),
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
        sa.PrimaryKeyConstraint("id", "version", name=f"{table}_pkey"),
    )
    op.create_index(f"{table}_subject_index", table, ["site", "subject_id"])
    op.create_index(
        f"{table}_once_per_visit",
        table,
        ["subject_id", "visit"],
        unique=True,
        postgresql_where=sa.text("version = 1"),
    )
    op.execute(REFUSE)
    op.execute("REVOKE ALL ON FUNCTION refuse_adjudicator_who_graded() FROM PUBLIC")
    op.execute(
        f"CREATE TRIGGER {table}_independent AFTER INSERT ON {table} FOR EACH ROW"
        " WHEN (NEW.version > 1) EXECUTE FUNCTION refuse_adjudicator_who_graded()"
    )
    _isolate(table)
    _keep(table)


def _versions(table: str) -> tuple[sa.CheckConstraint, ...]:
    return (
        sa.CheckConstraint("version >= 1", name=f"{table}_version_from_one"),
        sa.CheckConstraint("version = 1 OR reason IS NOT NULL", name=f"{table}_change_has_reason"),
    )


def _isolate(table: str) -> None:
    """As every clinical table: rows of other sites do not exist."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {table}_select ON {table} FOR SELECT USING ({OWN_SITE})")
    op.execute(f"CREATE POLICY {table}_insert ON {table} FOR INSERT WITH CHECK ({OWN_SITE})")
    op.execute(
        f"CREATE POLICY {table}_update ON {table} FOR UPDATE"
        f" USING ({OWN_SITE}) WITH CHECK ({OWN_SITE})"
    )
    op.execute(f"CREATE POLICY {table}_delete ON {table} FOR DELETE USING (false)")


def _keep(table: str) -> None:
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
    op.drop_table("adjudication")
    op.execute("DROP FUNCTION refuse_adjudicator_who_graded()")
    op.drop_table("certificate")
    op.execute("DROP FUNCTION refuse_in_locked_trial()")

"""Adverse events as cases, the day of death, and versions of the reference safety information.

Nothing is filled in for rows of before: they are signed and told by the trail as they are, and a
value added to them would be neither. Where a column is null in them, the model says what it means.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from services.api.migrations.guard import guard, refuse_to_drop

revision = "cases"
down_revision = "events"
branch_labels = None
depends_on = None

COLUMNS: dict[str, TypeEngine[Any]] = {
    "meddra_version": sa.Text(),
    "first_id": sa.Uuid(),
    "continues": sa.Uuid(),
    "continuation": sa.Integer(),
    "informed_at": sa.DateTime(timezone=True),
    "received_at": sa.DateTime(timezone=True),
    "nullified": sa.Boolean(),
    "reference_version": sa.Text(),
}
CHECKS = {
    "of_case": (
        "num_nulls(first_id, continues, continuation) IN (0, 3)"
        " AND first_id <> id AND continues <> id AND continuation >= 1"
    ),
    "told_whole": "num_nulls(meddra_version, informed_at, received_at) IN (0, 3)",
    "informed_when_aware": "informed_at >= aware_at",
    "coded": "meddra_code ~ '^[0-9]{8}$'",
    "nullified_for_good": "nullified IS NULL OR (nullified AND version > 1)",
    "expected_by_document": "expectedness IS NOT NULL OR reference_version IS NULL",
}

# As `data_review` made it, but for the death of a subject, which is safety reporting too: without
# it no fatal event can be reported.
REFUSE = """
CREATE OR REPLACE FUNCTION refuse_locked() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    whose uuid;
    of_subject text;
    of_study text;
    goes_on boolean := TG_NARGS > 0;
    leaving text[] := '{leaving}';
BEGIN
    IF TG_TABLE_NAME = 'subject' THEN
        whose := NEW.id;
        goes_on := TG_OP = 'UPDATE' AND NEW.status IN ({states})
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
LEAVING = "status,left_on,version,recorded_by,recorded_at"
BEFORE = {"{leaving}": f"{{{LEAVING}}}", "{states}": "'withdrawn', OLD.status"}
NOW = {"{leaving}": f"{{{LEAVING},died_on}}", "{states}": "'withdrawn', 'died', OLD.status"}

NEW = """
SELECT 1 WHERE EXISTS (SELECT FROM adverse_event WHERE received_at IS NOT NULL)
    OR EXISTS (SELECT FROM subject WHERE died_on IS NOT NULL)
    OR EXISTS (SELECT FROM reference_document)
"""


def upgrade() -> None:
    guard()
    op.add_column("subject", sa.Column("died_on", sa.Date()))
    op.create_check_constraint(
        "subject_died_on_a_day", "subject", "died_on IS NULL OR status = 'died'"
    )
    op.execute(_written(NOW))
    _add_documents()
    for name, kind in COLUMNS.items():
        op.add_column("adverse_event", sa.Column(name, kind))
    for name, rule in CHECKS.items():
        op.create_check_constraint(f"adverse_event_{name}", "adverse_event", rule)
    op.create_unique_constraint(
        "adverse_event_continued_once", "adverse_event", ["continues", "continuation", "version"]
    )
    op.create_foreign_key(
        "adverse_event_reference_version_fkey",
        "adverse_event",
        "reference_document",
        ["reference_version"],
        ["version"],
    )
    op.create_index("adverse_event_case_index", "adverse_event", ["first_id"])
    op.create_index("adverse_event_term_index", "adverse_event", ["term", "id"])


def _written(parts: dict[str, str]) -> str:
    text = REFUSE
    for name, value in parts.items():
        text = text.replace(name, value)
    return text


def _add_documents() -> None:
    op.create_table(
        "reference_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("dictionary_version", sa.Text(), nullable=False),
        sa.Column("expected", JSONB(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "jsonb_typeof(expected) = 'array'", name="reference_document_expects_a_list"
        ),
        sa.PrimaryKeyConstraint("id", name="reference_document_pkey"),
        sa.UniqueConstraint("version", name="reference_document_version_unique"),
    )
    op.execute(
        "CREATE TRIGGER reference_document_audit AFTER INSERT OR UPDATE OR DELETE"
        " ON reference_document FOR EACH ROW EXECUTE FUNCTION record_audit_event()"
    )
    op.execute(
        "CREATE TRIGGER reference_document_fixed BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON reference_document FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("GRANT SELECT, INSERT ON reference_document TO trial_app")
    op.execute("GRANT SELECT ON reference_document TO trial_auditor")


def downgrade() -> None:
    guard()
    refuse_to_drop(NEW, "adverse events as cases, deaths or reference documents", revision)
    op.drop_index("adverse_event_term_index", table_name="adverse_event")
    op.drop_index("adverse_event_case_index", table_name="adverse_event")
    op.drop_constraint("adverse_event_reference_version_fkey", "adverse_event")
    op.drop_constraint("adverse_event_continued_once", "adverse_event")
    for name in CHECKS:
        op.drop_constraint(f"adverse_event_{name}", "adverse_event")
    for name in COLUMNS:
        op.drop_column("adverse_event", name)
    op.drop_table("reference_document")
    op.execute(_written(BEFORE))
    op.drop_constraint("subject_died_on_a_day", "subject")
    op.drop_column("subject", "died_on")

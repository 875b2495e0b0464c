"""Deadlines of safety reporting, submissions that meet them, and reminders."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from services.api.migrations.guard import guard

revision = "clocks"
down_revision = "cases"
branch_labels = None
depends_on = None

TABLES = ("safety_deadline", "safety_submission", "safety_reminder")

OWN_SITE = "site = ANY ((SELECT caller_sites())::text[])"
# What has to be reported as a reaction is suspected of the study drug, so it tells the arm.
NOT_ASSESSOR = "((SELECT current_setting('trial.role', true)) = 'assessor') IS NOT TRUE"

RECIPIENT = "recipient IN ('sponsor', 'regulator', 'ethics_committee')"
DEADLINE = {
    "version_from_one": "version >= 1",
    "opening_from_one": "opening >= 1",
    "recipient_known": RECIPIENT,
    "met_by_a_submission": "(met_by IS NULL) = (met_at IS NULL)",
    "lapsed_for_cause": "(lapsed_at IS NULL) = (lapsed_because IS NULL)",
    "lapsed_because_known": (
        "lapsed_because IN ('nullified', 'not_serious', 'not_suspected', 'expected',"
        " 'not_fatal_or_life_threatening', 'upgraded')"
    ),
    "met_or_lapsed": "met_by IS NULL OR lapsed_at IS NULL",
}
SUBMISSION = {
    "version_from_one": "version >= 1",
    "change_has_reason": "version = 1 OR reason IS NOT NULL",
    "recipient_known": RECIPIENT,
    "kind_known": "kind IN ('initial', 'follow_up', 'nullification')",
}
REMINDER = {
    "kind_known": "kind IN ('near', 'missed')",
    "lead_of_near": "(kind = 'near') = (lead_hours > 0) AND lead_hours >= 0",
}


def upgrade() -> None:
    guard()
    _add_deadlines()
    _add_submissions()
    _add_reminders()
    for table in TABLES:
        _protect(table)


def _add_deadlines() -> None:
    op.create_table(
        "safety_deadline",
        *_of_subject(),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("follow_up", sa.Boolean(), nullable=False),
        sa.Column("opening", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_version", sa.Integer(), nullable=False),
        sa.Column("day_zero", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("met_by", sa.Uuid()),
        sa.Column("met_at", sa.DateTime(timezone=True)),
        sa.Column("lapsed_at", sa.DateTime(timezone=True)),
        sa.Column("lapsed_because", sa.Text()),
        *_constraints("safety_deadline", DEADLINE),
        *_of_version("safety_deadline"),
        sa.PrimaryKeyConstraint("id", "version", name="safety_deadline_pkey"),
        sa.UniqueConstraint(
            "case_id",
            "clock",
            "recipient",
            "follow_up",
            "opening",
            "version",
            name="safety_deadline_once",
        ),
        sa.UniqueConstraint(
            "site",
            "subject_id",
            "id",
            "version",
            name="safety_deadline_site_subject_id_id_version_unique",
        ),
    )
    op.create_index("safety_deadline_subject_index", "safety_deadline", ["site", "subject_id"])
    op.create_index(
        "safety_deadline_open_index",
        "safety_deadline",
        ["clock", "due_at"],
        postgresql_where=sa.text("met_by IS NULL AND lapsed_at IS NULL"),
    )


def _add_submissions() -> None:
    op.create_table(
        "safety_submission",
        *_of_subject(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_version", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receipt", sa.Text()),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        *_constraints("safety_submission", SUBMISSION),
        *_of_version("safety_submission"),
        sa.PrimaryKeyConstraint("id", "version", name="safety_submission_pkey"),
    )
    op.create_index("safety_submission_case_index", "safety_submission", ["case_id", "id"])
    op.create_index("safety_submission_subject_index", "safety_submission", ["site", "subject_id"])


def _add_reminders() -> None:
    op.create_table(
        "safety_reminder",
        *_of_subject(),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("deadline_id", sa.Uuid(), nullable=False),
        sa.Column("deadline_version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lead_hours", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=False),
        *_constraints("safety_reminder", REMINDER),
        sa.ForeignKeyConstraint(
            ["site", "subject_id", "deadline_id", "deadline_version"],
            [f"safety_deadline.{column}" for column in ("site", "subject_id", "id", "version")],
            name="safety_reminder_of_deadline",
        ),
        sa.PrimaryKeyConstraint("id", name="safety_reminder_pkey"),
        sa.UniqueConstraint(
            "deadline_id", "due_at", "kind", "lead_hours", name="safety_reminder_once"
        ),
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


def _of_version(table: str) -> tuple[sa.Constraint, ...]:
    """The keys to the version of the adverse event, and of the protocol."""
    return (
        sa.ForeignKeyConstraint(
            ["site", "subject_id", "event_id", "event_version"],
            [f"adverse_event.{column}" for column in ("site", "subject_id", "id", "version")],
            name=f"{table}_site_subject_id_event_id_event_version_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["protocol_version"],
            ["protocol_version.version"],
            name=f"{table}_protocol_version_fkey",
        ),
    )


def _protect(table: str) -> None:
    """As every clinical table, but not lockable: a lock stops no report of what is known."""
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
    op.execute(f"GRANT SELECT, INSERT ON {table} TO trial_app")
    op.execute(f"GRANT SELECT ON {table} TO trial_auditor")


def downgrade() -> None:
    guard()
    for table in reversed(TABLES):
        op.drop_table(table)

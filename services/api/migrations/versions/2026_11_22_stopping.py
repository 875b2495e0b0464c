"""Evaluations of the stopping rules, and how far the search for overdue visits has come."""

import sqlalchemy as sa
from alembic import op

from services.api.migrations.guard import guard

revision = "stopping"
down_revision = "clocks"
branch_labels = None
depends_on = None

TABLE = "stopping_evaluation"
# What the figures of an arm tell about allocations is for those who monitor safety, and for nobody
# who recruits or grades; the worker writes them.
ROLE = "(SELECT current_setting('trial.role', true))"
READERS = f"{ROLE} IN ('dmc', 'safety_officer', 'worker')"
WRITER = f"({ROLE} = 'worker') IS TRUE"
CHECKS = {
    "events": "events BETWEEN 0 AND subjects",
    "probability": "probability BETWEEN 0 AND 1",
    "reached_at_boundary": "reached = (boundary IS NOT NULL AND events >= boundary)",
}


def upgrade() -> None:
    guard()
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("evaluated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.Uuid(), nullable=False),
        sa.Column("subjects", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("boundary", sa.Integer()),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.CheckConstraint(rule, name=f"{TABLE}_{name}") for name, rule in CHECKS.items()),
        sa.ForeignKeyConstraint(
            ["protocol_version"],
            ["protocol_version.version"],
            name=f"{TABLE}_protocol_version_fkey",
        ),
        sa.PrimaryKeyConstraint("id", name=f"{TABLE}_pkey"),
    )
    op.create_index(f"{TABLE}_rule_index", TABLE, ["rule", "id"])
    _protect()
    op.create_table(
        "overdue_search",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("after", sa.Uuid()),
        sa.CheckConstraint("id = 1", name="overdue_search_single"),
        sa.PrimaryKeyConstraint("id", name="overdue_search_pkey"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON overdue_search TO trial_app")
    op.execute("GRANT SELECT ON overdue_search TO trial_auditor")


def _protect() -> None:
    """Seen by few, audited, never rewritten; no lock of the data stops it."""
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {TABLE}_select ON {TABLE} FOR SELECT USING ({READERS})")
    op.execute(f"CREATE POLICY {TABLE}_insert ON {TABLE} FOR INSERT WITH CHECK ({WRITER})")
    op.execute(f"CREATE POLICY {TABLE}_update ON {TABLE} FOR UPDATE USING (false)")
    op.execute(f"CREATE POLICY {TABLE}_delete ON {TABLE} FOR DELETE USING (false)")
    # Whoever verifies the trail compares every row with it, and is no role of the trial.
    op.execute(f"CREATE POLICY {TABLE}_verify ON {TABLE} FOR SELECT TO trial_auditor USING (true)")
    op.execute(
        f"CREATE TRIGGER {TABLE}_audit AFTER INSERT OR UPDATE OR DELETE ON {TABLE}"
        " FOR EACH ROW EXECUTE FUNCTION record_audit_event()"
    )
    op.execute(
        f"CREATE TRIGGER {TABLE}_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(f"GRANT SELECT, INSERT ON {TABLE} TO trial_app")
    op.execute(f"GRANT SELECT ON {TABLE} TO trial_auditor")


def downgrade() -> None:
    guard()
    op.drop_table("overdue_search")
    op.drop_table(TABLE)

"""Errors made in randomization, recorded beside the allocations that stand."""

import sqlalchemy as sa
from alembic import op

from services.api.migrations.guard import guard

revision = "corrections"
down_revision = "sealed_design"
branch_labels = None
depends_on = None

TABLE = "randomization_correction"
OWN_SITE = "site = ANY ((SELECT caller_sites())::text[])"
CHECKS = {
    "kind_known": "kind IN ('wrong_stratum', 'ineligible', 'duplicate')",
    "stratum_of_kind": "(kind = 'wrong_stratum') = (stratum IS NOT NULL)",
    "criteria_of_kind": "(kind = 'ineligible') = (criteria IS NOT NULL)",
    "criteria_named": "cardinality(criteria) > 0 AND array_position(criteria, NULL) IS NULL",
    "pair_of_kind": "(kind = 'duplicate') = (pair IS NOT NULL) AND (pair IS NULL) = (retained IS NULL)",
}


def upgrade() -> None:
    guard()
    op.create_table(
        TABLE,
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("discovered_on", sa.Date(), nullable=False),
        sa.Column("stratum", sa.Text()),
        sa.Column("criteria", sa.ARRAY(sa.String())),
        sa.Column("pair", sa.Uuid()),
        sa.Column("retained", sa.Boolean()),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        *(sa.CheckConstraint(rule, name=f"{TABLE}_{name}") for name, rule in CHECKS.items()),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name=f"{TABLE}_site_subject_id_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["allocation.subject_id"], name=f"{TABLE}_of_allocation"
        ),
        sa.ForeignKeyConstraint(
            ["site", "stratum"], ["stratum.site", "stratum.code"], name=f"{TABLE}_site_stratum_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["protocol_version"],
            ["protocol_version.version"],
            name=f"{TABLE}_protocol_version_fkey",
        ),
        sa.PrimaryKeyConstraint("id", name=f"{TABLE}_pkey"),
        sa.UniqueConstraint("pair", "retained", name=f"{TABLE}_one_retained"),
    )
    op.create_index(f"{TABLE}_subject_index", TABLE, ["site", "subject_id"])
    _protect()


def _protect() -> None:
    """As every clinical table: isolated by site, audited, and never rewritten."""
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {TABLE}_select ON {TABLE} FOR SELECT USING ({OWN_SITE})")
    op.execute(f"CREATE POLICY {TABLE}_insert ON {TABLE} FOR INSERT WITH CHECK ({OWN_SITE})")
    op.execute(
        f"CREATE POLICY {TABLE}_update ON {TABLE} FOR UPDATE"
        f" USING ({OWN_SITE}) WITH CHECK ({OWN_SITE})"
    )
    op.execute(f"CREATE POLICY {TABLE}_delete ON {TABLE} FOR DELETE USING (false)")
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
    op.drop_table(TABLE)

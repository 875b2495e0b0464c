"""Signatures on gradings and adverse events, and the signer's role on every signature."""

import sqlalchemy as sa
from alembic import op

from services.api.migrations.guard import guard

revision = "signatures"
down_revision = "audit"
branch_labels = None
depends_on = None

SIGNED = {
    "grading": "'I confirm the grading'",
    "adverse_event": "'I have reviewed the adverse event'",
}
"""The records that are signed from now on, and what is stated of them."""

ELIGIBILITY = "'I confirm eligibility', 'I confirm ineligibility'"
OWN_SITE = "site = ANY ((SELECT caller_sites())::text[])"
EVERY_SITE = "SELECT set_config('trial.sites', (SELECT string_agg(code, ',') FROM site), true)"
WHY = "SELECT set_config('trial.reason', 'A signature now tells the role of its signer', true)"


def upgrade() -> None:
    guard()
    for record, meaning in SIGNED.items():
        op.create_unique_constraint(
            f"{record}_site_subject_id_id_version_unique",
            record,
            ["site", "subject_id", "id", "version"],
        )
        _create(record, meaning)
        _protect(f"{record}_signature")
    _tell_roles()
    for name, rule in _checks("eligibility", ELIGIBILITY).items():
        op.create_check_constraint(name, "eligibility_signature", rule)
    _rename(
        "eligibility_signature_site_subject_id_version_fkey", "eligibility_signature_of_version"
    )


def _create(record: str, meaning: str) -> None:
    op.create_table(
        f"{record}_signature",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(f"{record}_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=False),
        sa.Column("signer_role", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.CheckConstraint(rule, name=name) for name, rule in _checks(record, meaning).items()),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name=f"{record}_signature_site_subject_id_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["site", "subject_id", f"{record}_id", "version"],
            [f"{record}.{column}" for column in ("site", "subject_id", "id", "version")],
            name=f"{record}_signature_of_version",
        ),
        sa.PrimaryKeyConstraint("id", name=f"{record}_signature_pkey"),
        sa.UniqueConstraint(f"{record}_id", "version", name=f"{record}_signed_once"),
    )


def _checks(record: str, meanings: str) -> dict[str, str]:
    return {
        f"{record}_signature_meaning_known": f"meaning IN ({meanings})",
        f"{record}_signed_by_person": "signer_role <> 'hospital_system'",
    }


def _protect(table: str) -> None:
    """As every clinical table: isolated by site, audited, and never rewritten."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {table}_select ON {table} FOR SELECT USING ({OWN_SITE})")
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


def _tell_roles() -> None:
    """Only investigators could sign until now; the trail tells of the change."""
    op.add_column("eligibility_signature", sa.Column("signer_role", sa.Text()))
    op.execute("ALTER TABLE eligibility_signature DISABLE TRIGGER eligibility_signature_fixed")
    op.execute(EVERY_SITE)
    op.execute(WHY)
    op.execute("UPDATE eligibility_signature SET signer_role = 'investigator'")
    op.execute("SELECT set_config('trial.sites', '', true), set_config('trial.reason', '', true)")
    op.execute("ALTER TABLE eligibility_signature ENABLE TRIGGER eligibility_signature_fixed")
    op.alter_column("eligibility_signature", "signer_role", nullable=False)


def _rename(old: str, new: str) -> None:
    op.execute(f"ALTER TABLE eligibility_signature RENAME CONSTRAINT {old} TO {new}")


def downgrade() -> None:
    guard()
    _rename(
        "eligibility_signature_of_version", "eligibility_signature_site_subject_id_version_fkey"
    )
    for name in _checks("eligibility", ELIGIBILITY):
        op.drop_constraint(name, "eligibility_signature", type_="check")
    op.drop_column("eligibility_signature", "signer_role")
    for record in SIGNED:
        op.drop_table(f"{record}_signature")
        op.drop_constraint(f"{record}_site_subject_id_id_version_unique", record, type_="unique")

"""Assessors grade without knowing the arm: what PostgreSQL shows them of an allocation lacks it."""

from alembic import op

from services.api.migrations.guard import guard

revision = "blinding"
down_revision = "signatures"
branch_labels = None
depends_on = None

OWN_SITE = "site = ANY ((SELECT caller_sites())::text[])"
# Sub-select: the planner evaluates it once per statement, not once per row.
BLINDED = "((SELECT current_setting('trial.role', true)) = 'assessor')"
SHOWN = (
    "id, site, subject_id, recorded_by, recorded_at, stratum, randomization_number,"
    " randomized_at, evaluation_version, protocol_version"
)
OWN_ANSWER = "caller::text = current_setting('trial.sub', true)"


def upgrade() -> None:
    guard()
    op.execute(
        f"ALTER POLICY allocation_select ON allocation USING ({OWN_SITE} AND {BLINDED} IS NOT TRUE)"
    )
    # A view reads as its owner, so only through the view does this policy show a row.
    op.execute(
        "CREATE POLICY allocation_blinded ON allocation FOR SELECT TO trial_owner"
        f" USING ({OWN_SITE})"
    )
    op.execute(
        f"CREATE VIEW blinded_allocation WITH (security_barrier) AS SELECT {SHOWN} FROM allocation"
    )
    op.execute("GRANT SELECT ON blinded_allocation TO trial_app")
    # The answers that are kept for ever are those to a randomization, and they name the arm: whoever
    # randomized in another role before grades without them now.
    op.execute(
        "ALTER POLICY answer_select ON idempotent_answer"
        f" USING ({OWN_ANSWER} AND ({BLINDED} IS NOT TRUE OR expires_at IS NOT NULL))"
    )


def downgrade() -> None:
    guard()
    op.execute(f"ALTER POLICY answer_select ON idempotent_answer USING ({OWN_ANSWER})")
    op.execute("DROP VIEW blinded_allocation")
    op.execute("DROP POLICY allocation_blinded ON allocation")
    op.execute(f"ALTER POLICY allocation_select ON allocation USING ({OWN_SITE})")

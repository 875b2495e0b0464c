"""Strata without a site, and stratification factors that a protocol names."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from services.api.migrations.guard import every_site, guard, refuse_to_drop

revision = "strata"
down_revision = "conduct"
branch_labels = None
depends_on = None

# A counter, for the caller sees only the allocations of their own sites.
COUNT_THE_DRAWN = """
UPDATE stratum SET drawn = last.seq, drawn_at = last.randomized_at
FROM (SELECT DISTINCT ON (stratum) stratum, seq, randomized_at
      FROM allocation ORDER BY stratum, seq DESC) AS last
WHERE stratum.code = last.stratum
"""

REFUSE = """
CREATE FUNCTION refuse_stratum_of_another_site() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM public.stratum WHERE code = NEW.stratum AND site <> NEW.site) THEN
        RAISE EXCEPTION 'the stratum is another site''s'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$
"""
OF_STRATA = ("allocation", "randomization_correction")

NEW = """
SELECT 1 WHERE EXISTS (SELECT FROM stratum WHERE site IS NULL)
    OR EXISTS (SELECT FROM radiotherapy WHERE stratification IS NOT NULL)
    OR EXISTS (SELECT FROM grading WHERE derived_who IS NULL OR derived_rtog IS NULL)
"""


def upgrade() -> None:
    guard()
    _count()
    _loosen()
    op.add_column("radiotherapy", sa.Column("stratification", JSONB()))
    for name in ("derived_who", "derived_rtog"):
        op.alter_column("grading", name, nullable=True)


def _count() -> None:
    """A number that is taken and locked at once; a service of before must not draw past it."""
    op.add_column("stratum", sa.Column("drawn", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("stratum", sa.Column("drawn_at", sa.DateTime(timezone=True)))
    with every_site():
        op.execute(COUNT_THE_DRAWN)
    op.alter_column("stratum", "drawn", server_default=None)
    op.create_check_constraint(
        "stratum_draws_have_a_time", "stratum", "drawn >= 0 AND (drawn = 0) = (drawn_at IS NULL)"
    )
    op.execute("REVOKE UPDATE (levels) ON stratum FROM trial_app")
    op.execute("GRANT UPDATE (drawn, drawn_at) ON stratum TO trial_app")


def _loosen() -> None:
    """A stratum without a site takes the subjects of every site, a site's only its own."""
    op.alter_column("stratum", "site", nullable=True)
    for table in OF_STRATA:
        op.drop_constraint(f"{table}_site_stratum_fkey", table)
    op.drop_constraint("stratum_site_code_unique", "stratum")
    op.create_foreign_key(
        "randomization_correction_stratum_fkey",
        "randomization_correction",
        "stratum",
        ["stratum"],
        ["code"],
    )
    op.execute(REFUSE)
    op.execute("REVOKE ALL ON FUNCTION refuse_stratum_of_another_site() FROM PUBLIC")
    for table in OF_STRATA:
        op.execute(
            f"CREATE TRIGGER {table}_at_its_site AFTER INSERT ON {table} FOR EACH ROW"
            " WHEN (NEW.stratum IS NOT NULL) EXECUTE FUNCTION refuse_stratum_of_another_site()"
        )


def downgrade() -> None:
    guard()
    # The first trial has none of it.
    refuse_to_drop(
        NEW,
        "strata without a site, stratification factors or fewer grading scales",
        revision,
    )
    for name in ("derived_who", "derived_rtog"):
        op.alter_column("grading", name, nullable=False)
    op.drop_column("radiotherapy", "stratification")
    for table in OF_STRATA:
        op.execute(f"DROP TRIGGER {table}_at_its_site ON {table}")
    op.execute("DROP FUNCTION refuse_stratum_of_another_site()")
    op.drop_constraint("randomization_correction_stratum_fkey", "randomization_correction")
    op.alter_column("stratum", "site", nullable=False)
    op.create_unique_constraint("stratum_site_code_unique", "stratum", ["site", "code"])
    for table in OF_STRATA:
        op.create_foreign_key(
            f"{table}_site_stratum_fkey", table, "stratum", ["site", "stratum"], ["site", "code"]
        )
    op.execute("REVOKE UPDATE (drawn, drawn_at) ON stratum FROM trial_app")
    op.execute("GRANT UPDATE (levels) ON stratum TO trial_app")
    op.drop_constraint("stratum_draws_have_a_time", "stratum")
    op.drop_column("stratum", "drawn_at")
    op.drop_column("stratum", "drawn")

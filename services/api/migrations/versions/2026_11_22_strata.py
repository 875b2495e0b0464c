"""Strata without a site, and stratification factors that a protocol names."""

from services.api.migrations.guard import guard

revision = "strata"
down_revision = "conduct"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guard()


def downgrade() -> None:
    guard()

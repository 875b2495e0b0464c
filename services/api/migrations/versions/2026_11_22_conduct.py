"""Interruptions, study-drug exposure, discontinuation, and the day a subject left."""

from services.api.migrations.guard import guard

revision = "conduct"
down_revision = "assessment"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guard()


def downgrade() -> None:
    guard()

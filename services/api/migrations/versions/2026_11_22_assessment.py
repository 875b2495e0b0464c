"""Assessors' certificates, and adjudication of differing gradings."""

from services.api.migrations.guard import guard

revision = "assessment"
down_revision = "data_review"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guard()


def downgrade() -> None:
    guard()

"""Data queries, source data verification, freezing and locking."""

from services.api.migrations.guard import guard

revision = "data_review"
down_revision = "graded_visits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guard()


def downgrade() -> None:
    guard()

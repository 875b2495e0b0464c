"""When a data query was raised, in the trial's time: its age is counted in the trial's days.

Rows of before have none, and nothing is filled in: the trail tells them as they are.
"""

import sqlalchemy as sa
from alembic import op

from services.api.migrations.guard import guard, refuse_to_drop

revision = "raised"
down_revision = "scenarios"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guard()
    op.add_column("data_query", sa.Column("raised_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    guard()
    refuse_to_drop(
        "SELECT 1 FROM data_query WHERE raised_at IS NOT NULL", "data queries with a time", revision
    )
    op.drop_column("data_query", "raised_at")

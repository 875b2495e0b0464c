"""When a data query was raised, in the trial's time: its age is counted in the trial's days.

Rows of before have none, and nothing is filled in: the trail tells them as they are.
"""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

from services.api.migrations.guard import guard

revision = "raised"
down_revision = "scenarios"
branch_labels = None
depends_on = None

EVERY_SITE = (
    "SELECT set_config('trial.sites', coalesce((SELECT string_agg(code, ',') FROM site), ''), true)"
)
NO_SITE = "SELECT set_config('trial.sites', '', true)"


def upgrade() -> None:
    guard()
    op.add_column("data_query", sa.Column("raised_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    guard()
    # A dropped value would be missing from rows that the trail tells whole.
    op.execute(EVERY_SITE)
    found = op.get_bind().exec_driver_sql("SELECT 1 FROM data_query WHERE raised_at IS NOT NULL")
    op.execute(NO_SITE)
    if found.first():
        raise CommandError(
            "the trial has data queries raised since the revision raised, which the one before"
            " cannot hold: keep this version for it"
        )
    op.drop_column("data_query", "raised_at")

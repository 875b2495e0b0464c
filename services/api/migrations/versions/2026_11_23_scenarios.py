"""What a sandbox plays: its scenario, the seed, and where clinical time stood when it was ready."""

import sqlalchemy as sa
from alembic import op

from services.api.migrations.guard import guard

revision = "scenarios"
down_revision = "stopping"
branch_labels = None
depends_on = None

TABLE = "sandbox_clock"


def upgrade() -> None:
    guard()
    op.add_column(TABLE, sa.Column("scenario", sa.Text(), nullable=False, server_default="empty"))
    op.add_column(TABLE, sa.Column("seed", sa.BigInteger(), nullable=False, server_default="1"))
    for name in ("scenario", "seed"):
        op.alter_column(TABLE, name, server_default=None)
    op.add_column(TABLE, sa.Column("stood_at", sa.DateTime(timezone=True)))
    # A scenario has days of its own, which real time leaves behind.
    op.drop_constraint("sandbox_clock_forward", TABLE)


def downgrade() -> None:
    guard()
    op.execute(f"UPDATE {TABLE} SET ahead = greatest(ahead, interval '0')")
    op.create_check_constraint("sandbox_clock_forward", TABLE, "ahead >= interval '0'")
    for name in ("stood_at", "seed", "scenario"):
        op.drop_column(TABLE, name)

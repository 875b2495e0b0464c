"""The commitment names its design and the commitments of both parties to the seed."""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql

from services.api.migrations.guard import guard

revision = "sealed_design"
down_revision = "blinding"
branch_labels = None
depends_on = None

NEW = ("design", "contributions")


def upgrade() -> None:
    guard()
    _refuse_published()
    for name in NEW:
        op.add_column(
            "randomization_commitment", sa.Column(name, postgresql.JSONB(), nullable=False)
        )


def downgrade() -> None:
    guard()
    _refuse_published()
    for name in NEW:
        op.drop_column("randomization_commitment", name)


def _refuse_published() -> None:
    # The lists of both sides are made by different algorithms from different secrets: a trial
    # that has published one cannot go on with the other.
    if op.get_bind().exec_driver_sql("SELECT 1 FROM randomization_commitment").first():
        raise CommandError(
            "a randomization list is published, and the revision sealed_design makes another kind:"
            " keep this version for that trial, or begin with an empty database"
        )

"""${message}."""

from alembic import op

from services.api.migrations.guard import guard

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    guard()
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    guard()
    ${downgrades if downgrades else "pass"}

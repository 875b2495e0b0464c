"""An approval may be renewed, and no statement of the service is logged with its parameters."""

from alembic import op

from services.api.migrations.guard import guard

revision = "renewals"
down_revision = "corrections"
branch_labels = None
depends_on = None

APPROVAL = ["site", "protocol_version", "consent_version"]
QUIET = ("log_parameter_max_length_on_error", "log_parameter_max_length")


def upgrade() -> None:
    guard(as_owner=False)
    _quiet("SET {} = 0")
    guard()
    _once([*APPROVAL, "approved_on"])


def downgrade() -> None:
    guard()
    _once(APPROVAL)
    op.execute("RESET ROLE")
    _quiet("RESET {}")


def _once(columns: list[str]) -> None:
    op.drop_constraint("site_activation_once", "site_activation")
    op.create_unique_constraint("site_activation_once", "site_activation", columns)


def _quiet(setting: str) -> None:
    # The arm is a parameter of the statement that allocates, also of one that is undone: logged, it
    # would tell the next. Only a superuser may set the second; readiness refuses a log that tells.
    for name in QUIET:
        op.execute(
            f"DO $$ BEGIN ALTER ROLE trial_app {setting.format(name)};"
            " EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
        )

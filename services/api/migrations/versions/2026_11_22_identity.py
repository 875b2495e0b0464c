"""Sessions, throttled sign-in, TOTP, and client keys; accounts can be changed, never removed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from services.api.migrations.guard import guard

revision = "identity"
down_revision = "protection"
branch_labels = None
depends_on = None

CHECKS = {
    "account_role_of_kind": "(kind = 'client') = (role = 'hospital_system')",
    "account_sites_of_role": "(role IN ('investigator', 'coordinator', 'assessor', 'monitor', 'hospital_system')) = (cardinality(sites) > 0)",
    "account_can_sign_in": "secret_hash IS NOT NULL OR (kind = 'client' AND jwks IS NOT NULL)",
    "account_jwks_of_client": "jwks IS NULL OR kind = 'client'",
    "account_totp_has_secret": "totp_confirmed_at IS NULL OR totp_secret IS NOT NULL",
    "account_version_from_one": "version >= 1",
}
CHANGEABLE = "name, role, sites, secret_hash, password_expires_at, totp_secret, totp_confirmed_at, totp_last_step, jwks, active, version"
"""What may change of an account: not its id, kind, user name and birth."""


def upgrade() -> None:
    guard()
    op.alter_column("account", "secret_hash", nullable=True)
    op.add_column("account", sa.Column("password_expires_at", sa.DateTime(timezone=True)))
    op.add_column("account", sa.Column("totp_secret", sa.LargeBinary()))
    op.add_column("account", sa.Column("totp_confirmed_at", sa.DateTime(timezone=True)))
    op.add_column("account", sa.Column("totp_last_step", sa.BigInteger()))
    op.add_column("account", sa.Column("jwks", JSONB()))
    op.add_column("account", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("account", "version", server_default=None)
    for name, rule in CHECKS.items():
        op.create_check_constraint(name, "account", rule)
    op.create_table(
        "account_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_because", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_because IS NULL)", name="account_session_end_has_cause"
        ),
        sa.CheckConstraint(
            "ended_because IN ('signed_out', 'token_reused', 'account_changed')",
            name="account_session_cause_known",
        ),
        sa.CheckConstraint("generation >= 0", name="account_session_generation_counts"),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name="account_session_account_fkey"),
        sa.PrimaryKeyConstraint("id", name="account_session_pkey"),
    )
    op.create_index("account_session_account_index", "account_session", ["account"])
    op.create_index("account_session_ended_index", "account_session", ["ended_at"])
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_key", sa.LargeBinary(), nullable=False),
        sa.Column("source_key", sa.LargeBinary(), nullable=False),
        sa.Column("address_key", sa.LargeBinary(), nullable=False),
        sa.Column("familiar", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="sign_in_attempt_pkey"),
    )
    op.create_index("sign_in_attempt_account_index", "sign_in_attempt", ["account_key", "at"])
    op.create_index("sign_in_attempt_address_index", "sign_in_attempt", ["address_key", "at"])
    op.create_index("sign_in_attempt_at_index", "sign_in_attempt", ["at"])
    op.create_table(
        "familiar_source",
        sa.Column("account_key", sa.LargeBinary(), nullable=False),
        sa.Column("source_key", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_key", "source_key", name="familiar_source_pkey"),
    )
    op.create_table(
        "used_assertion",
        sa.Column("client", sa.Uuid(), nullable=False),
        sa.Column("jti_digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["client"], ["account.id"], name="used_assertion_client_fkey"),
        sa.PrimaryKeyConstraint("client", "jti_digest", name="used_assertion_pkey"),
    )
    op.execute(f"GRANT UPDATE ({CHANGEABLE}) ON account TO trial_app")
    op.execute("GRANT SELECT, INSERT ON account_session TO trial_app")
    op.execute(
        "GRANT UPDATE (generation, refreshed_at, signed_at, ended_at, ended_because)"
        " ON account_session TO trial_app"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON familiar_source TO trial_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON sign_in_attempt, used_assertion TO trial_app")
    op.execute(
        "CREATE TRIGGER account_kept BEFORE DELETE OR TRUNCATE ON account"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER account_session_kept BEFORE DELETE OR TRUNCATE ON account_session"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    guard()
    op.execute("DROP TRIGGER account_kept ON account")
    op.execute(f"REVOKE UPDATE ({CHANGEABLE}) ON account FROM trial_app")
    op.execute("DROP TRIGGER account_session_kept ON account_session")
    for table in ("used_assertion", "familiar_source", "sign_in_attempt", "account_session"):
        op.drop_table(table)
    for name in CHECKS:
        op.drop_constraint(name, "account", type_="check")
    for column in (
        "version",
        "jwks",
        "totp_last_step",
        "totp_confirmed_at",
        "totp_secret",
        "password_expires_at",
    ):
        op.drop_column("account", column)
    # An account without a secret signed in by its key, which this schema knows nothing of.
    op.execute("UPDATE account SET secret_hash = '', active = false WHERE secret_hash IS NULL")
    op.alter_column("account", "secret_hash", nullable=False)

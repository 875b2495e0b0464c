"""The roles: an owner nobody logs in as, and the app that may neither define nor delete."""

from alembic import op

from services.api.migrations.guard import guard

revision = "roles"
down_revision = None
branch_labels = None
depends_on = None

ROLES = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trial_owner') THEN
        CREATE ROLE trial_owner NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trial_app') THEN
        CREATE ROLE trial_app NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
    EXECUTE format('GRANT trial_owner TO %I', current_user);
    EXECUTE format('GRANT CREATE ON DATABASE %I TO trial_owner', current_database());
END
$$
"""


def upgrade() -> None:
    guard(as_owner=False)
    # Two databases of one cluster may be migrated at once; roles belong to the cluster.
    op.execute("SELECT pg_advisory_xact_lock(hashtext('trial roles'))")
    op.execute(ROLES)
    op.execute("ALTER ROLE trial_app SET statement_timeout = '15s'")
    op.execute("ALTER ROLE trial_app SET lock_timeout = '5s'")
    op.execute("ALTER ROLE trial_app SET idle_in_transaction_session_timeout = '15s'")
    op.execute("ALTER SCHEMA public OWNER TO trial_owner")
    op.execute("ALTER TABLE alembic_version OWNER TO trial_owner")
    op.execute("SET LOCAL ROLE trial_owner")
    op.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    op.execute("GRANT USAGE ON SCHEMA public TO trial_app")
    op.execute("GRANT SELECT ON alembic_version TO trial_app")
    op.execute("RESET ROLE")


def downgrade() -> None:
    """Give the schema back; the roles stay, for other databases of the cluster may use them."""
    guard(as_owner=False)
    op.execute("ALTER SCHEMA public OWNER TO CURRENT_USER")
    op.execute("ALTER TABLE alembic_version OWNER TO CURRENT_USER")
    op.execute("REVOKE ALL ON alembic_version FROM trial_app")
    op.execute("REVOKE USAGE ON SCHEMA public FROM trial_app")

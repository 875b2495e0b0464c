"""The feed of events, webhooks and their deliveries, and the job queue."""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager

from services.api.migrations.guard import guard

revision = "events"
down_revision = "strata"
branch_labels = None
depends_on = None

TABLES = (
    "feed_event",
    "feed_reader",
    "postponed_event",
    "webhook",
    "webhook_secret",
    "webhook_delivery",
)
CALLED = "may_hear(uuid, text), publish_events(), feed_standing()"

ROLE = "(SELECT current_setting('trial.role', true))"
SUBJECT = "(SELECT current_setting('trial.sub', true))"
OWN_SITE = "(site IS NULL OR site = ANY ((SELECT caller_sites())::text[]))"

# From some events the arm follows, so an assessor tells them and reads none.
HEARD = (
    f"{ROLE} = 'worker' OR {ROLE} <> 'assessor' AND {OWN_SITE}"
    f" AND (audience IS NULL OR {ROLE} = ANY (audience))"
)
OWN_SITES = "sites::text[] <@ (SELECT caller_sites())::text[]"
OWN_WEBHOOK = f"{ROLE} IN ('admin', 'worker') OR owner::text = {SUBJECT} AND {OWN_SITES}"
NEW_WEBHOOK = (
    f"owner::text = {SUBJECT} AND (SELECT bool_and(may_hear(owner, one)) FROM unnest(sites) AS one)"
)
OF_OWN_WEBHOOK = f"{ROLE} = 'worker' OR EXISTS (SELECT FROM webhook w WHERE w.id = webhook_id)"

POLICIES = (
    f"feed_event_select ON feed_event FOR SELECT TO trial_app USING ({HEARD})",
    "feed_event_insert ON feed_event FOR INSERT TO trial_app"
    f" WITH CHECK (position IS NULL AND {OWN_SITE})",
    "feed_event_find ON feed_event FOR SELECT TO trial_owner USING (true)",
    "feed_event_publish ON feed_event FOR UPDATE TO trial_owner USING (true)",
    "feed_event_delete ON feed_event FOR DELETE USING (false)",
    f"webhook_select ON webhook FOR SELECT TO trial_app USING ({OWN_WEBHOOK})",
    "webhook_verify ON webhook FOR SELECT TO trial_auditor, trial_owner USING (true)",
    f"webhook_insert ON webhook FOR INSERT TO trial_app WITH CHECK ({NEW_WEBHOOK})",
    f"webhook_update ON webhook FOR UPDATE TO trial_app USING ({OWN_WEBHOOK})"
    f" WITH CHECK ({OWN_WEBHOOK})",
    "webhook_delete ON webhook FOR DELETE USING (false)",
    f"webhook_secret_select ON webhook_secret FOR SELECT TO trial_app USING ({OF_OWN_WEBHOOK})",
    f"webhook_secret_insert ON webhook_secret FOR INSERT TO trial_app WITH CHECK ({OF_OWN_WEBHOOK})",
    f"webhook_secret_update ON webhook_secret FOR UPDATE TO trial_app USING ({OF_OWN_WEBHOOK})",
    "webhook_secret_delete ON webhook_secret FOR DELETE USING (false)",
    f"webhook_delivery_select ON webhook_delivery FOR SELECT TO trial_app USING ({OF_OWN_WEBHOOK})",
    "webhook_delivery_insert ON webhook_delivery FOR INSERT TO trial_owner WITH CHECK (true)",
    f"webhook_delivery_update ON webhook_delivery FOR UPDATE TO trial_app USING ({OF_OWN_WEBHOOK})",
    "webhook_delivery_delete ON webhook_delivery FOR DELETE USING (false)",
)

# Whose webhooks hear of a site (null: of the whole trial). It names who may, so that whoever is
# moved, demoted, deactivated or unknown may not.
MAY_HEAR = """
CREATE FUNCTION may_hear(owner uuid, site text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM public.account a WHERE a.id = may_hear.owner AND a.active
        AND (a.role = 'admin' OR a.role = 'hospital_system'
             AND (may_hear.site IS NULL OR may_hear.site = ANY (a.sites))))
$$
"""

# Positions are given under one lock, so what is committed later always comes after: a reader
# who has seen a position has seen every one before it. Each statement sees what the holder of
# the lock before committed. Deliveries are made here, so that none is forgotten or made twice.
PUBLISH = """
CREATE FUNCTION publish_events() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last bigint;
    published integer;
BEGIN
    IF NOT EXISTS (SELECT FROM public.feed_event WHERE position IS NULL) THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('trial events', 0));
    SELECT coalesce(max(position), 0) INTO last FROM public.feed_event;
    WITH waiting AS (
        SELECT seq, row_number() OVER (ORDER BY seq) AS place
        FROM (SELECT seq FROM public.feed_event WHERE position IS NULL ORDER BY seq LIMIT 5000) AS first
    )
    UPDATE public.feed_event e SET position = last + waiting.place
    FROM waiting WHERE e.seq = waiting.seq;
    GET DIAGNOSTICS published = ROW_COUNT;
    INSERT INTO public.webhook_delivery (webhook_id, event_id, lane, position, state, attempts, due_at)
    SELECT w.id, e.id, coalesce(e.subject_id, '00000000-0000-0000-0000-000000000000'), e.position,
           'pending', 0, clock_timestamp()
    FROM public.feed_event e JOIN public.webhook w
      ON w.active AND (w.types IS NULL OR e.type = ANY (w.types))
     AND (e.site IS NULL OR e.site = ANY (w.sites))
    WHERE e.position > last AND e.audience IS NULL AND public.may_hear(w.owner, e.site);
    RETURN published;
END
$$
"""

# What anyone who asks whether the service is well may know: no event, only how late they are.
STANDING = """
CREATE FUNCTION feed_standing(OUT waiting_since timestamptz, OUT postponed bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT least(
        (SELECT at FROM public.feed_event WHERE position IS NULL ORDER BY seq LIMIT 1),
        (SELECT at FROM public.feed_event WHERE position > (SELECT min(position) FROM public.feed_reader)
         ORDER BY position LIMIT 1)
    ), (SELECT count(*) FROM public.postponed_event)
$$
"""

REFUSE_REWRITING = """
CREATE FUNCTION refuse_rewriting() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF OLD.position IS NOT NULL OR to_jsonb(OLD) - 'position' <> to_jsonb(NEW) - 'position' THEN
        RAISE EXCEPTION 'UPDATE of % is refused: an event is given its position, once',
            TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    guard()
    _add_feed()
    _add_webhooks()
    for statement in (MAY_HEAR, PUBLISH, STANDING, REFUSE_REWRITING):
        op.execute(statement)
    op.execute(f"REVOKE ALL ON FUNCTION {CALLED}, refuse_rewriting() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {CALLED} TO trial_app")
    _protect()
    _add_jobs()


def _add_feed() -> None:
    op.create_table(
        "feed_event",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger()),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("site", sa.Text()),
        sa.Column("subject_id", sa.Uuid()),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("once", sa.Text()),
        sa.Column("audience", sa.ARRAY(sa.String())),
        sa.PrimaryKeyConstraint("seq", name="feed_event_pkey"),
        sa.CheckConstraint("subject_id IS NULL OR site IS NOT NULL", name="feed_event_at_its_site"),
    )
    for column in ("id", "once", "position"):
        op.create_index(f"feed_event_{column}_index", "feed_event", [column], unique=True)
    op.create_index("feed_event_site_index", "feed_event", ["site", "position"])
    op.create_index("feed_event_type_index", "feed_event", ["site", "type", "position"])
    op.create_index(
        "feed_event_unpublished_index",
        "feed_event",
        ["seq"],
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_table(
        "feed_reader",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="feed_reader_pkey"),
        sa.CheckConstraint("position >= 0", name="feed_reader_position_from_zero"),
    )
    op.execute("INSERT INTO feed_reader (name, position) VALUES ('consequences', 0)")
    op.create_table(
        "postponed_event",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="postponed_event_pkey"),
        sa.ForeignKeyConstraint(
            ["event_id"], ["feed_event.id"], name="postponed_event_event_id_fkey"
        ),
        sa.CheckConstraint("attempts >= 1", name="postponed_event_was_tried"),
    )
    op.create_index("postponed_event_due_index", "postponed_event", ["due_at"])


def _add_webhooks() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sites", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("types", sa.ARRAY(sa.String())),
        sa.Column("description", sa.Text()),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="webhook_pkey"),
        sa.CheckConstraint("cardinality(sites) > 0", name="webhook_of_sites"),
        sa.CheckConstraint("types IS NULL OR cardinality(types) > 0", name="webhook_of_types"),
        sa.CheckConstraint("ended_at IS NULL OR NOT active", name="webhook_ended_is_inactive"),
        sa.CheckConstraint("NOT (gone AND active)", name="webhook_gone_is_inactive"),
        sa.CheckConstraint("version >= 1", name="webhook_version_from_one"),
    )
    op.create_table(
        "webhook_secret",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("signs_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="webhook_secret_pkey"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name="webhook_secret_webhook_id_fkey"
        ),
    )
    op.create_index(
        "webhook_secret_current_index",
        "webhook_secret",
        ["webhook_id"],
        unique=True,
        postgresql_where=sa.text("signs_until IS NULL"),
    )
    op.create_index("webhook_secret_webhook_index", "webhook_secret", ["webhook_id"])
    op.create_table(
        "webhook_delivery",
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("lane", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True)),
        sa.Column("status", sa.Integer()),
        sa.Column("fault", sa.Text()),
        sa.PrimaryKeyConstraint("webhook_id", "event_id", name="webhook_delivery_pkey"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name="webhook_delivery_webhook_id_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["feed_event.id"], name="webhook_delivery_event_id_fkey"
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'dead')", name="webhook_delivery_state_known"
        ),
        sa.CheckConstraint(
            "state <> 'delivered' OR attempted_at IS NOT NULL", name="webhook_delivery_was_tried"
        ),
        sa.CheckConstraint("attempts >= 0", name="webhook_delivery_attempts_from_zero"),
    )
    op.create_index(
        "webhook_delivery_lane_index",
        "webhook_delivery",
        ["webhook_id", "lane", "position"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "webhook_delivery_state_index", "webhook_delivery", ["webhook_id", "state", "event_id"]
    )


def _protect() -> None:
    for table in ("feed_event", "webhook", "webhook_secret", "webhook_delivery"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER feed_event_written BEFORE UPDATE ON feed_event"
        " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
    )
    op.execute(
        "CREATE TRIGGER webhook_audit AFTER INSERT OR UPDATE OR DELETE ON webhook"
        " FOR EACH ROW EXECUTE FUNCTION record_audit_event()"
    )
    for policy in POLICIES:
        op.execute(f"CREATE POLICY {policy}")
    op.execute("GRANT SELECT, INSERT ON feed_event TO trial_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON webhook, webhook_secret TO trial_app")
    op.execute("GRANT SELECT, UPDATE ON webhook_delivery, feed_reader TO trial_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON postponed_event TO trial_app")
    op.execute("GRANT SELECT ON webhook TO trial_auditor")


def _add_jobs() -> None:
    """The queue's own schema, as the package of the locked version has it."""
    # By who migrates: a restored database may have lost its owner role's right to create.
    op.execute("RESET ROLE")
    op.execute("CREATE SCHEMA jobs AUTHORIZATION trial_owner")
    op.execute("SET LOCAL ROLE trial_owner")
    op.execute("SET LOCAL search_path = jobs")
    raw = op.get_bind().connection.driver_connection
    if raw is None:
        raise RuntimeError("the connection is closed")
    raw.execute(SchemaManager.get_schema())  # many statements, and signs that SQLAlchemy would read
    op.execute("SET LOCAL search_path = public")
    op.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA jobs FROM PUBLIC")
    op.execute("GRANT USAGE ON SCHEMA jobs TO trial_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO trial_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO trial_app")
    op.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA jobs TO trial_app")


def downgrade() -> None:
    guard()
    op.execute("DROP SCHEMA jobs CASCADE")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute(f"DROP FUNCTION {CALLED}, refuse_rewriting()")

"""A visit that was graded was not missed."""

from alembic import op

from services.api.migrations.guard import guard

revision = "graded_visits"
down_revision = "renewals"
branch_labels = None
depends_on = None


REFUSE = """
CREATE FUNCTION refuse_missed_when_graded() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM public.grading WHERE site = NEW.site AND subject_id = NEW.subject_id
               AND visit = NEW.code) THEN
        RAISE EXCEPTION 'the visit has gradings'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'visit_has_gradings';
    END IF;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    guard()
    op.execute(REFUSE)
    op.execute("REVOKE ALL ON FUNCTION refuse_missed_when_graded() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER visit_graded AFTER INSERT ON visit FOR EACH ROW"
        " WHEN (NEW.visited_on IS NULL) EXECUTE FUNCTION refuse_missed_when_graded()"
    )


def downgrade() -> None:
    guard()
    op.execute("DROP TRIGGER visit_graded ON visit")
    op.execute("DROP FUNCTION refuse_missed_when_graded()")

"""Which lanes have something to deliver now: each gets one job, and no receiver gets them all.

The deliveries are the truth and jobs only wake a worker up: whatever becomes of
a job, the next look at the deliveries makes another. So nothing depends on the
worker that was killed, and what it was doing is simply forgotten.
"""

from sqlalchemy import text

from services.api.worker.workshop import Workshop

DELIVER = "deliver"
QUEUE = "work"

HEARTBEAT_SECONDS = 1.0
LOST_SECONDS = 5.0
"""A worker that was not heard of for so long is taken for dead, and its jobs for lost."""

LANES_AT_ONCE = 4
"""Jobs of one receiver at once; one only while it fails, so that stalled ones hold few workers."""

_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('trial deliveries', 0))")
_PATH = text("SET LOCAL search_path = jobs, public")
_FORGET = text(
    "DELETE FROM procrastinate_jobs j WHERE status = 'doing' AND NOT EXISTS ("
    " SELECT FROM procrastinate_workers w WHERE w.id = j.worker_id"
    " AND w.last_heartbeat > now() - make_interval(secs => :seconds))"
)
# The first delivery of each lane, found by leaping from lane to lane in the index, however many
# wait behind it.
DEFER = text(
    """
    WITH RECURSIVE head AS (
        (SELECT webhook_id, lane, attempts, due_at FROM webhook_delivery
         WHERE state = 'pending' ORDER BY webhook_id, lane, position LIMIT 1)
        UNION ALL
        SELECT following.* FROM head h, LATERAL (
            SELECT webhook_id, lane, attempts, due_at FROM webhook_delivery d
            WHERE state = 'pending' AND (d.webhook_id, d.lane) > (h.webhook_id, h.lane)
            ORDER BY webhook_id, lane, position LIMIT 1
        ) AS following
    ), lane AS (
        SELECT h.webhook_id, h.lane, h.due_at, j.id AS job,
               CASE WHEN bool_or(h.attempts > 0) OVER (PARTITION BY h.webhook_id)
                    THEN 1 ELSE :lanes END AS most
        FROM head h JOIN webhook w ON w.id = h.webhook_id AND w.active
        LEFT JOIN procrastinate_jobs j
          ON j.lock = h.webhook_id || ':' || h.lane AND j.status IN ('todo', 'doing')
    ), turn AS (
        SELECT *, row_number() OVER (
            PARTITION BY webhook_id ORDER BY job IS NULL, due_at, lane) AS place
        FROM lane WHERE job IS NOT NULL OR due_at <= clock_timestamp()
    ), chosen AS (
        SELECT webhook_id, lane, webhook_id || ':' || lane AS name FROM turn
        WHERE job IS NULL AND place <= most LIMIT 500
    )
    SELECT cardinality(procrastinate_defer_jobs_v1(array_agg(ROW(
        :queue, :task, 0, name, name,
        jsonb_build_object('webhook_id', webhook_id, 'lane', lane), NULL
    )::procrastinate_job_to_defer_v1))) FROM chosen HAVING count(*) > 0
    """
)


def dispatch(shop: Workshop) -> int:
    """Forget lost jobs, and give each lane that is due one; how many that were."""
    with shop.transaction() as session:
        if not session.execute(_ALONE).scalar_one():  # another worker does it
            return 0
        session.execute(_PATH)
        session.execute(_FORGET, {"seconds": LOST_SECONDS})
        given = {"lanes": LANES_AT_ONCE, "queue": QUEUE, "task": DELIVER}
        return int(session.execute(DEFER, given).scalar() or 0)

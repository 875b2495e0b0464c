"""Which lanes get a job: each due one once, a failing receiver one at a time."""

from collections import Counter
from uuid import UUID, uuid4

from sqlalchemy import text

from services.api.events import service as events
from services.api.worker.lanes import DEFER, DELIVER, LANES_AT_ONCE, QUEUE, dispatch
from tests.make import Api, Json
from tests.webhooks.telling import hook, shop_of, told

NOWHERE = "http://127.0.0.1:9/hook"


def waiting(api: Api, lanes: int, number: int = 1) -> Json:
    """A webhook with so many lanes, each with so many deliveries."""
    made = hook(api, NOWHERE)
    for _ in range(lanes):
        told(api.state.database, uuid4(), number)
    with shop_of(api).transaction() as session:
        events.publish(session)
    return made


def jobs(api: Api) -> list[tuple[str, str]]:
    rows = api.rows("SELECT lock, status::text FROM jobs.procrastinate_jobs ORDER BY id")
    return [(row[0], row[1]) for row in rows]


def started(api: Api, worker: str = "NULL") -> None:
    """Have a worker, or one that is unknown by now, take every job."""
    with shop_of(api).transaction() as session:
        session.execute(text("SET LOCAL search_path = jobs"))
        session.execute(
            text(f"UPDATE procrastinate_jobs SET status = 'doing', worker_id = {worker}")
        )


def alive(api: Api, since: str = "0 s") -> str:
    ((worker,),) = api.rows(
        "INSERT INTO jobs.procrastinate_workers (last_heartbeat)"
        f" VALUES (now() - interval '{since}') RETURNING id"
    )
    return str(worker)


def test_a_lane_has_one_job_however_much_waits_in_it(api: Api) -> None:
    made = waiting(api, lanes=2, number=3)
    assert dispatch(shop_of(api)) == 2
    assert dispatch(shop_of(api)) == 0
    assert len({lock for lock, _ in jobs(api)}) == 2
    assert all(lock.startswith(made["id"]) for lock, _ in jobs(api))
    started(api, alive(api))
    assert dispatch(shop_of(api)) == 0


def test_no_receiver_has_more_jobs_than_its_share(api: Api) -> None:
    first, second = waiting(api, lanes=9), waiting(api, lanes=2)
    dispatch(shop_of(api))
    dispatch(shop_of(api))
    counted = Counter(lock.partition(":")[0] for lock, _ in jobs(api))
    # the second one's events go to the first, too, for it was there already
    assert counted == {first["id"]: LANES_AT_ONCE, second["id"]: 2}


def test_a_receiver_that_fails_is_tried_one_lane_at_a_time(api: Api) -> None:
    waiting(api, lanes=9)
    api.rows("UPDATE webhook_delivery SET attempts = 1 WHERE position = 1")
    assert dispatch(shop_of(api)) == 1


def test_a_lane_waits_for_its_pause_and_for_its_webhook(api: Api) -> None:
    waiting(api, lanes=1)
    api.rows("UPDATE webhook_delivery SET due_at = now() + interval '1 h'")
    assert dispatch(shop_of(api)) == 0
    api.rows("UPDATE webhook_delivery SET due_at = now()")
    api.rows("UPDATE webhook SET active = false")
    assert dispatch(shop_of(api)) == 0
    api.rows("UPDATE webhook SET active = true")
    assert dispatch(shop_of(api)) == 1


def test_the_job_of_a_worker_that_is_not_heard_of_is_made_again(api: Api) -> None:
    waiting(api, lanes=1)
    dispatch(shop_of(api))
    started(api, alive(api, "4 s"))
    assert dispatch(shop_of(api)) == 0
    started(api, alive(api, "6 s"))
    assert dispatch(shop_of(api)) == 1
    assert [state for _, state in jobs(api)] == ["todo"]
    started(api)  # its worker has signed off
    assert dispatch(shop_of(api)) == 1


def test_what_was_delivered_or_is_dead_needs_no_job(api: Api) -> None:
    waiting(api, lanes=2)
    api.rows(
        "UPDATE webhook_delivery SET attempted_at = now(), state ="
        " CASE position WHEN 1 THEN 'delivered' ELSE 'dead' END"
    )
    assert dispatch(shop_of(api)) == 0


def test_the_next_lane_is_found_by_the_index_however_many_deliveries_wait(api: Api) -> None:
    made = waiting(api, lanes=1)
    api.rows(
        "INSERT INTO feed_event (id, position, type, at, site, subject_id, record, record_id)"
        " SELECT gen_random_uuid(), 10 + n, 'visit.recorded', now(), 'NN', :subject, 'visit', 'x'"
        " FROM generate_series(1, 20000) AS n",
        subject=UUID(int=9),
    )
    api.rows(
        "INSERT INTO webhook_delivery (webhook_id, event_id, lane, position, state, attempts,"
        " due_at) SELECT CAST(:webhook AS uuid), id, subject_id, position, 'pending', 0, now()"
        " FROM feed_event WHERE position > 10",
        webhook=made["id"],
    )
    api.rows("ANALYZE webhook_delivery")
    with shop_of(api).transaction() as session:
        session.execute(text("SET LOCAL search_path = jobs, public"))
        given = {"lanes": LANES_AT_ONCE, "queue": QUEUE, "task": DELIVER}
        plan = "\n".join(session.execute(text(f"EXPLAIN {DEFER}"), given).scalars())
    assert "webhook_delivery_lane_index" in plan
    assert "Seq Scan on webhook_delivery" not in plan
    assert dispatch(shop_of(api)) == 2

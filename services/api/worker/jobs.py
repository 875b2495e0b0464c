"""The jobs: procrastinate runs them, from a schema of its own in the trial's database."""

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import structlog
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker as Procrastinate

from services.api.settings import Settings
from services.api.webhooks import delivery
from services.api.webhooks.sending import Answer, connections, send
from services.api.worker.consequences import OVERDUE, REMINDERS, Sweep
from services.api.worker.lanes import DELIVER, HEARTBEAT_SECONDS, LOST_SECONDS, QUEUE
from services.api.worker.workshop import Workshop

log = structlog.get_logger()

AT_ONCE = 16
"""Jobs of one worker at once: they wait for receivers, not for the processor."""
LANE_SECONDS = 20.0
"""How long one job goes on with its lane before others have their turn."""
MOST_CALLS = 50
"""Of one sweep in a row, so that others have their turn."""
STOP_SECONDS = 12.0
"""How long jobs may take to end when the worker is asked to: a little more than one attempt."""

# They log tracebacks and addresses of the database, whose text may repeat clinical data or a
# password: see `telling` for what is logged instead.
for _name in ("procrastinate", "psycopg.pool"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False

Job = Callable[..., Awaitable[None]]


def telling(job: Job) -> Job:
    """Run a job, and log the kind of what it raises; whatever it did not do comes again."""

    @functools.wraps(job)
    async def told(context: JobContext, *_: object, **given: Any) -> None:
        shop: Workshop = context.additional_context["shop"]
        try:
            await job(shop, **given)
        except Exception as error:
            kind = type(getattr(error, "orig", None) or error).__name__
            log.warning("job_failed", task=job.__name__, kind=kind)
            raise

    return told


def connector(settings: Settings) -> PsycopgConnector:
    """The queue's connections; its functions look for their tables in its schema."""
    return PsycopgConnector(
        conninfo=settings.plain_database_url,
        kwargs={"options": "-c search_path=jobs", "application_name": "trial worker"},
        min_size=1,
        max_size=4,
        timeout=5,
    )


class QueueWorker(Procrastinate):
    """Ends when a job's end could not be stored: that job would seem to run for ever."""

    async def _process_job(self, context: JobContext) -> None:
        try:
            await super()._process_job(context)
        except ConnectorException:
            log.warning("job_end_unknown", task=context.job.task_name)
            self.stop()


def queue(shop: Workshop) -> tuple[App, QueueWorker]:
    """The queue's application and a worker for it, for one connection's life."""
    app = App(connector=connector(shop.settings), periodic_defaults={"max_delay": 60})
    app.task(name=DELIVER, queue=QUEUE, pass_context=True)(telling(deliver))
    _every(app, "* * * * * */5", "remind", REMINDERS)
    _every(app, "* * * * * 20", "note_overdue", OVERDUE)
    worker = QueueWorker(
        app,
        queues=[QUEUE],
        name=None,
        concurrency=AT_ONCE,
        fetch_job_polling_interval=1.0,
        shutdown_graceful_timeout=STOP_SECONDS,
        delete_jobs="always",  # the deliveries themselves are the record
        additional_context={"shop": shop},
        install_signal_handlers=False,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=LOST_SECONDS,
    )
    return app, worker


def _every(app: App, cron: str, name: str, sweeps: tuple[Sweep, ...]) -> None:
    """Run sweeps whenever the clock says so, once however many workers there are."""
    task = app.task(name=name, queue=QUEUE, lock=name, queueing_lock=name, pass_context=True)

    async def sweep(shop: Workshop, **_: int) -> None:
        for one in sweeps:
            await asyncio.to_thread(_look_through, shop, one)

    sweep.__name__ = name
    app.periodic(cron=cron)(task(telling(sweep)))


async def deliver(shop: Workshop, *, webhook_id: str, lane: str) -> None:
    """Deliver what a lane holds, one after the other, until one fails or others wait long."""
    end = time.monotonic() + LANE_SECONDS
    own = UUID(webhook_id), UUID(lane)
    async with connections() as client:
        while time.monotonic() < end:
            parcel = await asyncio.to_thread(_next, shop, *own)
            if parcel is None:
                return
            answer = await send(
                client,
                parcel.url,
                parcel.message,
                private=shop.settings.webhook_private_addresses,
            )
            await asyncio.to_thread(_settle, shop, parcel, answer)
            if not answer.delivered:
                return


def _next(shop: Workshop, webhook_id: UUID, lane: UUID) -> delivery.Parcel | None:
    with shop.transaction() as session:
        return delivery.next_of_lane(session, shop.settings, webhook_id, lane)


def _settle(shop: Workshop, parcel: delivery.Parcel, answer: Answer) -> None:
    with shop.transaction() as session:
        delivery.settle(session, parcel, answer)


def _look_through(shop: Workshop, sweep: Sweep) -> None:
    """Run a sweep until it finds nothing more; each call is bounded, and so is their number."""
    for _ in range(MOST_CALLS):
        with shop.transaction() as session:
            found = sweep(session, shop.worker, shop.clock, shop.protocol)
        if found == 0:
            return

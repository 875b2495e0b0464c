"""The worker's process: publishes the feed, acts on it, and runs the jobs, until told to stop.

Any number of workers may run. Whichever is killed, and wherever, the others or
the next one go on: everything is decided by rows, and a job that was lost is
made again within seconds.
"""

import asyncio
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import psycopg
import structlog
from procrastinate.exceptions import ConnectorException
from sqlalchemy.exc import SQLAlchemyError

from services.api.core import logs
from services.api.settings import Settings
from services.api.worker import reading
from services.api.worker.jobs import AT_ONCE, queue
from services.api.worker.lanes import dispatch
from services.api.worker.workshop import Workshop

log = structlog.get_logger()

TICK_SECONDS = 0.25
"""How often the feed is published and acted on."""
AGAIN_SECONDS = 1.0
"""How long to wait for a database that is away."""

ORPHAN_SECONDS = 2.0
"""How long a worker may take to end after the sandbox that started it was killed."""

_AWAY = (psycopg.Error, SQLAlchemyError, ConnectorException, OSError)


def run(settings: Settings, stop: Event) -> None:
    """Work until told to stop, by SIGTERM or SIGINT too; a database that is away is waited for.

    Raises:
        MissingSetting: no database, or no key for the secrets of webhooks.
    """
    for order in (signal.SIGTERM, signal.SIGINT):
        signal.signal(order, lambda *_: stop.set())
    logs.configure()
    work(settings, stop)


def work(settings: Settings, stop: Event) -> None:
    """Work until `stop` is set.

    Raises:
        MissingSetting: no database, or no key for the secrets of webhooks.
    """
    shop = Workshop.of(settings)
    try:
        while not stop.is_set():
            try:
                asyncio.run(_live(shop, stop))
            except _AWAY as error:
                log.warning("work_interrupted", kind=type(error).__name__)
                stop.wait(AGAIN_SECONDS)
    finally:
        shop.database.close()


async def _live(shop: Workshop, stop: Event) -> None:
    """Work for as long as the queue's connections last."""
    threads = ThreadPoolExecutor(AT_ONCE + 4, thread_name_prefix="work")
    asyncio.get_running_loop().set_default_executor(threads)
    app, worker = queue(shop)
    async with app.open_async():
        working = asyncio.create_task(worker.run())
        try:
            while not stop.is_set() and not working.done():
                began = time.monotonic()
                await asyncio.to_thread(_tick, shop)
                rest = max(0.0, TICK_SECONDS - (time.monotonic() - began))
                await asyncio.wait([working], timeout=rest)
        finally:
            worker.stop()
            await working


def _tick(shop: Workshop) -> None:
    """What is done four times a second; a part that fails is done at the next."""
    for part in (Workshop.set_clock, reading.publish, reading.act, dispatch):
        try:
            part(shop)
        except SQLAlchemyError as error:
            kind = type(getattr(error, "orig", None) or error).__name__
            log.warning("tick_interrupted", kind=kind)
            time.sleep(AGAIN_SECONDS)
            return


def main() -> None:
    """Work beside a sandbox, for as long as the process lives that started this one.

    It gives its number, for it may have been killed before this line.
    """
    owner, stop = int(sys.argv[1]), Event()

    def watch() -> None:
        while os.getppid() == owner:
            time.sleep(0.5)
        stop.set()
        time.sleep(ORPHAN_SECONDS)
        os._exit(1)  # PostgreSQL has gone with the sandbox, so there is nothing to wait for

    Thread(target=watch, daemon=True).start()
    run(Settings(), stop)


if __name__ == "__main__":
    main()

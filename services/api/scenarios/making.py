"""The process that plays a scenario into an empty database, and ends.

The application serves it on a port of its own, and every change goes through
the API: what a scenario holds, a hospital could have entered.
"""

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from datetime import time as time_of_day
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import structlog
import uvicorn
from fastapi import FastAPI

from services.api import setup
from services.api.core.auth import Worker
from services.api.demo.client import TIMEOUT
from services.api.main import create_app
from services.api.sandbox import service as sandbox
from services.api.sandbox.scenarios import Scenario
from services.api.scenarios.closed_out import play_closed_out
from services.api.scenarios.mid_trial import play_mid_trial
from services.api.scenarios.play import MORNING, Play
from services.api.scenarios.repeating import Repeating, StandingClock, repeating, set_out_on
from services.api.scenarios.screening import play_screening
from services.api.settings import Settings
from services.api.worker import reading
from services.api.worker.consequences import OVERDUE, REMINDERS
from services.api.worker.workshop import Workshop

PLAYS: Mapping[Scenario, Callable[[Play], None]] = {
    Scenario.SCREENING: play_screening,
    Scenario.MID_TRIAL: play_mid_trial,
    Scenario.CLOSED_OUT: play_closed_out,
}
"""What is played; the empty scenario is only furnished."""

ORPHAN_SECONDS = 0.5


class Unwatched(AbstractContextManager[None]):
    """The sessions of a play: none ends, and nobody has to look whether one did."""

    stale = False

    def __exit__(self, *_: object) -> None:
        """Nothing was held."""

    def refresh(self) -> None:
        """Know as much as before."""

    def has_ended(self, _: UUID) -> bool:
        """Whether a session is over."""
        return False


def make(settings: Settings, scenario: Scenario, seed: int) -> None:
    """Furnish the empty database of the settings, and play the scenario into it.

    Raises:
        MissingSetting: the settings are not those of a sandbox.
        Unexpected, NoAnswer, LookupError: it cannot be played with this protocol document.
    """
    app = create_app(settings)
    state = app.state
    zone: ZoneInfo = state.clock.zone
    begins = datetime.combine(
        set_out_on(state.loaded.protocol), time_of_day(MORNING), zone
    ).astimezone(UTC)
    state.watch = Unwatched()
    state.clock = clock = StandingClock(zone, moment=begins)
    source = Repeating(f"{scenario.value} {seed}", clock)
    with repeating(settings, source):
        setup.prepare(
            state.database, settings, state.loaded, state.randomization_secret, state.clock
        )
        if scenario in PLAYS:
            with _served(app) as address, httpx.Client(base_url=address, timeout=TIMEOUT) as http:
                play = Play(http, clock, f"{scenario.value} {seed}", _worker(settings, app))
                PLAYS[scenario](play)
                play.rest()
    with state.database.session() as session:
        stood_at = clock.now() if scenario in PLAYS else None
        sandbox.set_out(session, scenario, seed, stood_at)
        session.commit()
    state.database.close()


def _worker(settings: Settings, app: FastAPI) -> Callable[..., None]:
    """What a worker does beside a sandbox, at the moments at which it is asked."""
    state = app.state
    protocol = state.loaded.protocol
    worker = Worker(tuple(site.code for site in protocol.sites))
    shop = Workshop(settings, state.database, protocol, state.clock, worker)

    def work(*, sweeping: bool) -> None:
        _go_on(shop)
        for sweep in (*REMINDERS, *OVERDUE) if sweeping else ():
            while True:
                with shop.transaction() as session:
                    found = sweep(session, worker, shop.clock, protocol)
                if not found:
                    break
        _go_on(shop)

    return work


def _go_on(shop: Workshop) -> None:
    """Publish and act until there is nothing left."""
    while reading.publish(shop):
        reading.act(shop)


@contextmanager
def _served(app: FastAPI) -> Iterator[str]:
    """The application's address on this machine, while it is needed."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, access_log=False, log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def main(scenario: str, seed: str) -> None:
    """Play for the sandbox that started this process, for as long as that lives."""
    owner = os.getppid()

    def watch() -> None:
        while os.getppid() == owner:
            time.sleep(ORPHAN_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    # Thousands of requests that nobody asked for are not worth a line each.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    make(Settings(), Scenario(scenario), int(seed))


if __name__ == "__main__":
    main(*sys.argv[1:])

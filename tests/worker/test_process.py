"""The worker's process: it works until told to stop, and waits for a database that is away."""

import time
from threading import Event, Thread
from uuid import uuid4

import pytest
from pydantic import SecretStr

from services.api.core.events import EventType
from services.api.settings import MissingSetting, Settings
from services.api.worker.process import work
from services.api.worker.workshop import Workshop
from tests.make import Api
from tests.webhooks.receiver import receiving, until
from tests.webhooks.telling import hook, kill, settings_of, told, worker_process

KIND = EventType.QUERY_OPENED


def test_a_worker_needs_a_database_and_the_key_of_the_secrets(settings: Settings) -> None:
    with pytest.raises(MissingSetting, match="TRIAL_DATABASE_URL"):
        Workshop.of(settings.model_copy(update={"database_url": None}))
    with pytest.raises(MissingSetting, match="TRIAL_PERSON_KEY_FILE"):
        Workshop.of(Settings(database_url=SecretStr("postgresql://nobody@127.0.0.1:9/none")))


def test_a_worker_follows_the_sandbox_s_clock(api: Api) -> None:
    api.rows("UPDATE sandbox_clock SET ahead = interval '40 d'")
    shop = Workshop.of(settings_of(api))
    shop.set_clock()
    assert shop.clock.offset.days == 40
    shop.database.close()


def test_a_database_that_is_away_is_waited_for(api: Api) -> None:
    """Every connection is cut again and again; what is told meanwhile is delivered all the same."""
    stop = Event()
    with receiving() as receiver:
        hook(api, receiver.url)
        worker = Thread(target=work, args=(settings_of(api), stop))
        worker.start()
        for _ in range(3):
            told(api.state.database, uuid4(), 3, KIND)
            time.sleep(0.3)
            api.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'trial worker' AND datname = current_database()"
            )
        until(lambda: len({one.id for one in receiver.accepted}) == 1 + 9)
        stop.set()
        worker.join()


def test_what_a_killed_worker_was_at_is_taken_up_by_another_within_seconds(api: Api) -> None:
    with receiving() as receiver:
        hook(api, receiver.url)
        receiver.received.clear()
        receiver.behaviour = lambda _: "stall"
        told(api.state.database, uuid4(), 3, KIND)
        first = worker_process(settings_of(api))
        try:
            until(lambda: receiver.received)
            kill(first)
            receiver.behaviour = lambda _: 204
            second = worker_process(settings_of(api))
            killed = time.monotonic()
            try:
                until(lambda: len(receiver.accepted) == 3)
                assert len({one.id for one in receiver.accepted}) == 3
                assert time.monotonic() - killed < 30  # starting on a busy machine, and the 5 s
                second.terminate()
                assert second.wait(20) == 0
            finally:
                kill(second)
        finally:
            kill(first)

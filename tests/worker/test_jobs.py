"""Jobs as procrastinate runs them: delivered in order, and a stalled receiver holds up no other."""

import asyncio
import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from services.api.core.events import EventType
from services.api.worker.jobs import deliver, queue
from tests.make import Api, ok
from tests.webhooks.receiver import Receiver, receiving, until
from tests.webhooks.telling import hook, settings_of, shop_of, told, working
from tests.webhooks.test_service import publish


@pytest.fixture
def receiver(api: Api) -> Iterator[Receiver]:
    """A receiver with a webhook of its own."""
    with receiving() as made:
        made.secret = hook(api, made.url)["secret"]
        made.received.clear()
        yield made


def test_a_job_delivers_what_its_lane_holds_and_stops_at_a_failure(api: Api) -> None:
    with receiving() as flaky:
        webhook = hook(api, flaky.url)["id"]
        flaky.received.clear()
        flaky.behaviour = lambda _: 500 if len(flaky.accepted) == 2 else 204
        told(api.state.database, UUID(int=4), 5)
        publish(api)
        asyncio.run(deliver(shop_of(api), webhook_id=webhook, lane=str(UUID(int=4))))
        assert [one.status for one in flaky.received] == [204, 204, 500]


def test_every_subject_s_events_come_in_order_to_a_receiver_that_verifies_them(
    api: Api, receiver: Receiver
) -> None:
    subjects = [uuid4() for _ in range(6)]
    with working(settings_of(api)):
        for _ in range(5):
            for subject in subjects:
                told(api.state.database, subject, kind=EventType.QUERY_OPENED)
        told(api.state.database, None, 3, EventType.QUERY_OPENED)
        until(lambda: len(receiver.accepted) == 33)
    feed = ok(api.as_("hospital_system").get("/v1/events"))["items"]
    for name in (*map(str, subjects), None):
        told_of = [item["id"] for item in feed if item["subject_id"] == name]
        assert receiver.first_of()[name] == told_of
    assert (receiver.unverified, receiver.doubled()) == (0, 0)


def test_a_receiver_that_stalls_holds_up_no_other(api: Api, receiver: Receiver) -> None:
    with receiving() as stalling:
        hook(api, stalling.url)
        stalling.behaviour = lambda _: "stall"
        began = time.monotonic()
        with working(settings_of(api)):
            for _ in range(40):
                told(api.state.database, uuid4(), kind=EventType.QUERY_OPENED)
            until(lambda: len(receiver.accepted) == 40)
            assert time.monotonic() - began < 9  # which is less than the stalled ones are given
            stalling.patience.set()
        assert len([one for one in stalling.received if one.status == -2]) <= 8


def test_reminders_are_swept_every_five_seconds_and_overdue_visits_every_minute(api: Api) -> None:
    app, _ = queue(shop_of(api))
    begin = 1_800_000_000.0
    times: dict[str, list[float]] = {}
    for task in app.periodic_registry.periodic_tasks.values():
        due = task.croniter
        due.set_current(begin)
        times[task.task.name] = [due.get_next(float) - begin for _ in range(3)]
    assert times == {"remind": [5, 10, 15], "note_overdue": [20, 80, 140]}

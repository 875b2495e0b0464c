"""The feed's first reader: each event once and in order, whatever raises, however many read."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from services.api.core.events import EventType, FeedEvent, announce
from services.api.worker import reading
from services.api.worker.consequences import Consequence
from tests.make import Api, ok
from tests.webhooks.telling import EVERYWHERE, shop_of, told

Register = Callable[..., None]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Register:
    """Have these functions be the consequences of a recorded visit, and of nothing else."""

    def set_(*consequences: Consequence) -> None:
        registry = {EventType.VISIT_RECORDED: consequences}
        monkeypatch.setattr(reading, "CONSEQUENCES", registry)

    return set_


def note(session: Session, event: FeedEvent) -> None:
    """Something that is stored: another event, whose record is the first."""
    kind = EventType.VISIT_OVERDUE
    announce(session, kind, event.id, site=event.site, subject_id=event.subject_id)


def noted(api: Api) -> list[UUID]:
    rows = api.rows("SELECT record_id FROM feed_event WHERE type = 'visit.overdue' ORDER BY seq")
    return [UUID(row[0]) for row in rows]


def published(api: Api) -> list[UUID]:
    reading.publish(shop_of(api))
    rows = api.rows("SELECT id FROM feed_event WHERE type = 'visit.recorded' ORDER BY position")
    return [row[0] for row in rows]


def test_each_event_is_acted_on_once_and_in_order(api: Api, register: Register) -> None:
    register(lambda session, *given: note(session, given[-1]))
    told(api.state.database, uuid4(), 3)
    told(api.state.database, uuid4(), 2, EventType.SUBJECT_SCREENED)
    told(api.state.database, uuid4(), 2)
    order = published(api)
    assert reading.act(shop_of(api)) == 7
    assert reading.act(shop_of(api)) == 0
    assert noted(api) == order


def test_several_readers_act_on_each_event_once(api: Api, register: Register) -> None:
    register(lambda session, *given: note(session, given[-1]))
    told(api.state.database, uuid4(), 30)
    order = published(api)
    with ThreadPoolExecutor(4) as readers:
        read = sum(readers.map(lambda _: reading.act(shop_of(api)), range(4)))
    read += reading.act(shop_of(api))
    assert read == 30
    assert noted(api) == order


def test_a_consequence_that_raises_stops_no_event_and_is_not_forgotten(
    api: Api, register: Register
) -> None:
    """What it stored before it raised is undone, and done when it succeeds at last."""
    told(api.state.database, uuid4(), 3)
    order = published(api)
    broken = {order[1]}

    def brittle(session: Session, *given: Any) -> None:
        note(session, given[-1])
        if given[-1].id in broken:
            raise ValueError("a value that nobody may read in a log")

    register(brittle)
    shop = shop_of(api)
    assert reading.act(shop) == 3
    assert noted(api) == [order[0], order[2]]
    ((attempts, fault),) = api.rows("SELECT attempts, fault FROM postponed_event")
    assert (attempts, fault) == (1, "ValueError")
    standing = api.rows("SELECT postponed FROM feed_standing()")
    assert standing[0][0] == 1
    api.rows("UPDATE postponed_event SET due_at = now()")
    reading.act(shop)
    assert api.rows("SELECT attempts FROM postponed_event")[0][0] == 2
    broken.clear()
    api.rows("UPDATE postponed_event SET due_at = now()")
    reading.act(shop)
    assert api.count("postponed_event") == 0
    assert noted(api) == [order[0], order[2], order[1]]


def test_a_database_that_is_away_is_no_fault_of_the_event(api: Api, register: Register) -> None:
    def cut(session: Session, *_: object) -> None:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    register(cut)
    told(api.state.database, uuid4())
    published(api)
    with pytest.raises(OperationalError):
        reading.act(shop_of(api))
    assert api.count("postponed_event") == 0
    register(lambda session, *given: note(session, given[-1]))
    assert reading.act(shop_of(api)) == 1
    assert len(noted(api)) == 1


def test_a_statement_that_the_database_refuses_is_postponed(api: Api, register: Register) -> None:
    register(lambda session, *_: session.execute(text("SELECT 1 / 0")))
    told(api.state.database, uuid4())
    published(api)
    assert reading.act(shop_of(api)) == 1
    assert api.rows("SELECT fault FROM postponed_event") == [("DivisionByZero",)]


def test_a_statement_that_takes_too_long_is_postponed_and_the_next_event_goes_on(
    api: Api, register: Register
) -> None:
    slow = [uuid4()]

    def stalls(session: Session, *given: Any) -> None:
        if given[-1].subject_id in slow:
            session.execute(text("SET LOCAL statement_timeout = '50ms'"))
            session.execute(text("SELECT pg_sleep(5)"))
        note(session, given[-1])

    register(stalls)
    told(api.state.database, slow[0])
    told(api.state.database, uuid4())
    order = published(api)
    assert reading.act(shop_of(api)) == 2
    assert api.rows("SELECT fault FROM postponed_event") == [("QueryCanceled",)]
    assert noted(api) == order[1:]


def test_what_follows_from_an_event_is_published_after_it(api: Api, register: Register) -> None:
    register(lambda session, *given: note(session, given[-1]))
    told(api.state.database, uuid4())
    published(api)
    reading.act(shop_of(api))
    reading.publish(shop_of(api))
    items = ok(api.as_("investigator").get("/v1/events"))["items"]
    assert [item["type"] for item in items] == ["visit.recorded", "visit.overdue"]
    assert EVERYWHERE.role == "worker"

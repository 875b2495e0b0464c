"""Telling an event: in the transaction that caused it, by whoever may cause it."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.api.core.auth import Principal
from services.api.core.events import EventType, announce
from services.api.core.permissions import Role
from services.api.events import service
from tests.make import Api, ok
from tests.webhooks.telling import EVERYWHERE, tell, told

KIND = EventType.VISIT_RECORDED


def assessor(site: str) -> Principal:
    """An assessor of a site, as a request of theirs runs."""
    return Principal(uuid4(), "Assessor", Role.ASSESSOR, (site,), machine=False, session=uuid4())


def publish(api: Api) -> None:
    with api.state.database.session(EVERYWHERE) as session:
        service.publish(session)
        session.commit()


def seen(api: Api) -> list[str]:
    items = ok(api.as_("investigator").get("/v1/events"))["items"]
    return [item["id"] for item in items]


def test_what_is_told_once_is_told_once_also_by_two_at_the_same_time(api: Api) -> None:
    def say(_: int) -> bool:
        with api.state.database.session(EVERYWHERE) as session:
            news = announce(session, KIND, "RT1A", site="NN", subject_id=subject, once="the same")
            session.commit()
        return news

    subject = uuid4()
    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(say, range(6))) == [False] * 5 + [True]
    assert len(seen(api)) == 1


@pytest.mark.parametrize("once", [None, "once"])
def test_whoever_may_not_read_an_event_may_tell_it(api: Api, once: str | None) -> None:
    """An assessor's request reaches a rule, and the committee alone hears of it."""
    caller = assessor("NN")
    with api.state.database.session(caller) as session:
        assert announce(
            session, EventType.STOPPING_RULE_REACHED, "rule", once=once, audience=[Role.DMC]
        )
        session.commit()
    assert seen(api) == []
    assert len(ok(api.as_("dmc").get("/v1/events"))["items"]) == 1


@pytest.mark.parametrize("once", [None, "once"])
def test_an_assessor_tells_events_and_the_database_shows_them_none(
    api: Api, once: str | None
) -> None:
    """From some events the arm follows."""
    caller = assessor("NN")
    count, subject = text("SELECT count(*) FROM feed_event"), uuid4()
    with api.state.database.session(caller) as session:
        assert announce(session, KIND, "BL", site="NN", subject_id=subject, once=once)
        if once is not None:
            assert not announce(session, KIND, "BL", site="NN", subject_id=subject, once=once)
        session.commit()
        assert session.execute(count).scalar_one() == 0
    assert len(seen(api)) == 1
    with api.state.database.session(caller) as session:
        assert session.execute(count).scalar_one() == 0


def test_nobody_tells_an_event_of_another_site_or_with_a_position(api: Api) -> None:
    caller = assessor("LZ")
    with (
        api.state.database.session(caller) as session,
        pytest.raises(DBAPIError, match="row-level security"),
    ):
        tell(session, uuid4(), KIND, "NN")
    with (
        api.state.database.session(EVERYWHERE) as session,
        pytest.raises(DBAPIError, match="row-level security"),
    ):
        session.execute(
            text(
                "INSERT INTO feed_event (id, position, type, at, record, record_id)"
                " VALUES (gen_random_uuid(), 9, 'x', now(), 'x', 'x')"
            )
        )


@pytest.mark.parametrize(
    "change", ["UPDATE feed_event SET position = 9", "UPDATE feed_event SET type = 'x'"]
)
def test_not_even_the_owner_rewrites_a_published_event(api: Api, change: str) -> None:
    told(api.state.database, uuid4())
    publish(api)
    with pytest.raises(DBAPIError, match="is refused"):
        api.rows(change)

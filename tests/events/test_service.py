"""The order of the feed: that of the commits, without gaps, for every reader."""

import random
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from services.api.core.events import EventType, announce
from services.api.events import service
from tests.make import Api, ok
from tests.webhooks.telling import EVERYWHERE, tell, told

KIND = EventType.VISIT_RECORDED


def positions(api: Api) -> list[tuple[int, str]]:
    """What the service knows: the position of each published event, and its id."""
    rows = api.rows("SELECT position, id FROM feed_event WHERE position IS NOT NULL ORDER BY 1")
    return [(int(row[0]), str(row[1])) for row in rows]


def publish(api: Api) -> int:
    with api.state.database.session(EVERYWHERE) as session:
        published = service.publish(session)
        session.commit()
    return published


def seen(api: Api, after: str | None = None, limit: int = 200) -> list[str]:
    given = {"limit": limit} | ({"after": after} if after else {})
    body = ok(api.as_("investigator").get("/v1/events", params=given))
    return [item["id"] for item in body["items"]]


def test_an_event_whose_transaction_commits_late_comes_after_what_was_read(api: Api) -> None:
    """It has the smaller number, and a feed by numbers would have passed over it."""
    late = api.state.database.session(EVERYWHERE)
    tell(late, uuid4(), KIND)
    told(api.state.database, uuid4(), 2)
    first = seen(api)
    assert len(first) == 2
    assert seen(api, first[-1]) == []
    late.commit()
    late.close()
    (then,) = seen(api, first[-1])
    assert then not in first
    assert [place for place, _ in positions(api)] == [1, 2, 3]


def test_a_transaction_that_is_rolled_back_tells_nothing_and_leaves_no_gap(api: Api) -> None:
    with api.state.database.session(EVERYWHERE) as session:
        tell(session, uuid4(), KIND)
        session.rollback()
    told(api.state.database, uuid4(), 2)
    assert len(seen(api)) == 2
    assert [place for place, _ in positions(api)] == [1, 2]


def test_readers_and_late_writers_never_miss_an_event_nor_see_a_gap(api: Api) -> None:
    """Sixteen writers hold their transactions open at random, two readers follow all the while."""
    chance = random.Random(7)
    subjects = [uuid4() for _ in range(4)]
    locks = {subject: threading.Lock() for subject in subjects}
    committed: defaultdict[UUID, list[str]] = defaultdict(list)
    pauses = [[chance.uniform(0, 0.02) for _ in range(8)] for _ in range(16)]
    ended = threading.Event()

    def write(writer: int) -> None:
        for number, pause in enumerate(pauses[writer]):
            subject = subjects[(writer + number) % len(subjects)]
            with locks[subject], api.state.database.session(EVERYWHERE) as session:
                mark = f"{writer}-{number}"
                announce(session, KIND, mark, site="NN", subject_id=subject)
                ended.wait(pause)
                if number % 4 == 3:
                    session.rollback()
                else:
                    session.commit()
                    committed[subject].append(mark)

    def follow(site_api: Api) -> list[dict[str, Any]]:
        read: list[dict[str, Any]] = []
        while True:
            last = ended.is_set()
            given = {"after": read[-1]["id"]} if read else {}
            new = ok(site_api.get("/v1/events", params=given))["items"]
            read += new
            if last and not new:
                return read

    with ThreadPoolExecutor(18) as pool:
        followers = [
            pool.submit(follow, api.as_(role)) for role in ("investigator", "data_manager")
        ]
        for writing in [pool.submit(write, writer) for writer in range(16)]:
            writing.result()
        ended.set()
        read = [follower.result() for follower in followers]
    assert [item["id"] for item in read[0]] == [item["id"] for item in read[1]]
    assert [(place, item["id"]) for place, item in enumerate(read[0], start=1)] == positions(api)
    for subject, marks in committed.items():
        own = [one["record"]["id"] for one in read[0] if one["subject_id"] == str(subject)]
        assert own == marks
    assert len(read[0]) == 16 * 6


def test_standing_tells_how_old_the_oldest_event_is_that_nobody_acted_on(api: Api) -> None:
    with api.state.database.session() as session:
        assert service.standing(session) == service.Standing(timedelta(0), 0)
    told(api.state.database, uuid4())
    publish(api)
    with api.state.database.session() as session:
        assert timedelta(0) < service.standing(session).behind < timedelta(minutes=1)
    api.rows("UPDATE feed_reader SET position = 1")
    with api.state.database.session() as session:
        assert service.standing(session).behind == timedelta(0)

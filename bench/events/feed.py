"""A page of the feed among a million events: at either end, for all sites and for one."""

import statistics
import time
from dataclasses import dataclass

import psycopg

from bench.events.trial import SITES, reader
from services.api.core.auth import Principal
from services.api.core.db import Database
from services.api.core.events import EventType
from services.api.events import service
from services.api.events.schemas import EventFilter
from services.api.settings import Settings

PAGE = 50

_FILL = """
    INSERT INTO feed_event (id, position, type, at, site, subject_id, record, record_id)
    SELECT gen_random_uuid(), n,
           CASE WHEN n %% 1000 = 0 THEN 'subject.died' ELSE 'visit.recorded' END,
           now(), (%s::text[])[1 + n %% 3], gen_random_uuid(), 'visit', 'RT1A'
    FROM generate_series(%s::bigint, %s) AS n
"""
_AT = (
    "SELECT id FROM feed_event WHERE site = 'NN' AND position <= %s ORDER BY position DESC LIMIT 1"
)


@dataclass(frozen=True)
class Case:
    """A page that is read again and again."""

    name: str
    caller: Principal
    asked: EventFilter


def fill(superuser: psycopg.Connection, events: int) -> None:
    """Store so many published events, a third at each site."""
    for first in range(1, events + 1, 50_000):
        last = min(first + 49_999, events)
        superuser.execute(_FILL, (list(SITES), first, last))
    superuser.execute("VACUUM ANALYZE feed_event")


def cases(superuser: psycopg.Connection, events: int) -> list[Case]:
    """The pages to compare; the first is what the others are told in."""
    begin, end = (
        (superuser.execute(_AT, (place,)).fetchone() or (None,))[0]
        for place in (3, events - 3 * PAGE)
    )
    every, one = reader(SITES), reader(("NN",))
    died = EventType.SUBJECT_DIED
    return [
        Case("all sites, start", every, EventFilter(limit=PAGE, after=begin)),
        Case("all sites, end", every, EventFilter(limit=PAGE, after=end)),
        Case("one site, start", one, EventFilter(limit=PAGE, after=begin)),
        Case("one site, end", one, EventFilter(limit=PAGE, after=end)),
        Case("one type in a thousand, start", one, EventFilter(limit=PAGE, after=begin, type=died)),
    ]


def measure(settings: Settings, pages: list[Case], rounds: int) -> dict[str, float]:
    """The median of each page in milliseconds, read in turns."""
    if settings.database_url is None:
        raise ValueError("no database")
    database = Database(settings.database_url.get_secret_value(), 2)
    took: dict[str, list[float]] = {page.name: [] for page in pages}
    for _ in range(rounds):
        for page in pages:
            began = time.perf_counter()
            with database.session(page.caller) as session:
                shown, _more = service.list_events(session, page.caller, page.asked)
                session.commit()
            took[page.name].append((time.perf_counter() - began) * 1000)
            if not shown:
                raise ValueError(f"{page.name}: an empty page")
    database.close()
    return {name: statistics.median(times) for name, times in took.items()}

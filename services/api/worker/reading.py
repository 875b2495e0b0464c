"""The feed's first reader: acts on each event once, in order, and is stopped by none.

Of several workers one reads at a time. Where a consequence raises, the event is
postponed: the reader goes on, and the event is tried again after a pause until
it succeeds. `/readyz` and the log tell of it.
"""

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session, col, select

from services.api.core.events import EventType, FeedEvent
from services.api.events import service as feed
from services.api.events.models import FeedReader, PostponedEvent
from services.api.worker.consequences import CONSEQUENCES
from services.api.worker.workshop import Workshop

log = structlog.get_logger()

READER = "consequences"
AT_ONCE = 200
"""Events that are looked through for the next one that has a consequence."""

PAUSES = (
    timedelta(seconds=2),
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
)
"""Before each further try of a postponed event; the last for ever, for nothing may be forgotten."""


def publish(shop: Workshop) -> int:
    """Give committed events their place in the feed; how many that were."""
    with shop.transaction() as session:
        return feed.publish(session)


def act(shop: Workshop) -> int:
    """Act on every event that was not acted on; how many the reader went on by."""
    read = 0
    while (passed := _act_on_next(shop)) > 0:
        read += passed
    while _try_postponed(shop):
        pass
    return read


def _act_on_next(shop: Workshop) -> int:
    """Go on by the next event that has a consequence, and those before it that have none."""
    with shop.transaction() as session:
        reader = session.get(FeedReader, READER, with_for_update={"skip_locked": True})
        if reader is None:  # another worker is reading
            return 0
        events = _after(session, reader.position)
        passed = next(
            (place for place, one in enumerate(events, start=1) if _has_consequence(one)),
            len(events),
        )
        if passed == 0:
            return 0
        last = events[passed - 1]
        reader.position = last.position or reader.position
        session.flush()
        fault = _run(shop, session, last)
        if fault is not None:
            session.add(_postponed(last, 1, fault))
    return passed


def _after(session: Session, position: int) -> list[FeedEvent]:
    query = select(FeedEvent).where(col(FeedEvent.position) > position)
    return list(session.exec(query.order_by(col(FeedEvent.position)).limit(AT_ONCE)).all())


def _has_consequence(event: FeedEvent) -> bool:
    return bool(CONSEQUENCES.get(EventType(event.type)))


def _try_postponed(shop: Workshop) -> bool:
    """Try the postponed event that is due first; whether there was one."""
    with shop.transaction() as session:
        query = (
            select(PostponedEvent, FeedEvent)
            .join(FeedEvent, col(FeedEvent.id) == col(PostponedEvent.event_id))
            .where(PostponedEvent.due_at <= datetime.now(UTC))
            .order_by(col(PostponedEvent.due_at))
            .limit(1)
            .with_for_update(skip_locked=True, of=PostponedEvent)
        )
        found = session.exec(query).first()
        if found is None:
            return False
        kept, event = found
        fault = _run(shop, session, event)
        if fault is None:
            session.delete(kept)
            log.info("postponed_event_done", event_id=str(event.id), attempts=kept.attempts)
        else:
            again = _postponed(event, kept.attempts + 1, fault)
            kept.attempts, kept.due_at, kept.fault = again.attempts, again.due_at, again.fault
    return True


def _run(shop: Workshop, session: Session, event: FeedEvent) -> str | None:
    """Run an event's consequences, or undo them all and name the kind of error.

    A database that is away is no fault of the event's: that is raised.
    """
    try:
        with session.begin_nested():
            for consequence in CONSEQUENCES.get(EventType(event.type), ()):
                consequence(session, shop.worker, shop.clock, shop.protocol, event)
            session.flush()
    except Exception as error:
        if _is_away(error):
            raise
        kind = type(getattr(error, "orig", None) or error).__name__
        # Its text may repeat clinical data.
        log.critical("consequence_failed", event_id=str(event.id), type=event.type, kind=kind)
        return kind
    return None


def _is_away(error: Exception) -> bool:
    """Whether there is no connection any more; a lock or a statement that took too long is not.

    Source: PostgreSQL, "Error Codes": class 08, and of class 57 what ends the session.
    """
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None) or ""
    lost = isinstance(error, OperationalError) and not state
    return error.connection_invalidated or lost or state.startswith(("08", "57P"))


def _postponed(event: FeedEvent, attempts: int, fault: str) -> PostponedEvent:
    pause = PAUSES[min(attempts, len(PAUSES)) - 1]
    return PostponedEvent(
        event_id=event.id, attempts=attempts, due_at=datetime.now(UTC) + pause, fault=fault
    )

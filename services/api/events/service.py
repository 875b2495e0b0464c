"""The feed: published in the order of commits, and read from any point on at the same cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Text, any_, func, literal, or_, text, union_all
from sqlalchemy import select as columns_of
from sqlmodel import Session, col, select

from services.api.core.auth import Principal, Worker
from services.api.core.db import Database
from services.api.core.errors import BadCursor, Invalid
from services.api.core.events import EventType, FeedEvent
from services.api.events.schemas import EventFilter

_PUBLISH = text("SELECT publish_events()")
_STANDING = text("SELECT waiting_since, postponed FROM feed_standing()")


@dataclass(frozen=True)
class Place:
    """A point of the feed: what came until `position` was heard, and `event` last of it, if any."""

    position: int = 0
    event: UUID | None = None

    @classmethod
    def of(cls, event: FeedEvent) -> "Place":
        """The point after an event."""
        return cls(event.position or 0, event.id)


def publish(session: Session) -> int:
    """Give what was committed and has no place in the feed its place; how many that were.

    Holds the feed's lock until the transaction ends, so keep it short.
    """
    return int(session.execute(_PUBLISH).scalar_one())


def list_events(
    session: Session, caller: Principal, asked: EventFilter
) -> tuple[Sequence[FeedEvent], str | None]:
    """The next events that the caller may hear of, and where to go on while there are more.

    Raises:
        BadCursor: `after` is no event that the caller may hear of.
        Invalid: `cursor` and `after` are both given.
    """
    publish(session)
    begin = _asked_place(session, caller, asked) or Place()
    rows = events_after(session, caller, begin, asked.type, asked.limit + 1)
    shown = rows[: asked.limit]
    return shown, str(shown[-1].id) if len(rows) > asked.limit else None


def begin_stream(
    session: Session, caller: Principal, asked: EventFilter, last_event_id: str | None
) -> Place:
    """Where a stream begins: after the event that the caller has, else after what is there now.

    A client that comes again asks for the address that it was given first, so
    the event that it had last counts more than the address.

    Raises:
        BadCursor: that is no event that the caller may hear of.
        Invalid: `cursor` and `after` are both given.
    """
    publish(session)
    if last_event_id:
        asked = asked.model_copy(update={"cursor": last_event_id, "after": None})
    place = _asked_place(session, caller, asked)
    return _newest_place(session, caller) if place is None else place


def newest(database: Database) -> int:
    """The position of the last event of the whole feed, and 0 in an empty one.

    The service asks this for itself, to know when to read: no caller is told.
    """
    with database.session(Worker(())) as session:
        publish(session)
        position = session.execute(columns_of(func.max(col(FeedEvent.position)))).scalar()
        session.commit()
    return int(position or 0)


def _asked_place(session: Session, caller: Principal, asked: EventFilter) -> Place | None:
    """The point after which to go on, if the caller names one."""
    if asked.cursor is not None and asked.after is not None:
        raise Invalid.at("/query/cursor", "extra_forbidden", "Give `after` or `cursor`, not both")
    if asked.cursor is None and asked.after is None:
        return None
    event = asked.after or _id(asked.cursor or "")
    query = columns_of(col(FeedEvent.position)).where(
        col(FeedEvent.id) == event,
        or_(col(FeedEvent.site).in_(caller.sites), col(FeedEvent.site).is_(None)),
        _heard_by(caller),
    )
    position = session.execute(query).scalar()
    if position is None:
        raise BadCursor
    return Place(int(position), event)


def _id(cursor: str) -> UUID:
    try:
        return UUID(cursor)
    except ValueError:
        raise BadCursor from None


def events_after(
    session: Session, caller: Principal, begin: Place, kind: EventType | None, limit: int
) -> Sequence[FeedEvent]:
    """The next events that the caller may hear of, or those of one type.

    Each site's from its own part of the index, merged: one scan over all sites
    would pass over the events of the others, however many they are.
    """
    parts = []
    for place in _places(caller):
        part = columns_of(col(FeedEvent.seq), col(FeedEvent.position)).where(
            place, col(FeedEvent.position) > begin.position, _heard_by(caller)
        )
        if kind is not None:
            part = part.where(col(FeedEvent.type) == kind.value)
        ordered = part.order_by(col(FeedEvent.position)).limit(limit).subquery()
        parts.append(columns_of(ordered.c.seq, ordered.c.position))
    merged = union_all(*parts).subquery()
    first = columns_of(merged.c.seq).order_by(merged.c.position).limit(limit)
    found = select(FeedEvent).where(col(FeedEvent.seq).in_(first))
    return session.exec(found.order_by(col(FeedEvent.position))).all()


def _newest_place(session: Session, caller: Principal) -> Place:
    """The point after everything that the caller may hear of now."""
    parts = []
    for place in _places(caller):
        part = columns_of(col(FeedEvent.position), col(FeedEvent.id)).where(
            place, col(FeedEvent.position).is_not(None), _heard_by(caller)
        )
        last = part.order_by(col(FeedEvent.position).desc()).limit(1).subquery()
        parts.append(columns_of(last.c.position, last.c.id))
    ends = [Place(position, event) for position, event in session.execute(union_all(*parts))]
    return max(ends, key=lambda end: end.position, default=Place())


def _places(caller: Principal) -> list[ColumnElement[bool]]:
    """Each of the caller's sites, and the trial as a whole."""
    return [*(col(FeedEvent.site) == site for site in caller.sites), col(FeedEvent.site).is_(None)]


def _heard_by(caller: Principal) -> ColumnElement[bool]:
    """What everyone may hear, or the caller's role."""
    audience = col(FeedEvent.audience)
    return or_(audience.is_(None), literal(caller.role.value, Text) == any_(audience))


@dataclass(frozen=True)
class Standing:
    """How late the service is with the feed.

    `behind` is the age of the oldest event that was not acted on yet;
    `postponed` counts those whose consequences failed and are tried again.
    """

    behind: timedelta
    postponed: int


def standing(session: Session) -> Standing:
    """How far the service is behind its own feed; it names no event, so anyone may know."""
    since, postponed = session.execute(_STANDING).one()
    behind = datetime.now(UTC) - since if since is not None else timedelta(0)
    return Standing(max(behind, timedelta(0)), postponed)

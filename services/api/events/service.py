"""The feed: published in the order of commits, and read from any point on at the same cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Text, any_, literal, or_, text, union_all
from sqlalchemy import select as columns_of
from sqlmodel import Session, col, select

from services.api.core.auth import Principal
from services.api.core.errors import BadCursor, Invalid
from services.api.core.events import EventType, FeedEvent
from services.api.events.schemas import EventFilter

_PUBLISH = text("SELECT publish_events()")
_STANDING = text("SELECT waiting_since, postponed FROM feed_standing()")


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
    begin = _begin(session, caller, asked)
    rows = _read(session, caller, begin, asked.type, asked.limit + 1)
    shown = rows[: asked.limit]
    return shown, str(shown[-1].id) if len(rows) > asked.limit else None


def _begin(session: Session, caller: Principal, asked: EventFilter) -> int:
    """The position after which to go on."""
    if asked.cursor is not None and asked.after is not None:
        raise Invalid.at("/query/cursor", "extra_forbidden", "Give `after` or `cursor`, not both")
    if asked.cursor is None and asked.after is None:
        return 0
    query = columns_of(col(FeedEvent.position)).where(
        col(FeedEvent.id) == (asked.after or _id(asked.cursor or "")),
        or_(col(FeedEvent.site).in_(caller.sites), col(FeedEvent.site).is_(None)),
        _heard_by(caller),
    )
    position = session.execute(query).scalar()
    if position is None:
        raise BadCursor
    return int(position)


def _id(cursor: str) -> UUID:
    try:
        return UUID(cursor)
    except ValueError:
        raise BadCursor from None


def _read(
    session: Session, caller: Principal, begin: int, kind: EventType | None, limit: int
) -> Sequence[FeedEvent]:
    """Each site's next events from its own part of the index, merged.

    One scan over all sites would pass over the events of the others, however many they are.
    """
    places = [col(FeedEvent.site) == site for site in caller.sites]
    parts = []
    for place in (*places, col(FeedEvent.site).is_(None)):
        part = columns_of(col(FeedEvent.seq), col(FeedEvent.position)).where(
            place, col(FeedEvent.position) > begin, _heard_by(caller)
        )
        if kind is not None:
            part = part.where(col(FeedEvent.type) == kind.value)
        ordered = part.order_by(col(FeedEvent.position)).limit(limit).subquery()
        parts.append(columns_of(ordered.c.seq, ordered.c.position))
    merged = union_all(*parts).subquery()
    first = columns_of(merged.c.seq).order_by(merged.c.position).limit(limit)
    found = select(FeedEvent).where(col(FeedEvent.seq).in_(first))
    return session.exec(found.order_by(col(FeedEvent.position))).all()


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

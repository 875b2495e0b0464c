"""How far the service itself has read the feed, and what it could not act on yet."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel


class FeedReader(SQLModel, table=True):
    """A reader inside the service; everything up to `position` was acted on or postponed."""

    __tablename__ = "feed_reader"
    __table_args__ = (CheckConstraint("position >= 0", name="feed_reader_position_from_zero"),)

    name: str = Field(primary_key=True)
    position: int = Field(sa_type=BigInteger)


class PostponedEvent(SQLModel, table=True):
    """An event whose consequences failed: tried again at `due_at`, gone once they succeed.

    `fault` names the kind of error, without its text, which may hold clinical data.
    """

    __tablename__ = "postponed_event"
    __table_args__ = (
        CheckConstraint("attempts >= 1", name="postponed_event_was_tried"),
        Index("postponed_event_due_index", "due_at"),
    )

    event_id: UUID = Field(primary_key=True, foreign_key="feed_event.id")
    attempts: int
    due_at: datetime
    fault: str

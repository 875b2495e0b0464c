"""Webhooks, the secrets that sign what they get, and each delivery."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    text,
)
from sqlmodel import Field, SQLModel

from services.api.core.making import new_id


def _now() -> datetime:
    return datetime.now(UTC)


class Webhook(SQLModel, table=True):
    """Where events of some sites go; `types` null means all. Never removed: it ends.

    `gone` says that its receiver answered 410 and so made it inactive.
    """

    __tablename__ = "webhook"
    __table_args__ = (
        CheckConstraint("cardinality(sites) > 0", name="webhook_of_sites"),
        CheckConstraint("types IS NULL OR cardinality(types) > 0", name="webhook_of_types"),
        CheckConstraint("ended_at IS NULL OR NOT active", name="webhook_ended_is_inactive"),
        CheckConstraint("NOT (gone AND active)", name="webhook_gone_is_inactive"),
        CheckConstraint("version >= 1", name="webhook_version_from_one"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner: UUID
    url: str
    sites: list[str] = Field(sa_type=ARRAY(String))
    types: list[str] | None = Field(default=None, sa_type=ARRAY(String))
    description: str | None = None
    active: bool = True
    gone: bool = False
    version: int = 1
    created_at: datetime = Field(default_factory=_now)
    ended_at: datetime | None = None


class WebhookSecret(SQLModel, table=True):
    """A secret, encrypted under a key outside the database; the current one has no end."""

    __tablename__ = "webhook_secret"
    __table_args__ = (
        Index(
            "webhook_secret_current_index",
            "webhook_id",
            unique=True,
            postgresql_where=text("signs_until IS NULL"),
        ),
        Index("webhook_secret_webhook_index", "webhook_id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    webhook_id: UUID = Field(foreign_key="webhook.id")
    sealed: bytes = Field(sa_type=LargeBinary)
    signs_until: datetime | None = None


class WebhookDelivery(SQLModel, table=True):
    """One event for one webhook, made when the event is published.

    `lane` is the subject, or the nil UUID for what is of no subject; in a lane
    `position` is the order of delivery. `status` and `fault` tell of the last
    attempt; what a receiver answers is never kept.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        PrimaryKeyConstraint("webhook_id", "event_id"),
        CheckConstraint(
            "state IN ('pending', 'delivered', 'dead')", name="webhook_delivery_state_known"
        ),
        CheckConstraint(
            "state <> 'delivered' OR attempted_at IS NOT NULL", name="webhook_delivery_was_tried"
        ),
        CheckConstraint("attempts >= 0", name="webhook_delivery_attempts_from_zero"),
        Index(
            "webhook_delivery_lane_index",
            "webhook_id",
            "lane",
            "position",
            postgresql_where=text("state = 'pending'"),
        ),
        Index("webhook_delivery_state_index", "webhook_id", "state", "event_id"),
    )

    webhook_id: UUID = Field(foreign_key="webhook.id")
    event_id: UUID = Field(foreign_key="feed_event.id")
    lane: UUID
    position: int = Field(sa_type=BigInteger)
    state: str = "pending"
    attempts: int = 0
    due_at: datetime
    attempted_at: datetime | None = None
    status: int | None = None
    fault: str | None = None

"""One step of a lane: what comes next, and what became of the attempt.

A lane is a webhook's events of one subject. Its next delivery is the first
that is pending; nothing behind it is sent before it is delivered or dead. What
is next is asked of the database each time, and an attempt counts only while
the delivery is pending: two senders of one lane may send the same event
twice, but never a later one too early.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID

import structlog
from sqlalchemy import func
from sqlmodel import Session, col, select

from services.api.core.events import FeedEvent
from services.api.settings import Settings
from services.api.webhooks import service
from services.api.webhooks.models import Webhook, WebhookDelivery
from services.api.webhooks.payload import payload
from services.api.webhooks.rules import pause_after, signed_headers
from services.api.webhooks.schemas import DeliveryState
from services.api.webhooks.sending import Answer, Message

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be sent, and where."""

    webhook_id: UUID
    event_id: UUID
    url: str
    message: Message


def next_of_lane(
    session: Session, settings: Settings, webhook_id: UUID, lane: UUID
) -> Parcel | None:
    """The delivery that is due now, or None: the lane is empty, waits, or is switched off.

    What the owner may not hear of any more is given up here, however long it waited.
    """
    heard = func.may_hear(Webhook.owner, FeedEvent.site)
    query = (
        select(WebhookDelivery, Webhook, FeedEvent, heard)
        .join(Webhook, col(Webhook.id) == col(WebhookDelivery.webhook_id))
        .join(FeedEvent, col(FeedEvent.id) == col(WebhookDelivery.event_id))
        .where(
            WebhookDelivery.webhook_id == webhook_id,
            WebhookDelivery.lane == lane,
            WebhookDelivery.state == DeliveryState.PENDING.value,
        )
        .order_by(col(WebhookDelivery.position))
        .limit(1)
    )
    found = session.exec(query).first()
    if found is None:
        return None
    delivery, webhook, event, may_hear = found
    now = datetime.now(UTC)
    if not webhook.active or delivery.due_at > now:
        return None
    if not may_hear:
        service.give_up_unheard(session, webhook_id, lane)
        return None
    body = payload(event)
    secrets = service.signing_secrets(session, settings, webhook.id)
    headers = signed_headers(secrets, str(event.id), now, body)
    return Parcel(webhook.id, event.id, webhook.url, Message(body, headers))


def settle(session: Session, parcel: Parcel, answer: Answer) -> None:
    """Keep what became of an attempt, unless the delivery was settled meanwhile."""
    is_gone = answer.status == HTTPStatus.GONE
    gone = service.lock_webhook(session, parcel.webhook_id) if is_gone else None
    key = {"webhook_id": parcel.webhook_id, "event_id": parcel.event_id}
    delivery = session.get_one(WebhookDelivery, key, with_for_update=True)
    if delivery.state != DeliveryState.PENDING.value:
        return
    now = datetime.now(UTC)
    delivery.attempts += 1
    delivery.attempted_at, delivery.status = now, answer.status
    delivery.fault = answer.fault.value if answer.fault else None
    pause = pause_after(delivery.attempts)
    if answer.delivered:
        delivery.state = DeliveryState.DELIVERED.value
    elif pause is None:
        delivery.state = DeliveryState.DEAD.value
        named = {"webhook_id": str(parcel.webhook_id), "event_id": str(parcel.event_id)}
        log.warning("delivery_dead", **named)
    else:
        delivery.due_at = now + pause
    session.flush()
    if gone is not None:
        service.deactivate_gone(session, gone)

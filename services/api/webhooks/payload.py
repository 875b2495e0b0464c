"""What a webhook sends: thin, so that what it leads to is read with the reader's own rights."""

import json
from datetime import datetime

from services.api.core.events import EventType, FeedEvent
from services.api.events.schemas import EventRead
from services.api.webhooks.schemas import EventData, EventMessage, NoData, PingMessage


def payload(event: FeedEvent) -> str:
    """The body for an event: the same at each attempt.

    Source: Standard Webhooks, "Payload structure"; `data` is the event as
    `GET /v1/events` shows it.
    """
    data = EventData.model_validate(EventRead.of(event))
    return _body(EventMessage(type=EventType(event.type), timestamp=event.at, data=data))


def ping(at: datetime) -> str:
    """The body that tries an address before it is stored."""
    return _body(PingMessage(type="webhook.ping", timestamp=at, data=NoData()))


def _body(message: EventMessage | PingMessage) -> str:
    return json.dumps(message.model_dump(mode="json"))

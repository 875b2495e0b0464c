"""What a webhook sends: thin, so that what it leads to is read with the reader's own rights."""

import json
from datetime import datetime
from typing import Any

from services.api.core.bodies import rfc3339
from services.api.core.events import FeedEvent
from services.api.events.schemas import EventRead


def payload(event: FeedEvent) -> str:
    """The body for an event: the same at each attempt.

    Source: Standard Webhooks, "Payload structure"; `data` is the event as
    `GET /v1/events` shows it.
    """
    data = EventRead.of(event).model_dump(mode="json", exclude={"type", "at"})
    return _body(event.type, event.at, data)


def ping(at: datetime) -> str:
    """The body that tries an address before it is stored."""
    return _body("webhook.ping", at, {})


def _body(kind: str, at: datetime, data: dict[str, Any]) -> str:
    return json.dumps({"type": kind, "timestamp": rfc3339(at), "data": data})

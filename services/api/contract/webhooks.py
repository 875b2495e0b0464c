"""What webhooks send, described beside what the service answers: each type of event by itself."""

from typing import Any

from services.api.contract.examples import NAME, recorded
from services.api.core.events import EventType
from services.api.language.catalogue import enumerations
from services.api.language.tags import Language
from services.api.webhooks.schemas import EventMessage, PingMessage

Json = dict[str, Any]

HEADERS = {
    "webhook-id": "The event's `id`: an event may come twice, so remember what you have done.",
    "webhook-timestamp": "The time of this attempt, in seconds of Unix time: refuse what is older"
    " than five minutes.",
    "webhook-signature": "One or two signatures (`v1,…`) over id, timestamp and body, by the"
    " webhook's secret and, for a day, by the one before (Standard Webhooks).",
}
ANSWERS = {
    "2XX": "Taken: answer within ten seconds and work afterwards.",
    "410": "Gone: the webhook is switched off at once, and what waits stays.",
    "4XX": "Anything else is tried again for nearly three days.",
}
PING = "webhook.ping"


def add_webhooks(document: Json) -> None:
    """Describe every message that a webhook may be sent."""
    schemas = document["components"]["schemas"]
    for model in (EventMessage, PingMessage):
        described = model.model_json_schema(
            mode="serialization", ref_template="#/components/schemas/{model}"
        )
        for name, schema in described.pop("$defs", {}).items():
            schemas.setdefault(name, schema)
        schemas[model.__name__] = described
    meanings = enumerations(Language.ENGLISH)["EventType"]
    document["webhooks"] = {
        kind.value: {"post": _message(kind.value, meanings[kind].meaning, EventMessage)}
        for kind in EventType
    }
    tried = "Sent to an address before a webhook is made or moved there; any answer will do."
    document["webhooks"][PING] = {"post": _message(PING, tried, PingMessage)}


def _message(kind: str, meaning: str, model: type[EventMessage | PingMessage]) -> Json:
    example = _example(kind)
    shown = {} if example is None else {"examples": {NAME: {"value": example}}}
    return {
        "operationId": f"receive_{kind.replace('.', '_')}",
        "tags": ["webhooks"],
        "summary": meaning.rstrip("."),
        "description": "Sent to the webhooks of the site whose owners may hear of it. It holds no"
        " clinical value and never an arm: follow the links with your own token.",
        "security": [],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{model.__name__}"},
                    **shown,
                }
            },
        },
        "responses": {status: {"description": text} for status, text in ANSWERS.items()},
    }


def _example(kind: str) -> Json | None:
    """The first such event of the story, if it has one."""
    feed = recorded().get("list_events", {}).get("answer", {}).get("items", [])
    if kind == PING:
        return {"type": PING, "timestamp": feed[0]["at"], "data": {}} if feed else None
    for event in feed:
        if event["type"] == kind:
            data = {name: value for name, value in event.items() if name not in {"type", "at"}}
            return {"type": kind, "timestamp": event["at"], "data": data}
    return None

"""Webhooks as their owners see them: the secret comes out once, when it is made."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from services.api.core.bodies import Body, Instant, Omittable, Patch, Reason
from services.api.core.events import EventType
from services.api.core.pagination import Page, PageQuery
from services.api.events.schemas import EventLinks, RecordRef
from services.api.webhooks.sending import DeliveryFault

ID = "019c8a54-0b30-7d44-a3f1-7c6b5a493827"
EVENT = "019c8a53-2f10-7b11-8c42-0d9e8f7a6b5c"
URL = "https://his.nanning.example/trial-events"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwGz3r0vWQd1E="  # an example; no webhook has it

WebhookId = Annotated[
    UUID,
    Path(description="The webhook's `id`; another's does not exist for you.", examples=[ID]),
]
EventPathId = Annotated[
    UUID, Path(description="The event's `id`, sent as `webhook-id`.", examples=[EVENT])
]

Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Sites = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}$")]],
    Field(min_length=1, max_length=50),
    AfterValidator(lambda codes: sorted(set(codes))),
]
Types = Annotated[
    list[EventType],
    Field(min_length=1, max_length=100),
    AfterValidator(lambda types: sorted(set(types))),
]
Description = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class WebhookLinks(BaseModel):
    """Where the webhook is found."""

    self: str = Field(
        description="Where the webhook is read and changed.", examples=[f"/v1/webhooks/{ID}"]
    )
    deliveries: str = Field(
        description="What was sent to it, and what is to be.",
        examples=[f"/v1/webhooks/{ID}/deliveries"],
    )


class WebhookCreate(Body):
    """Where events are to be sent."""

    url: Url = Field(description="Where to: https, without credentials.", examples=[URL])
    sites: Sites = Field(description="Events of these sites.", examples=[["NN"]])
    types: Omittable[Types] = Field(
        default=None,
        description="Only these types of events; all of them, also future ones, if left out.",
        examples=[["subject.randomized", "adverse_event.reported"]],
    )
    description: Omittable[Description] = Field(
        default=None,
        description="Your own note of its purpose.",
        examples=["Hospital information system"],
    )


class WebhookPatch(Patch):
    """A change of a webhook; a new address is tried at once."""

    removable = frozenset({"types", "description"})

    url: Omittable[Url] = Field(
        default=None, description="The new address: https, without credentials.", examples=[URL]
    )
    sites: Omittable[Sites] = Field(
        default=None, description="Events of these sites.", examples=[["NN"]]
    )
    types: Types | None = Field(
        default=None,
        description="Only these types; null: all of them.",
        examples=[["subject.randomized"]],
    )
    description: Description | None = Field(
        default=None,
        description="Your own note of its purpose; null takes it away.",
        examples=["Hospital information system"],
    )
    active: Omittable[bool] = Field(
        default=None,
        description="False: nothing is sent. What happens meanwhile is read from the feed.",
        examples=[True],
    )
    reason: Reason = Field(
        description="Why it changes.", examples=["The receiver moved to a new address"]
    )


class WebhookRead(BaseModel):
    """A webhook."""

    id: UUID = Field(examples=[ID])
    version: int = Field(description="Counts its changes.", examples=[1])
    owner: UUID = Field(
        description="The account that made it.", examples=["019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"]
    )
    url: str = Field(description="Where events are sent.", examples=[URL])
    sites: list[str] = Field(description="Events of these sites.", examples=[["NN"]])
    types: list[str] | None = Field(
        description="Only these types; null: all.", examples=[["subject.randomized"]]
    )
    description: str | None = Field(
        description="The owner's note of its purpose.", examples=["Hospital information system"]
    )
    active: bool = Field(description="Whether events are sent.", examples=[True])
    gone: bool = Field(
        description="Whether it was made inactive because its receiver answered 410.",
        examples=[False],
    )
    created_at: Instant = Field(examples=["2026-04-09T02:15:00Z"])
    ended_at: Instant | None = Field(
        description="When it was ended for good; null while it was not.", examples=[None]
    )
    links: WebhookLinks = Field(description="Where it is found.")


class WebhookMade(WebhookRead):
    """A webhook with its secret, which is never shown again."""

    secret: str = Field(
        description="Verifies what is sent: keep it where passwords are kept.", examples=[SECRET]
    )


class SecretMade(BaseModel):
    """A new secret, which is never shown again."""

    secret: str = Field(description="Signs from now on.", examples=[SECRET])
    before_signs_until: Instant = Field(
        description="Until then the secret before signs as well.",
        examples=["2026-04-10T02:15:00Z"],
    )


class WebhookPage(Page[WebhookRead]):
    """Webhooks, active or not, oldest first."""


class DeliveryRead(BaseModel):
    """One event on its way to a webhook."""

    event_id: UUID = Field(description="The event: sent as `webhook-id`.", examples=[EVENT])
    state: DeliveryState = Field(
        description="`pending`: is tried, or waits for the one before of the same subject."
        " `delivered`: the receiver answered 2xx. `dead`: given up after three days.",
        examples=["delivered"],
    )
    attempts: int = Field(
        description="How often it was tried since it was made or replayed.", examples=[1]
    )
    attempted_at: Instant | None = Field(
        description="When it was tried last; null before.", examples=["2026-04-09T02:15:01Z"]
    )
    due_at: Instant | None = Field(
        description="When it is tried next, at the earliest; null once it is not.", examples=[None]
    )
    status: int | None = Field(
        description="HTTP status of the last attempt; null if there was no answer.", examples=[204]
    )
    fault: DeliveryFault | None = Field(
        description="Why the last attempt failed, or why there is none any more; else null.",
        examples=[None],
    )


class DeliveryPage(Page[DeliveryRead]):
    """Deliveries of a webhook, in the order in which their events were told."""


class EventData(BaseModel):
    """An event as a webhook tells it: what the feed says, without type and time."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(
        description="The event, as the feed names it: the same as `webhook-id`.", examples=[EVENT]
    )
    site: str | None = Field(
        description="Where; null for what concerns the whole trial.", examples=["NN"]
    )
    subject_id: UUID | None = Field(
        description="Whom it is about; null where it is about nobody.",
        examples=["019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"],
    )
    record: RecordRef = Field(description="What happened to: read it by its link.")
    links: EventLinks = Field(description="Where to read more, with your own token.")


class EventMessage(BaseModel):
    """What a webhook sends when something happened (Standard Webhooks)."""

    type: EventType = Field(
        description="What happened; the set may grow.", examples=["subject.randomized"]
    )
    timestamp: Instant = Field(
        description="When it was told: the feed's `at`.", examples=["2026-04-09T02:15:00Z"]
    )
    data: EventData = Field(description="The event itself, without clinical values.")


class NoData(BaseModel):
    """Nothing: a trial tells of no event."""


class PingMessage(BaseModel):
    """What tries an address before it is kept."""

    type: Literal["webhook.ping"] = Field(description="Only this: it tells of no event.")
    timestamp: Instant = Field(description="When it was sent.", examples=["2026-04-09T02:15:00Z"])
    data: NoData = Field(description="An empty object.")


class DeliveryFilter(PageQuery):
    """Which deliveries."""

    state: DeliveryState | None = Field(
        default=None, description="Only in this state.", examples=["dead"]
    )

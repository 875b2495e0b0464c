"""The feed as its readers see it: what happened, to which record, never with clinical data."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.core.bodies import Instant
from services.api.core.events import EventType, FeedEvent
from services.api.core.pagination import Page, PageQuery
from services.api.events.rules import record_path, subject_path

EVENT = "019c8a53-2f10-7b11-8c42-0d9e8f7a6b5c"
SUBJECT = "019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"


class RecordRef(BaseModel):
    """The record that an event is about."""

    kind: str = Field(
        description="Which kind of record: the part of the event's type before the point, or what"
        " it belongs to.",
        examples=["subject"],
    )
    id: str = Field(description="Which one: its `id`, or a visit's code.", examples=[SUBJECT])


class EventLinks(BaseModel):
    """Where to read what the event does not say, as paths of this service."""

    subject: str | None = Field(
        description="The subject; null where the event is about none.",
        examples=[f"/v1/subjects/{SUBJECT}"],
    )
    record: str | None = Field(
        description="The record; null where it has no address of its own.",
        examples=[f"/v1/subjects/{SUBJECT}"],
    )


class EventRead(BaseModel):
    """Something that happened: which kind, when, and to which record."""

    id: UUID = Field(
        description="The event. A webhook sends the same as `webhook-id`.", examples=[EVENT]
    )
    type: EventType = Field(description="What happened.", examples=["subject.randomized"])
    at: Instant = Field(description="When it was told.", examples=["2026-04-09T02:15:00Z"])
    site: str | None = Field(
        description="The site; null for what concerns the whole trial.", examples=["NN"]
    )
    subject_id: UUID | None = Field(
        description="The subject; null where it is about none.", examples=[SUBJECT]
    )
    record: RecordRef = Field(description="What happened to: read it by its link.")
    links: EventLinks = Field(description="Where to read more.")

    @classmethod
    def of(cls, event: FeedEvent) -> "EventRead":
        """An event as it is told to others."""
        return cls(
            id=event.id,
            type=EventType(event.type),
            at=event.at,
            site=event.site,
            subject_id=event.subject_id,
            record=RecordRef(kind=event.record, id=event.record_id),
            links=EventLinks(
                subject=subject_path(event.subject_id),
                record=record_path(event.record, event.record_id, event.subject_id),
            ),
        )


class EventPage(Page[EventRead]):
    """Events in the order in which they were published.

    Go on with `after` = the `id` of the last item, now or at any later time;
    `next_cursor` is that id while more events follow at once, else null.
    """


EventId = Annotated[
    UUID,
    Field(description="Only events after this one: the last that you have.", examples=[EVENT]),
]


class EventFilter(PageQuery):
    """Where to go on, and which events."""

    cursor: str | None = Field(
        default=None,
        max_length=64,
        description="`next_cursor` of the page before; the same as `after`.",
    )
    after: EventId | None = None
    type: EventType | None = Field(
        default=None, description="Only this type.", examples=["subject.randomized"]
    )

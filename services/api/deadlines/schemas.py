"""Deadlines of safety reporting as callers see them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints

from services.api.core.bodies import Instant
from services.api.core.pagination import Page, PageQuery
from services.api.deadlines.cases import LapseCause
from services.api.deadlines.rules import DeadlineState
from services.api.enrolment.schemas import SiteCode
from services.api.protocol.safety import Recipient

DEADLINE = "019c8a58-41d2-7e6f-9b13-7f6e5d4c3b21"
EVENT = "019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19"
SUBJECT = "019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"
SUBMISSION = "019c8a5b-02e3-7a4c-8d35-8a7b6c5d4e32"

DeadlineId = Annotated[
    UUID,
    Path(
        description="The deadline's `id`; one of another site does not exist for you.",
        examples=[DEADLINE],
    ),
]


class DeadlineLinks(BaseModel):
    """Where to go from a deadline."""

    self: str = Field(
        description="The deadline as it is now.", examples=[f"/v1/safety/deadlines/{DEADLINE}"]
    )
    versions: str = Field(
        description="What it was before.", examples=[f"/v1/safety/deadlines/{DEADLINE}/versions"]
    )
    subject: str = Field(
        description="Whose safety it is about.", examples=[f"/v1/subjects/{SUBJECT}"]
    )
    adverse_event: str = Field(
        description="The occurrence that started the clock.",
        examples=[f"/v1/adverse-events/{EVENT}"],
    )
    submissions: str = Field(
        description="What was sent about the case.",
        examples=[f"/v1/adverse-events/{EVENT}/submissions"],
    )


class DeadlineRead(BaseModel):
    """One report that is owed to one recipient, and where it stands."""

    id: UUID = Field(examples=[DEADLINE])
    version: int = Field(description="How often it came out differently.", examples=[1])
    site: str = Field(examples=["NN"])
    subject_id: UUID = Field(examples=[SUBJECT])
    case_id: UUID = Field(
        description="The case: the `id` of its first occurrence.", examples=[EVENT]
    )
    event_id: UUID = Field(description="The occurrence that started the clock.", examples=[EVENT])
    event_version: int = Field(
        description="The version of that occurrence which started it.", examples=[1]
    )
    clock: str = Field(
        description="The protocol's clock (`adverse_events.clocks`).", examples=["susar_other"]
    )
    recipient: Recipient = Field(description="Who is to be told.", examples=["regulator"])
    follow_up: bool = Field(
        description="Whether it is the second report of the clock, which follows the first.",
        examples=[False],
    )
    opening: int = Field(
        description="How often the case has started this clock; each start has its own deadline.",
        examples=[1],
    )
    day_zero: Instant = Field(
        description="When the site learnt of what started the clock.",
        examples=["2026-04-11T01:15:00Z"],
    )
    due_at: Instant = Field(
        description="The last moment in time.", examples=["2026-04-26T15:59:59.999999Z"]
    )
    due_on: date | None = Field(
        description="The last local day; null for a clock of hours.", examples=["2026-04-26"]
    )
    state: DeadlineState = Field(
        description="`due`: to be met. `overdue`: not met, and its last moment has passed."
        " `met`: reported. `lapsed`: nothing is owed any more. By the clinical clock, now.",
        examples=["due"],
    )
    late: bool = Field(
        description="Whether it is overdue, or was so when it was met or lapsed.",
        examples=[False],
    )
    provisional: bool = Field(
        description="Whether it is owed only because nobody has judged yet if the reaction was"
        " expected.",
        examples=[True],
    )
    met_by: UUID | None = Field(
        description="The submission that met it; null unless met.", examples=[SUBMISSION]
    )
    met_at: Instant | None = Field(
        description="When that was sent; null unless met.", examples=["2026-04-20T08:00:00Z"]
    )
    lapsed_at: Instant | None = Field(
        description="When what ended the clock was recorded; null unless lapsed.", examples=[None]
    )
    lapsed_because: LapseCause | None = Field(
        description="What ended the clock; null unless lapsed. `upgraded`: a shorter clock took"
        " its place.",
        examples=[None],
    )
    protocol_version: str = Field(
        description="The protocol whose clocks were used.", examples=["1.0"]
    )
    recorded_at: Instant = Field(
        description="When this version was derived.", examples=["2026-04-11T01:20:00Z"]
    )
    links: DeadlineLinks


class DeadlinePage(Page[DeadlineRead]):
    """Deadlines in the order of their opening, or the versions of one, oldest first."""


class DeadlineQuery(PageQuery):
    """Filters of the list of deadlines."""

    state: list[DeadlineState] = Field(
        default=[], max_length=4, description="Only in these states.", examples=[["overdue"]]
    )
    late: bool | None = Field(
        default=None,
        description="Only those that are overdue or were so when they were met or lapsed, or only"
        " others.",
        examples=[True],
    )
    site: SiteCode | None = Field(default=None, description="Only this site.", examples=["NN"])
    subject_id: UUID | None = Field(
        default=None, description="Only about this subject.", examples=[SUBJECT]
    )
    case_id: UUID | None = Field(
        default=None, description="Only about this case.", examples=[EVENT]
    )
    event_id: UUID | None = Field(
        default=None, description="Only those that this occurrence started.", examples=[EVENT]
    )
    recipient: Recipient | None = Field(
        default=None, description="Only those owed to this recipient.", examples=["regulator"]
    )
    clock: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,63}$")] | None = Field(
        default=None, description="Only of this clock.", examples=["serious_to_sponsor"]
    )

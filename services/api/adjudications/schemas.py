"""Adjudications as callers see them."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field

from services.api.core.bodies import Body, Instant, Reason
from services.api.core.pagination import Page, PageQuery
from services.api.enrolment.schemas import SiteCode

ID = "019c8a55-3c12-7b4f-9d20-6e8f1a2b3c4d"
REASON = "Both photographs show a confluent membrane on the soft palate"


class AdjudicationStatus(StrEnum):
    """Whether an adjudicator has decided."""

    OPEN = "open"
    DECIDED = "decided"


class AdjudicationPatch(Body):
    """The adjudicator's decision, or the correction of one."""

    grade: Annotated[int, Field(ge=0, le=4)] = Field(
        examples=[3], description="On the protocol's scale; it counts for the visit."
    )
    reason: Reason = Field(
        examples=[REASON], description="What the decision rests on. It is always needed."
    )


class AdjudicationRead(BaseModel):
    """A visit whose gradings differ, and what was decided about it."""

    id: UUID = Field(examples=[ID])
    subject_id: UUID = Field(examples=["019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"])
    site: str = Field(examples=["NN"])
    visit: str = Field(
        examples=["RT4A"], description="Read its gradings at the subject's visit of this code."
    )
    status: AdjudicationStatus = Field(
        examples=["decided"],
        description="Whether it was decided; the endpoint waits for those that are open.",
    )
    grade: int | None = Field(
        examples=[3], description="The grade that counts for the visit; null while it is open."
    )
    adjudicator: UUID | None = Field(
        examples=["019c8a50-11aa-7d3c-8e0f-2b4c6d8e0f1a"],
        description="Who decided last; null while it is open.",
    )
    reason: str | None = Field(examples=[REASON], description="What the decision rests on.")
    protocol_version: str = Field(
        examples=["1.0"], description="The protocol in force when this version was recorded."
    )
    recorded_at: Instant = Field(
        examples=["2026-04-08T03:00:00Z"], description="When it was opened, or decided last."
    )
    version: int = Field(
        examples=[2], description="1 as the service opened it, 2 with the decision."
    )


class AdjudicationPage(Page[AdjudicationRead]):
    """Adjudications in the order in which they were opened."""


class AdjudicationQuery(PageQuery):
    """Filters of the list of adjudications."""

    site: SiteCode | None = Field(default=None, description="Only this site.", examples=["NN"])
    subject_id: UUID | None = Field(
        default=None,
        description="Only this subject.",
        examples=["019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"],
    )
    status: AdjudicationStatus | None = Field(
        default=None, description="Only open or only decided ones.", examples=["open"]
    )


AdjudicationId = Annotated[
    UUID,
    Path(
        description="The adjudication's `id`; one of another site does not exist for you.",
        examples=[ID],
    ),
]

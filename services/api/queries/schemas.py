"""Data queries as callers see them."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints

from services.api.core.bodies import Body, Instant, Omittable
from services.api.core.pagination import Page, PageQuery
from services.api.core.permissions import Role
from services.api.enrolment.schemas import SiteCode
from services.api.queries.rules import QueryAction, QueryOrigin, QueryStatus, RecordKind

QueryId = Annotated[
    UUID,
    Path(
        description="The query's `id`; one of another site does not exist for you.",
        examples=["019c8a53-1c40-7a5e-b1d2-6a7b8c9d0e1f"],
    ),
]
Text = Annotated[str, StringConstraints(min_length=3, max_length=2000, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]

ASKED = "The source record says 9 April; please check the date of the visit"


class QueryCreate(Body):
    """A question about something recorded."""

    subject_id: UUID = Field(examples=["019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"])
    record: RecordKind = Field(description="Which kind of record it is about.", examples=["visit"])
    record_id: Omittable[Name] = Field(
        default=None,
        description="Which one: the code of a visit, the `id` of a consent, grading, adverse event,"
        " deviation or exposure. Left out where a subject has one only.",
        examples=["RT1A"],
    )
    field: Omittable[Name] = Field(
        default=None,
        description="The field in question, by its name in that record; of eligibility, the id of"
        " a fact. Left out where the whole record is meant.",
        examples=["date"],
    )
    text: Text = Field(
        description="The question. An assessor reads those about their own gradings: name no arm.",
        examples=[ASKED],
    )


class NextStep(StrEnum):
    """How a query's conversation may go on, once it was raised."""

    ANSWER = QueryAction.ANSWER.value
    REOPEN = QueryAction.REOPEN.value
    CLOSE = QueryAction.CLOSE.value


class QueryPatch(Body):
    """The next step of a query's conversation."""

    action: NextStep = Field(
        description="The site answers; whoever raised the query closes or reopens it, and a data"
        " manager may.",
        examples=["answer"],
    )
    text: Text = Field(
        description="The answer, what is still missing, or why it is settled.",
        examples=["Corrected from the source record"],
    )


class QueryStepRead(BaseModel):
    """One step of a query's conversation."""

    action: QueryAction = Field(description="What was done.", examples=["raise"])
    text: str = Field(description="What was said.", examples=[ASKED])
    name: str | None = Field(
        description="Who said it; null where the service did.", examples=["Qin Yuhan"]
    )
    role: Role | None = Field(
        description="As what they said it; null where the service did.", examples=["monitor"]
    )
    recorded_at: Instant = Field(examples=["2026-04-10T02:15:00Z"])


class QueryRead(BaseModel):
    """A data query with its whole conversation."""

    id: UUID = Field(examples=["019c8a53-1c40-7a5e-b1d2-6a7b8c9d0e1f"])
    version: int = Field(description="How many steps it has had.", examples=[1])
    site: str = Field(examples=["NN"])
    subject_id: UUID = Field(examples=["019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"])
    record: RecordKind = Field(description="Which kind of record it is about.", examples=["visit"])
    record_id: str | None = Field(
        description="Which one; null where a subject has one only.", examples=["RT1A"]
    )
    field: str | None = Field(
        description="The field in question; null where the whole record is meant.",
        examples=["date"],
    )
    origin: QueryOrigin = Field(
        description="`system`: raised by the service, which also closes it when the data is"
        " corrected.",
        examples=["person"],
    )
    code: str | None = Field(
        description="What the service noticed; null for people's queries.", examples=[None]
    )
    status: QueryStatus = Field(
        description="`open`: the site's turn. `answered`: the opener's. `closed`: settled.",
        examples=["open"],
    )
    raised_at: Instant = Field(
        description="When it was raised, in the trial's time; its age counts from that day.",
        examples=["2026-04-10T02:15:00Z"],
    )
    conversation: list[QueryStepRead] = Field(description="Every step, oldest first.")


class QueryPage(Page[QueryRead]):
    """Data queries, in the order in which they were raised."""


class QueryFilter(PageQuery):
    """Filters of the list of data queries."""

    site: SiteCode | None = Field(default=None, description="Only this site.", examples=["NN"])
    status: QueryStatus | None = Field(
        default=None, description="Only this status.", examples=["open"]
    )
    subject_id: UUID | None = Field(default=None, description="Only this subject.")
    record: RecordKind | None = Field(
        default=None, description="Only about this kind of record.", examples=["visit"]
    )
    origin: QueryOrigin | None = Field(
        default=None, description="Only people's, or only the service's.", examples=["person"]
    )

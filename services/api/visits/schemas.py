"""Visits as callers see them."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.api.core.bodies import Body, ChangeReason, LocalDate, Reason
from services.api.core.pagination import Page, PageQuery
from services.api.enrolment.schemas import SiteCode
from services.api.visits.rules import VisitFlag, VisitStatus


class DateRange(BaseModel):
    """Local calendar dates, both included; an open end is null."""

    model_config = ConfigDict(populate_by_name=True)

    from_: date = Field(alias="from", examples=["2026-03-16"], description="The first day.")
    to: date | None = Field(
        examples=["2026-03-18"], description="The last day; null while it is open."
    )


class VisitRead(BaseModel):
    """A visit as scheduled and as recorded."""

    code: str = Field(
        examples=["RT1A"], description="The visit's code in the schedule, unique for the subject."
    )
    label: str = Field(
        examples=["Radiotherapy week 1, first grading"],
        description="The visit in words, as the protocol names it.",
    )
    planned_on: date | None = Field(description="Null when the visit left the schedule.")
    window: DateRange | None = Field(
        description="The local days on which it may take place without a flag; null when it left"
        " the schedule."
    )
    status: VisitStatus = Field(description="How it stands today.")
    date: LocalDate | None = Field(description="The local date on which it took place.")
    missed_reason: str | None = Field(examples=["Clinic closed for the holiday"])
    flags: list[VisitFlag] = Field(description="What is unusual about the recorded date.")
    graded: bool = Field(description="Whether the protocol asks for a grading.")
    awaits_grading: bool = Field(
        description="Whether it took place, the protocol asks for a grading, and you see none of"
        " it: `GET …/gradings` is empty. For an assessor, who sees the gradings of others only"
        " after their own, it says that they have not graded it, and never whether somebody else"
        " has, so that a second grading stays independent; for everybody else, that nobody has."
        " False where none can be recorded any more, as the subject failed screening or had left"
        " the study before that day.",
        examples=[False],
    )
    reason: str | None = Field(
        description="Why the record was changed last.", examples=["Wrong date entered"]
    )
    version: int = Field(description="0 before anything is recorded.", examples=[1])


class VisitList(Page[VisitRead]):
    """Visits of a subject in chronological order."""


class SubjectVisitRead(VisitRead):
    """A visit, and whose it is."""

    subject_id: UUID = Field(examples=["019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"])
    number: str = Field(
        examples=["NN-0001"],
    )
    site: str = Field(examples=["NN"])


class SubjectVisitPage(Page[SubjectVisitRead]):
    """Visits of the subjects of your sites, by subject in the order of enrolment, then by day.

    A filter that leaves out nearly everything may end a page early: go on as
    long as there is a `next_cursor`.
    """


class VisitQuery(PageQuery):
    """Filters of the list of all visits."""

    site: SiteCode | None = Field(default=None, description="Only this site.", examples=["NN"])
    status: list[VisitStatus] = Field(
        default_factory=list,
        max_length=len(VisitStatus),
        description="Only in one of these; give it once for each.",
        examples=[["due", "overdue"]],
    )
    awaits_grading: bool | None = Field(
        default=None,
        description="Only those that await a grading, or only others: of an assessor, one of"
        " their own.",
        examples=[True],
    )
    from_: LocalDate | None = Field(
        default=None,
        alias="from",
        description="Only planned on this day or later.",
        examples=["2026-03-16"],
    )
    to: LocalDate | None = Field(
        default=None,
        description="Only planned on this day or earlier.",
        examples=["2026-03-18"],
    )


class VisitPut(Body):
    """What happened: the date it took place, or why it was missed."""

    date: LocalDate | None = Field(
        default=None,
        examples=["2026-03-17"],
        description="The local day on which it took place; leave it out, or null, if it was"
        " missed.",
    )
    missed_reason: Reason | None = Field(default=None, examples=["Clinic closed for the holiday"])
    reason: ChangeReason

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        """A visit took place or was missed."""
        if (self.date is None) == (self.missed_reason is None):
            raise ValueError("give either date or missed_reason")
        return self


VisitCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,15}$"),
    Path(description="The visit's code in the schedule.", examples=["RT4A"]),
]

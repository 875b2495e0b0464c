"""Discontinuations as callers see them."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from services.api.core.bodies import Body, ChangeReason, Instant, LocalDate
from services.api.discontinuations.rules import StudyCause, TreatmentCause

Detail = Annotated[
    str,
    StringConstraints(min_length=3, max_length=2000, strip_whitespace=True),
    Field(
        examples=["Burning after each spray, worse from week to week"],
        description="What happened, in a sentence or two.",
    ),
]


class TreatmentEndWrite(Body):
    """When and why the study drug was given up; the follow-up goes on."""

    on: LocalDate = Field(
        examples=["2026-04-09"],
        description="The last local day on which it may have been taken: not before randomization.",
    )
    cause: TreatmentCause = Field(
        examples=["adverse_event"], description="Why the study drug was given up."
    )
    detail: Detail


class StudyEndWrite(Body):
    """When and why the subject left the study."""

    on: LocalDate = Field(
        examples=["2026-05-11"],
        description="The local day: of the withdrawal, the death, or the last contact with a"
        " subject who is lost.",
    )
    cause: StudyCause = Field(
        examples=["lost_to_follow_up"],
        description="Why; it decides the subject's status: `withdrawn`, `lost_to_follow_up` or"
        " `died`.",
    )
    detail: Detail


class DiscontinuationPut(Body):
    """What was discontinued, as it is known now; what is left out goes on."""

    treatment: TreatmentEndWrite | None = Field(
        default=None, description="The end of the study drug, of a subject who receives it."
    )
    study: StudyEndWrite | None = Field(
        default=None, description="The end of the subject's part in the study; it stays."
    )
    reason: ChangeReason


class TreatmentEndRead(BaseModel):
    """When and why the study drug was given up."""

    on: date = Field(
        examples=["2026-04-09"], description="The last local day on which it may have been taken."
    )
    cause: TreatmentCause = Field(
        examples=["adverse_event"], description="Why the study drug was given up."
    )
    detail: Detail


class StudyEndRead(BaseModel):
    """When and why the subject left the study."""

    on: date = Field(
        examples=["2026-05-11"],
        description="The local day of the withdrawal, the death, or the last contact.",
    )
    cause: StudyCause = Field(examples=["lost_to_follow_up"], description="Why the subject left.")
    detail: Detail


class DiscontinuationRead(BaseModel):
    """What was discontinued; treatment and study are null as long as they go on."""

    treatment: TreatmentEndRead | None = Field(default=None, description="The study drug's end.")
    study: StudyEndRead | None = Field(default=None, description="The end of the subject's part.")
    treatment_ended_on: date | None = Field(
        default=None,
        examples=["2026-04-09"],
        description="The last day on which study drug may be recorded: leaving the study ends"
        " the treatment too.",
    )
    protocol_version: str | None = Field(default=None, examples=["1.0"])
    reason: str | None = Field(default=None, examples=["Day of the last contact corrected"])
    recorded_at: Instant | None = Field(default=None, examples=["2026-05-12T02:30:00Z"])
    version: int = Field(default=0, description="0 before anything is recorded.", examples=[1])

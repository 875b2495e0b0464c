"""Submissions of safety reports as callers see them."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints

from services.api.core.bodies import Body, Instant, Omittable, Patch, Reason
from services.api.core.pagination import Page
from services.api.deadlines.rules import SubmissionKind
from services.api.protocol.safety import Recipient

EVENT = "019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19"
SUBMISSION = "019c8a5b-02e3-7a4c-8d35-8a7b6c5d4e32"

SubmissionId = Annotated[
    UUID, Path(description="The submission's `id`, of that event's case.", examples=[SUBMISSION])
]
Receipt = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    Field(
        description="How the recipient acknowledged it: a number or reference, no person's name.",
        examples=["ACK-2026-004711"],
    ),
]
SubmittedAt = Annotated[
    Instant, Field(description="When it was sent.", examples=["2026-04-20T08:00:00Z"])
]


class SubmissionCreate(Body):
    """The record that a case was reported."""

    recipient: Recipient = Field(description="Who was told.", examples=["regulator"])
    kind: SubmissionKind = Field(
        description="`initial`: the first report of the case to this recipient. `follow_up`: more"
        " about it. `nullification`: that it is void.",
        examples=["initial"],
    )
    submitted_at: SubmittedAt
    event_version: Omittable[Annotated[int, Field(ge=1, le=2_147_483_647)]] = Field(
        default=None,
        description="The version of the event that was sent; if left out, the one that the record"
        " held at that moment.",
        examples=[1],
    )
    receipt: Receipt | None = None


class SubmissionPatch(Patch):
    """A correction: of when it was sent, of the receipt, or that nothing was sent at all."""

    removable: ClassVar[frozenset[str]] = frozenset({"receipt"})

    submitted_at: Omittable[SubmittedAt] = Field(
        default=None, description="When it was sent, corrected."
    )
    receipt: Receipt | None = None
    withdrawn: Omittable[
        Annotated[
            Literal[True],
            Field(description="It was recorded in error: nothing was sent.", examples=[True]),
        ]
    ] = None
    reason: Reason = Field(examples=["The receipt arrived"])


class SubmissionRead(BaseModel):
    """One report of a case to one recipient, in its current version."""

    id: UUID = Field(examples=[SUBMISSION])
    version: int = Field(description="How often it was recorded or corrected.", examples=[1])
    site: str = Field(examples=["NN"])
    subject_id: UUID = Field(examples=["019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"])
    case_id: UUID = Field(
        description="The case: the `id` of its first occurrence.", examples=[EVENT]
    )
    event_id: UUID = Field(description="The occurrence that was sent.", examples=[EVENT])
    event_version: int = Field(description="The version of it that was sent.", examples=[1])
    recipient: Recipient = Field(description="Who was told.", examples=["regulator"])
    kind: SubmissionKind = Field(description="What was sent.", examples=["initial"])
    submitted_at: Instant = Field(
        description="When it was sent: the clock of the deadline stops at this moment.",
        examples=["2026-04-20T08:00:00Z"],
    )
    receipt: str | None = Field(
        description="How the recipient acknowledged it; null until then.",
        examples=["ACK-2026-004711"],
    )
    withdrawn: bool = Field(
        description="Whether it was recorded in error; then it meets no deadline.",
        examples=[False],
    )
    reason: str | None = Field(description="Why it was changed last.", examples=[None])
    protocol_version: str = Field(description="The protocol at that time.", examples=["1.0"])
    recorded_at: Instant = Field(
        description="When this version was recorded.", examples=["2026-04-20T08:05:00Z"]
    )


class SubmissionPage(Page[SubmissionRead]):
    """Submissions about a case, in the order of recording."""

"""The trail and its checkpoints as callers see them."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.api.audit.wording import AuditAction
from services.api.core.bodies import Instant, JsonObject, JsonValue
from services.api.core.pagination import Page, PageQuery
from services.api.enrolment.schemas import SiteCode


class ActorRead(BaseModel):
    """Who acted, as the account was named and what its role was at that time."""

    id: str | None = Field(
        examples=["5f0c2a7e-1b7d-5c54-9c39-6d0f7a4f2a11"],
        description="The account; null of the service itself.",
    )
    name: str | None = Field(
        examples=["Demo investigator, Nanning"], description="As the account was named then."
    )
    role: str | None = Field(
        examples=["investigator"],
        description="The role it acted in; `worker` is the service itself.",
    )


class AuditedSubject(BaseModel):
    """Whom it was about."""

    id: UUID = Field()
    number: str | None = Field(examples=["NN-0001"])


class ChangeRead(BaseModel):
    """One field, before and after; of a record's first version, from null."""

    field: str = Field(examples=["grade"], description="The field, by its name in the record.")
    old: JsonValue = Field(
        examples=[2], description="What it said before; null of a record's first version."
    )
    new: JsonValue = Field(examples=[3], description="What it says since.")


class AuditEventRead(BaseModel):
    """Something that was done: by whom, when, to what, from what to what, and why."""

    id: int = Field(description="Rises in the order of writing.", examples=[1042])
    at: Instant = Field(description="When, by the service's own clock (21 CFR 11.10(e)).")
    actor: ActorRead | None = Field(description="Null where nobody was signed in.")
    action: str = Field(
        examples=["grading corrected"],
        description="What was done, in the words that the filter `action` takes.",
    )
    site: str | None = Field(
        examples=["NN"], description="Where; null of what concerns the whole trial."
    )
    subject: AuditedSubject | None = Field(
        description="Whom it was about; null where it was about nobody."
    )
    record: str = Field(
        description="The kind of record, or the operation that was read or refused.",
        examples=["grading"],
    )
    record_id: str = Field(
        examples=["019c8a52-8f31-7d02-8b6e-2c9d4e7f1a35"],
        description="Which record of that kind, by its `id` or its name; empty of a list.",
    )
    changes: list[ChangeRead] = Field(
        description="Each field that changed; empty where nothing was written."
    )
    detail: JsonObject | None = Field(description="What else is known where no row changed.")
    reason: str | None = Field(
        examples=["Misread the source"],
        description="Why, as whoever did it said; null where no reason is asked.",
    )
    request_id: str | None = Field(
        description="The `X-Request-Id` under which it was asked for: quote it to find it in logs."
    )
    summary: str = Field(
        description="All of it in one sentence.",
        examples=[
            "Wei Lan (investigator) corrected a grading of subject NN-0001: grade from 2 to 3."
        ],
    )


class AuditEventPage(Page[AuditEventRead]):
    """One page of the audit trail, in the order of writing."""


class TrailFormat(StrEnum):
    """JSON, page by page; or one table of all that the filters leave."""

    JSON = "json"
    CSV = "csv"


class AuditQuery(PageQuery):
    """Filters of the audit trail."""

    subject: UUID | None = Field(default=None, description="Only about the subject with this id.")
    actor: UUID | None = Field(default=None, description="Only by the account with this id.")
    action: AuditAction | None = Field(default=None, description="Only this action.")
    record: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,60}$")] | None = Field(
        default=None, description="Only about this kind of record.", examples=["grading"]
    )
    site: SiteCode | None = Field(default=None, description="Only at this site.", examples=["NN"])
    since: Instant | None = Field(
        default=None, alias="from", description="Only at this time or later."
    )
    until: Instant | None = Field(default=None, alias="to", description="Only before this time.")
    format: TrailFormat = Field(
        default=TrailFormat.JSON,
        description="`csv`: all that the filters leave, as a table.",
    )


class CheckpointRead(BaseModel):
    """A seal over events: keep it, and `trial audit verify --against` proves them unchanged."""

    number: int = Field(description="From 1, without gaps.", examples=[17])
    statement: str = Field(
        description="A compact JWS (RFC 7515): number, time, events, Merkle root (RFC 6962) and"
        " the SHA-256 of the statement before.",
        examples=["eyJhbGciOiJFUzI1NiJ9.eyJudW1iZXIiOjE3fQ.c2lnbmF0dXJl"],
    )


class CheckpointPage(Page[CheckpointRead]):
    """One page of checkpoints, oldest first."""

"""Freezing and locking as callers see it."""

from pydantic import BaseModel, ConfigDict, Field

from services.api.core.bodies import Body, Instant, Reason
from services.api.locks.rules import LockState


class LockPut(Body):
    """What may be written from now on, and why."""

    state: LockState = Field(
        description="`open`: the site records. `frozen`: the site changes no clinical data;"
        " safety reporting, withdrawals of consent, queries, verification and corrections go on."
        " `locked`: nobody changes anything.",
        examples=["frozen"],
    )
    reason: Reason = Field(
        description="Why: kept with the change.",
        examples=["Follow-up complete, gradings verified"],
    )


class LockRead(BaseModel):
    """What may be written, since when, by whose decision and why."""

    model_config = ConfigDict(from_attributes=True)

    version: int = Field(description="How often the state has changed.", examples=[1])
    state: LockState = Field(
        description="`open`: the site records. `frozen`: the site changes no clinical data."
        " `locked`: nobody changes anything.",
        examples=["frozen"],
    )
    since: Instant | None = Field(
        description="When it was put into that state; null where it was always open.",
        examples=["2026-11-20T03:00:00Z"],
    )
    by: str | None = Field(
        description="Who put it there; null where it was always open.", examples=["Mo Lin"]
    )
    reason: str | None = Field(
        description="Why; null where it was always open.",
        examples=["Follow-up complete, gradings verified"],
    )

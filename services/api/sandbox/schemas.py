"""The sandbox's clock as callers see it."""

from datetime import date

from pydantic import BaseModel, Field

from services.api.core.bodies import Body, Instant


class ClockRead(BaseModel):
    """Clinical time in the sandbox."""

    now: Instant = Field(examples=["2026-03-02T01:00:00Z"], description="Clinical time, in UTC.")
    today: date = Field(description="The trial's local calendar date.")


class ClockMove(Body):
    """The moment to move clinical time to, later than now."""

    now: Instant = Field(
        examples=["2026-03-03T01:00:00Z"],
        description="The new clinical time, with an offset or Z; it never goes back.",
    )

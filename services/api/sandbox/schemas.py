"""The sandbox's clock and scenarios as callers see them."""

from datetime import date

from pydantic import BaseModel, Field

from services.api.core.bodies import Body, Instant
from services.api.sandbox.scenarios import HIGHEST_SEED, Scenario


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


class ScenarioRead(BaseModel):
    """A scenario to begin with."""

    name: Scenario = Field(examples=["mid-trial"], description="What a reset names.")
    description: str = Field(
        examples=["Subjects in every state of treatment and follow-up."],
        description="What the sandbox holds when it begins with it.",
    )


class PlayedRead(BaseModel):
    """What the sandbox began with, and when it begins anew by itself."""

    scenario: Scenario = Field(
        examples=["mid-trial"], description="The scenario that the data began with."
    )
    seed: int = Field(examples=[1], description="The same seed makes the same subjects and ids.")
    next_reset_at: Instant | None = Field(
        default=None,
        examples=["2026-11-24T02:00:00Z"],
        description="Real time; null where the sandbox is reset on demand only.",
    )


class ScenarioList(BaseModel):
    """The scenarios, and the one that is played now."""

    items: list[ScenarioRead] = Field(description="All there are, from the earliest stage on.")
    played: PlayedRead = Field(description="The one that the sandbox began with.")


class ResetOrder(Body):
    """What to begin anew with; what is left out stays as it was."""

    scenario: Scenario | None = Field(
        default=None, examples=["mid-trial"], description="One that GET /sandbox/scenarios lists."
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        le=HIGHEST_SEED,
        examples=[1],
        description="Any number. The same scenario and seed give the same subjects, ids, arms and"
        " dates in every installation of the same version.",
    )


class ResetRead(PlayedRead):
    """What the sandbox began anew with, and clinical time there. Everybody has to sign in again."""

    now: Instant = Field(examples=["2026-08-17T02:00:00Z"], description="Clinical time, in UTC.")
    today: date = Field(examples=["2026-08-17"], description="The trial's local calendar date.")

"""Stopping rules as the committee and the safety officer see them."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field

from services.api.core.bodies import Instant
from services.api.core.pagination import Page

RuleId = Annotated[
    str,
    Path(
        description="The rule's `id` in the protocol.",
        examples=["severe_reactions"],
        pattern=r"^[a-z][a-z0-9_]{1,63}$",
    ),
]


class EvaluationRead(BaseModel):
    """How a rule stood at one time; it names no subject and no event."""

    id: UUID = Field(examples=["019c8a53-1c40-7a5e-b1d2-6a7b8c9d0e1f"])
    evaluated_at: Instant = Field(
        description="When, in the trial's time.", examples=["2026-09-03T02:30:05Z"]
    )
    subjects: int = Field(description="Subjects randomized to the arm.", examples=[42])
    events: int = Field(
        description="How many of them had an event that counts, each once.", examples=[2]
    )
    probability: float = Field(
        description="That the arm's true rate lies above the threshold.", examples=[0.4061]
    )
    boundary: int | None = Field(
        description="How many events reach the rule among so many subjects; null before its least"
        " number of subjects.",
        examples=[5],
    )
    reached: bool = Field(
        description="Whether the committee must look; nothing stops by itself.", examples=[False]
    )
    protocol_version: str = Field(description="The version whose rule it was.", examples=["1.0"])


class EvaluationPage(Page[EvaluationRead]):
    """One page of a rule's evaluations."""


class CountsRead(BaseModel):
    """Which adverse events make a subject count."""

    grade_at_least: int = Field(description="Severity of CTCAE, 1 to 5.", examples=[4])
    related_only: bool = Field(
        description="Only those that the investigator or the sponsor holds to be related to the"
        " study drug.",
        examples=[True],
    )


class PriorRead(BaseModel):
    """What is assumed of the rate beforehand, as if so many subjects had been watched."""

    events: int = Field(
        description="How many of them are taken to have had an event.", examples=[1]
    )
    subjects: int = Field(description="How many are taken to have been watched.", examples=[20])


class BoundaryStepRead(BaseModel):
    """A line of the boundary."""

    from_subjects: int = Field(description="From so many subjects of the arm …", examples=[31])
    to_subjects: int = Field(description="… through so many …", examples=[44])
    events: int = Field(description="… this number of events reaches the rule.", examples=[5])


class StoppingRuleRead(BaseModel):
    """A rule as the protocol declares it, its boundary, and how it stands."""

    id: str = Field(
        examples=["severe_reactions"],
        description="Names the rule in the protocol document (`adverse_events.stopping_rules`).",
    )
    label: str = Field(
        description="What it watches.",
        examples=["Subjects with a related adverse event of grade 4 or 5 in the experimental arm"],
    )
    arm: str = Field(description="Whose subjects it counts.", examples=["experimental"])
    counts: CountsRead = Field(description="Which events it counts.")
    method: Literal["beta_binomial"] = Field(
        description="A beta prior and a binomial count, exactly.", examples=["beta_binomial"]
    )
    prior: PriorRead = Field(description="What is assumed of the rate beforehand.")
    threshold: float = Field(description="The rate that is too high above it.", examples=[0.05])
    certainty: float = Field(
        description="The probability of a rate above the threshold that reaches the rule.",
        examples=[0.9],
    )
    minimum_subjects: int = Field(
        description="Subjects of the arm before whom nothing reaches it.", examples=[10]
    )
    source: str = Field(
        description="Where the method is described.",
        examples=["Thall and Simon, Biometrics 1994, 50, 337"],
    )
    protocol_version: str = Field(
        examples=["1.0"],
        description="The version of the protocol whose rule this is: the one in force.",
    )
    boundary: list[BoundaryStepRead] = Field(
        description="How many events reach it, for every possible number of subjects."
    )
    current: EvaluationRead | None = Field(
        description="How it stands; null before it was evaluated for the first time."
    )


class StoppingRulePage(Page[StoppingRuleRead]):
    """One page of the stopping rules."""

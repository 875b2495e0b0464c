"""Gradings as callers see them."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field

from services.api.core.bodies import Body, Instant, Omittable, Patch, Reason
from services.api.core.pagination import Page
from services.api.gradings.rules import GradingFlag
from services.api.signatures.schemas import HASH, SignatureRead


class MucosalAppearance(StrEnum):
    """What the mucosa looks like at its worst place."""

    NORMAL = "normal"
    ERYTHEMA = "erythema"
    PATCHY = "patchy"
    CONFLUENT = "confluent"
    ULCER_HEMORRHAGE_NECROSIS = "ulcer_hemorrhage_necrosis"


class Analgesic(StrEnum):
    """The strongest analgesic the oral pain needs."""

    NONE = "none"
    NON_OPIOID = "non_opioid"
    OPIOID = "opioid"


class Diet(StrEnum):
    """What the subject can eat."""

    SOLID = "solid"
    SOFT = "soft"
    LIQUID = "liquid"
    NONE_BY_MOUTH = "none_by_mouth"


Grade = Annotated[int, Field(ge=0, le=4)]
PainScore = Annotated[int, Field(ge=0, le=10)]


class GradingCreate(Body):
    """An assessor's grading: the components observed and the grade concluded."""

    assessed_at: Instant = Field(examples=["2026-04-07T02:30:00Z"])
    grade: Grade = Field(examples=[2], description="On the protocol's scale; this one counts.")
    mucosal_appearance: MucosalAppearance = Field(examples=["patchy"])
    ulceration: bool = Field(examples=[False])
    pain_score: PainScore = Field(examples=[5], description="Numeric rating scale.")
    analgesic: Analgesic = Field(examples=["none"])
    diet: Diet = Field(examples=["soft"])


class GradingPatch(Patch):
    """A correction by the author."""

    assessed_at: Omittable[Instant] = Field(default=None, examples=["2026-04-07T02:30:00Z"])
    grade: Omittable[Grade] = Field(
        default=None,
        examples=[3],
        description="The grade concluded, 0 to 4 on the protocol's scale; it is the one that"
        " counts.",
    )
    mucosal_appearance: Omittable[MucosalAppearance] = None
    ulceration: Omittable[bool] = None
    pain_score: Omittable[PainScore] = Field(default=None, examples=[6])
    analgesic: Omittable[Analgesic] = None
    diet: Omittable[Diet] = None
    reason: Reason = Field(examples=["Misread the source record"])


class DerivedGrades(BaseModel):
    """Grades that follow from the components by the protocol's rules.

    Null on a scale that the protocol does not have.
    """

    protocol: int = Field(examples=[2], description="On the protocol's own scale.")
    who: int | None = Field(default=None, examples=[2], description="On the WHO scale.")
    rtog: int | None = Field(default=None, examples=[2], description="On the RTOG scale.")


class GradingRead(BaseModel):
    """One version of a grading."""

    id: UUID
    subject_id: UUID
    visit: str = Field(examples=["RT4A"])
    assessor: UUID = Field(description="The `id` of the account that graded.")
    assessed_at: Instant
    assessed_on: date = Field(description="The local date of assessed_at.")
    grade: int = Field(
        examples=[2],
        description="The grade that the assessor concluded, 0 to 4 on the protocol's scale; it is"
        " the one that counts.",
    )
    mucosal_appearance: MucosalAppearance
    ulceration: bool
    pain_score: int = Field(examples=[5])
    analgesic: Analgesic
    diet: Diet
    derived: DerivedGrades = Field(
        description="The grades that follow from the components; a difference raises a query and"
        " changes nothing."
    )
    flags: list[GradingFlag] = Field(
        description="What someone should look at; a flag never refuses a grading."
    )
    protocol_version: str = Field(examples=["1.0"])
    reason: str | None = Field(examples=["Misread the source record"])
    recorded_at: Instant
    version: int = Field(examples=[1])
    content_hash: str = Field(description="What a signature covers.", examples=[HASH])
    signature: SignatureRead | None = Field(
        description="The last one; among the versions, each one's own."
    )


class GradingPage(Page[GradingRead]):
    """Gradings in the order of their making."""


GradingId = Annotated[
    UUID,
    Path(
        description="The grading's `id`; one of another site does not exist for you.",
        examples=["019c8a55-1b77-7e0a-8c54-7a3f9b2d6e18"],
    ),
]

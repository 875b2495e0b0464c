"""Errors made in randomization as callers see them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.api.core.bodies import Body, Instant, LocalDate, Omittable, Reason
from services.api.core.pagination import Page, PageQuery
from services.api.corrections.rules import CorrectionKind
from services.api.enrolment.schemas import SiteCode
from services.api.radiotherapy.schemas import FactorValues

STRATUM = {"site": "NN", "concurrent_chemotherapy": False}

CriterionId = Annotated[str, StringConstraints(pattern=r"^[IE][0-9]{2}[a-z]?$")]


class CorrectionCreate(Body):
    """An error made in randomization; beside its `kind` give the one field of that kind."""

    kind: CorrectionKind = Field(
        examples=["wrong_stratum"],
        description="What went wrong; it decides which other field is needed.",
    )
    stratum: Omittable[FactorValues] = Field(
        default=None,
        examples=[STRATUM],
        description="For `wrong_stratum`: the correct value of every stratification factor.",
    )
    criteria: Annotated[
        Omittable[list[CriterionId]],
        Field(
            default=None,
            min_length=1,
            max_length=100,
            description="For `ineligible`: the protocol's criteria that the subject did not meet.",
        ),
    ]
    other_subject: Omittable[UUID] = Field(
        default=None,
        description="For `duplicate`: the `id` of the same person's other subject record.",
    )
    discovered_on: LocalDate = Field(
        examples=["2026-04-09"], description="When it came to light: not before randomization."
    )
    reason: Reason = Field(
        examples=["Chemotherapy was entered as planned; the chart says it was not"],
        description="What happened. Of a duplicate it is shown at both sites, so name neither.",
    )


class CorrectionRead(BaseModel):
    """An error made in randomization; the allocation stands as it was drawn."""

    id: UUID
    subject_id: UUID
    site: str = Field(examples=["NN"])
    kind: CorrectionKind = Field(description="What went wrong.")
    reason: str = Field(
        examples=["Chemotherapy was entered as planned; the chart says it was not"],
        description="What happened, in the words of who recorded it.",
    )
    discovered_on: date = Field(examples=["2026-04-09"])
    stratum: FactorValues | None = Field(
        examples=[STRATUM],
        description="The correct factor values. The latest such correction of a subject counts.",
    )
    stratum_used: FactorValues | None = Field(
        examples=[{"site": "NN", "concurrent_chemotherapy": True}],
        description="Those that the subject was randomized with; null for other kinds.",
    )
    criteria: list[str] | None = Field(
        examples=[None],
        description="The protocol's criteria that the subject did not meet; null for other kinds.",
    )
    pair: UUID | None = Field(
        examples=[None],
        description="Shared by the two records of a duplicate; it says nothing of either.",
    )
    retained: bool | None = Field(
        examples=[None],
        description="Of a duplicate: whether this subject's allocation came first, and counts.",
    )
    other_subject: UUID | None = Field(
        examples=[None],
        description="The same person's other subject, where it is at a site of yours.",
    )
    protocol_version: str = Field(examples=["1.0"])
    recorded_at: Instant


class CorrectionPage(Page[CorrectionRead]):
    """Errors made in randomization, in the order in which they were recorded."""


class CorrectionQuery(PageQuery):
    """Filters of the list of corrections."""

    site: SiteCode | None = Field(default=None, description="Only this site.", examples=["NN"])
    kind: CorrectionKind | None = Field(default=None, description="Only this kind.")

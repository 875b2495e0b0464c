"""Allocations and the list's commitment as callers see them."""

from uuid import UUID

from pydantic import BaseModel, Field

from services.api.core.bodies import Instant
from services.api.core.pagination import Page, PageQuery
from services.api.enrolment.schemas import SiteCode


def _absent(value: object) -> bool:
    return value is None


class RandomizationRead(BaseModel):
    """A subject's allocation."""

    id: UUID
    subject_id: UUID
    site: str = Field(examples=["NN"])
    arm: str | None = Field(
        default=None,
        examples=["experimental"],
        exclude_if=_absent,
        description="The arm's code in the protocol. Absent for assessors, who grade without it.",
    )
    randomization_number: str = Field(examples=["NN-C-001"])
    randomized_at: Instant
    stratum: dict[str, bool | str] = Field(
        examples=[{"site": "NN", "concurrent_chemotherapy": True}],
        description="The stratification factors' values that were used.",
    )
    protocol_version: str = Field(examples=["1.0"])
    evaluation_version: int = Field(
        examples=[1], description="The version of the eligibility evaluation that was checked."
    )


class RandomizationPage(Page[RandomizationRead]):
    """Allocations at the caller's sites, oldest first."""


class RandomizationQuery(PageQuery):
    """Filters of the list of allocations."""

    site: SiteCode | None = Field(default=None, description="Only this site.", examples=["NN"])


class CommitmentRead(BaseModel):
    """What was published of the randomization list before the first allocation."""

    root: str = Field(
        description="Merkle tree head (RFC 6962) over every slot, hexadecimal.",
        examples=["3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2"],
    )
    algorithm: str = Field(examples=["hmac-sha256-permuted-blocks-v1"])
    slots: int = Field(examples=[1200], description="Slots in all strata together.")
    protocol_version: str = Field(examples=["1.0"])
    published_at: Instant

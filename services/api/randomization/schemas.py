"""Allocations and the list's commitment as callers see them."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.api.core.bodies import Instant, Omittable
from services.api.core.pagination import Page, PageQuery
from services.api.enrolment.schemas import SiteCode
from services.api.radiotherapy.schemas import FactorValues

_SILENT = ConfigDict(hide_input_in_errors=True)
"""No error of ours, which a log would keep, names an arm."""


def _absent(value: object) -> bool:
    return value is None


class RandomizationRead(BaseModel):
    """A subject's allocation."""

    model_config = _SILENT

    id: UUID
    subject_id: UUID
    site: str = Field(examples=["NN"])
    arm: Omittable[str] = Field(
        default=None,
        examples=["experimental"],
        exclude_if=_absent,
        description="The arm's code in the protocol. Absent for assessors, who grade without it.",
    )
    randomization_number: str = Field(examples=["NN-C-001"])
    randomized_at: Instant
    stratum: FactorValues = Field(
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


class ArmShare(BaseModel):
    """An arm and its share of each block."""

    code: str = Field(examples=["experimental"], description="The arm's code in the protocol.")
    share: int = Field(
        examples=[1],
        description="How many slots of a block it gets, beside the shares of the others.",
    )


class DesignRead(BaseModel):
    """The public part of what makes the list; the order of both lists counts."""

    arms: list[ArmShare] = Field(description="The arms, in the order that the list was made with.")
    slots_per_stratum: int = Field(
        examples=[200], description="How many subjects a stratum can take."
    )
    strata: list[str] = Field(
        examples=[["NN-C", "NN-N"]],
        description="The codes of the strata, in the order that the list was made with.",
    )


class CommitmentRead(BaseModel):
    """What was published of the randomization list before the first allocation."""

    root: str = Field(
        description="Merkle tree head (RFC 6962) over every slot, hexadecimal.",
        examples=["3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2"],
    )
    algorithm: str = Field(
        examples=["permuted-blocks-sp800-108-v1"],
        description="Names how the list is made from the seed; docs/randomization.md describes it.",
    )
    slots: int = Field(examples=[1200], description="Slots in all strata together.")
    design: DesignRead = Field(
        description="What is public of what makes the list. Block sizes are not: they would let a"
        " recruiter guess."
    )
    contributions: dict[str, str] = Field(
        description="Each party's commitment to its part of the seed, hexadecimal.",
        examples=[
            {
                "sponsor": "8c1d4e0f9a2b3c5d7e6f80918273645546372819aabbccddeeff001122334455",
                "dmc": "0f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeeff0",
            }
        ],
    )
    protocol_version: str = Field(
        examples=["1.0"], description="The version of the protocol whose list this is."
    )
    published_at: Instant


class ProofRead(BaseModel):
    """What shows, with the published commitment alone, that an allocation is the list's."""

    model_config = _SILENT

    subject_id: UUID
    randomization_number: str = Field(examples=["NN-C-007"])
    randomized_at: Instant
    stratum_code: str = Field(examples=["NN-C"], description="The stratum in which the slot lies.")
    seq: int = Field(examples=[7], description="The slot's place in its stratum, from 1.")
    arm: str = Field(examples=["experimental"], description="The arm that the slot holds.")
    salt: str = Field(
        examples=["9b3abc1d672988d9925374df3b4c0cb2a2eb42b66c077100d0f0f614c2ec2704"],
        description="32 bytes, hexadecimal, that hid the arm in the slot's leaf.",
    )
    leaf_index: int = Field(examples=[6], description="The leaf's place among all, from 0.")
    path: list[str] = Field(
        examples=[["c9e3a479c14af6941e6aaa1e4f7ef10bd392880eb475216007dcef5304fe576c"]],
        description="Sibling hashes from the leaf up to the root (RFC 6962), hexadecimal.",
    )
    root: str = Field(
        examples=["3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2"],
        description="The tree head that the path leads to: it must equal the commitment's.",
    )


class ProofPage(Page[ProofRead]):
    """Proofs of the allocations so far, in the order of the subjects' randomization."""

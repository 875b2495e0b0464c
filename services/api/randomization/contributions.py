"""The two contributions to the seed, each committed to before either is opened.

So neither party alone can choose the list. `docs/randomization.md` has the bytes.
"""

import struct
from hashlib import sha256
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.api.randomization.generator import LARGEST, hkdf
from services.api.randomization.rules import ALGORITHM, AllocationList, Design

Party = Literal["sponsor", "dmc"]
PARTIES: tuple[Party, Party] = ("sponsor", "dmc")
_DOMAIN = b"trial-randomization-contribution-v1"
_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DesignDiffers(Exception):
    """The contributions were made for another design than the protocol's."""


class _Document(BaseModel):
    # A mistake must not show the secret that it is in.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Contribution(_Document):
    """What one party puts in: 32 secret bytes and, from the sponsor, the block sizes."""

    party: Party
    design: _Hash
    block_sizes: tuple[Annotated[int, Field(ge=1, le=LARGEST)], ...] = Field(
        max_length=LARGEST - 1, repr=False
    )
    secret: _Hash = Field(repr=False)

    @model_validator(mode="after")
    def block_sizes_are_the_sponsors(self) -> Self:
        if (self.party == "sponsor") != bool(self.block_sizes):
            raise ValueError("block sizes stand in the sponsor's contribution and in no other")
        return self

    def commitment(self) -> str:
        """The hash, hexadecimal, that binds the party and shows nothing of the contribution."""
        return sha256(
            b"\x00".join((_DOMAIN, self.party.encode(), bytes.fromhex(self.design)))
            + struct.pack(
                f">{1 + len(self.block_sizes)}H", len(self.block_sizes), *self.block_sizes
            )
            + bytes.fromhex(self.secret)
        ).hexdigest()


class Commitment(_Document):
    """What a party gives away before the contributions are opened."""

    party: Party
    design: _Hash
    commitment: _Hash

    @classmethod
    def to(cls, contribution: Contribution) -> Self:
        """The commitment to a contribution."""
        return cls(
            party=contribution.party,
            design=contribution.design,
            commitment=contribution.commitment(),
        )


class RandomizationSecret(_Document):
    """Both contributions, the sponsor's first: published after the trial, it opens the list."""

    contributions: tuple[Contribution, Contribution]

    @model_validator(mode="after")
    def one_of_each_party_for_one_design(self) -> Self:
        if tuple(one.party for one in self.contributions) != PARTIES:
            raise ValueError("the contributions are the sponsor's and the DMC's, in this order")
        if len({one.design for one in self.contributions}) != 1:
            raise ValueError("the contributions were made for different designs")
        if len({one.secret for one in self.contributions}) != len(PARTIES):
            raise ValueError("both contributions have the same secret")
        return self

    def commitments(self) -> dict[str, str]:
        """Each party's commitment."""
        return {one.party: one.commitment() for one in self.contributions}

    def seed(self) -> bytes:
        """The seed, which neither contribution alone determines (HKDF, RFC 5869)."""
        secrets = b"".join(bytes.fromhex(one.secret) for one in self.contributions)
        salt = b"".join(bytes.fromhex(one.commitment()) for one in self.contributions)
        return hkdf(secrets, salt, ALGORITHM.encode())

    def list_for(self, design: Design) -> AllocationList:
        """The list that the contributions make.

        Raises:
            DesignDiffers: they were made for another design.
            BlockSizesError: the block sizes do not fit the arms.
        """
        sponsor, _ = self.contributions
        if sponsor.design != design.digest():
            raise DesignDiffers(
                "the contributions were made for another design (arms, strata or slots) than the"
                " protocol document's"
            )
        return AllocationList(design, self.seed(), sponsor.block_sizes)

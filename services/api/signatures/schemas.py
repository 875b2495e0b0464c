"""Signatures as callers give and see them."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from services.api.core.bodies import Body, Instant, Omittable
from services.api.core.permissions import Role
from services.api.signatures.rules import SignatureMeaning

HASH = "3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2"
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Statement(Body):
    """What the signer states, and the components that show who it is (21 CFR 11.200).

    The first signing of a session needs the password, and the code of those
    who have a second factor; later ones need one of them.
    """

    meaning: SignatureMeaning
    password: Annotated[
        Omittable[str],
        Field(default=None, min_length=1, max_length=128, examples=["sandbox-only"]),
    ]
    totp: Annotated[
        Omittable[str],
        Field(
            default=None,
            pattern=r"^[0-9]{6}$",
            examples=["492039"],
            description="The code that the authenticator shows now.",
        ),
    ]

    @model_validator(mode="after")
    def shows_who_signs(self) -> Self:
        """Nobody signs by a token alone."""
        if self.password is None and self.totp is None:
            raise ValueError("give the password, the totp, or both")
        return self


class SignatureCreate(Statement):
    """A signature on the version of a record that has this content_hash."""

    content_hash: Sha256 = Field(
        examples=[HASH], description="That of the version which the signer read."
    )


class SignatureShown(BaseModel):
    """Who signed, when and what it means (21 CFR 11.50), and whether it still counts."""

    id: UUID
    meaning: SignatureMeaning
    signed_by: str = Field(
        description="The signer's name at the time.", examples=["Demo investigator, Nanning"]
    )
    signer: UUID
    role: Role = Field(description="The signer's role at the time.")
    signed_at: Instant
    version: int = Field(description="The version that was signed.", examples=[1])
    valid: bool = Field(
        description="False once what was signed has changed: then it has to be signed anew."
    )


class SignatureRead(SignatureShown):
    """A signature on one version of a record."""

    content_hash: str = Field(examples=[HASH])

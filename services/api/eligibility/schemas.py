"""Facts, verdicts and signatures as callers see them."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from services.api.core.bodies import Body, ChangeReason, Instant

FACTS = {
    "head_neck_malignancy_confirmed": True,
    "haemoglobin": {"value": 13.1, "unit": "g/dL", "measured_on": "2026-03-02"},
}


HASH = "3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2"


class EligibilityPut(Body):
    """Every fact known now; a fact that is left out is unknown."""

    facts: dict[str, Any] = Field(
        examples=[FACTS],
        description="One key per fact id of the protocol document: a bare value, or for a"
        " measurement `value`, `unit`, `measured_on` and where asked `uln`.",
    )
    reason: ChangeReason


class CriterionRead(BaseModel):
    """One criterion's verdict; an exclusion that is `met` excludes."""

    id: str = Field(examples=["I05b"])
    kind: Literal["inclusion", "exclusion"]
    text: str = Field(examples=["Haemoglobin at least 90 g/L"])
    verdict: Literal["met", "not_met", "unknown"]
    flag: str | None = Field(
        description="What the investigator should look at, if anything.",
        examples=["Creatinine clearance below 50 mL/min"],
    )
    stale: bool = Field(description="Whether a fact it reads is older than the screening window.")


class Meaning(StrEnum):
    """What the investigator states by signing (21 CFR 11.50)."""

    ELIGIBLE = "I confirm eligibility"
    INELIGIBLE = "I confirm ineligibility"


class SignatureRead(BaseModel):
    """Who signed the current evaluation, when, and what it means."""

    meaning: Meaning
    signed_by: str = Field(examples=["Demo investigator, Nanning"])
    signed_at: Instant
    evaluation_hash: str = Field(examples=[HASH])


class EligibilityRead(BaseModel):
    """The facts, each criterion's verdict and the overall one."""

    overall: Literal["eligible", "ineligible", "incomplete"]
    evaluation_hash: str | None = Field(
        description="What a signature covers; null before facts.", examples=[HASH]
    )
    facts: dict[str, Any] = Field(description="As given.", examples=[FACTS])
    normalised: dict[str, Any] = Field(
        description="Measurements in their quantity's normal unit.",
        examples=[{"haemoglobin": {"value": 131, "unit": "g/L"}}],
    )
    criteria: list[CriterionRead]
    unknown_facts: list[str] = Field(
        description="Facts that are still to be given.", examples=[["ecog_performance_status"]]
    )
    stale_facts: list[str] = Field(
        description="Facts to refresh before randomization.", examples=[["haemoglobin"]]
    )
    evaluated_on: date | None
    signature: SignatureRead | None = Field(description="Null until the current version is signed.")
    protocol_version: str = Field(examples=["1.0"])
    reason: str | None = Field(examples=["New laboratory values"])
    version: int = Field(description="0 before anything is recorded.", examples=[1])


class SignatureCreate(Body):
    """A signature: the password again, bound to the evaluation and its meaning."""

    evaluation_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        examples=[HASH]
    )
    meaning: Meaning
    password: Annotated[str, StringConstraints(min_length=1, max_length=128)] = Field(
        examples=["sandbox-only"]
    )

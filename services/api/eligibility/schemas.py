"""Facts, verdicts and signatures as callers see them."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field

from services.api.core.bodies import Body, ChangeReason
from services.api.signatures.schemas import HASH, Sha256, SignatureShown, Statement

FACTS = {
    "head_neck_malignancy_confirmed": True,
    "haemoglobin": {"value": 13.1, "unit": "g/dL", "measured_on": "2026-03-02"},
}


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


class EligibilitySignatureRead(SignatureShown):
    """A signature on one evaluation; new facts void it, facts that grow stale do not."""

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
    signature: EligibilitySignatureRead | None = Field(
        description="The last one; null until there is one."
    )
    protocol_version: str = Field(examples=["1.0"])
    reason: str | None = Field(examples=["New laboratory values"])
    version: int = Field(description="0 before anything is recorded.", examples=[1])


class EligibilitySignatureCreate(Statement):
    """A signature on the evaluation that has this evaluation_hash."""

    evaluation_hash: Sha256 = Field(examples=[HASH])

"""Facts, verdicts and signatures as callers see them."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field
from typing_extensions import TypeAliasType

from services.api.core.bodies import AsIs, Body, ChangeReason
from services.api.eligibility.rules import CriterionVerdict, EligibilityOverall
from services.api.protocol.schema import CriterionKind
from services.api.signatures.schemas import HASH, Sha256, SignatureShown, Statement

FACTS = {
    "head_neck_malignancy_confirmed": True,
    "haemoglobin": {"value": 13.1, "unit": "g/dL", "measured_on": "2026-03-02"},
}


FactValue = TypeAliasType(
    "FactValue",
    Annotated[
        bool | float | str,
        Field(
            description="A fact's value as its type in the protocol asks (`eligibility.facts`):"
            " true or false, a number, one of its choices, or a local date or `never`."
        ),
    ],
)


class DatedFact(BaseModel):
    """A fact with the day it was found; a laboratory value also has its unit and its limit."""

    value: FactValue = Field(description="The value, as the fact's type asks.")
    measured_on: date = Field(
        examples=["2026-03-02"],
        description="The local day of the measurement or examination: it grows stale"
        " (`eligibility.screening_window_days` of the protocol).",
    )
    unit: str = Field(
        default="",
        examples=["g/dL"],
        description="Of a measurement: one of its quantity's units (`eligibility.quantities`).",
    )
    uln: float = Field(
        default=0,
        examples=[40.0],
        description="The laboratory's upper limit of normal, in the same unit, where the fact"
        " asks for it.",
    )


Fact = TypeAliasType(
    "Fact",
    Annotated[
        AsIs[FactValue | DatedFact | None],
        Field(description="A bare value, or a dated one; null is as good as left out: unknown."),
    ],
)
Facts = TypeAliasType(
    "Facts",
    Annotated[
        dict[str, Fact],
        Field(
            description="Facts by their id in the protocol document (`eligibility.facts`).",
            examples=[FACTS],
        ),
    ],
)


class EligibilityPut(Body):
    """Every fact known now; a fact that is left out is unknown."""

    facts: Facts = Field(
        examples=[FACTS],
        description="One key per fact id of the protocol document: a bare value, or for a"
        " measurement `value`, `unit`, `measured_on` and where asked `uln`.",
    )
    reason: ChangeReason


class CriterionRead(BaseModel):
    """One criterion's verdict; an exclusion that is `met` excludes."""

    id: str = Field(
        examples=["I05b"],
        description="The criterion in the protocol: I of an inclusion, E of an exclusion.",
    )
    kind: CriterionKind = Field(
        description="What meeting it means: an exclusion that is met keeps the subject out."
    )
    text: str = Field(
        examples=["Haemoglobin at least 90 g/L"], description="Its wording in the protocol."
    )
    verdict: CriterionVerdict = Field(
        description="What the facts say of it; `unknown` for want of one."
    )
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

    overall: EligibilityOverall = Field(
        description="Eligible only if every inclusion is met, no exclusion is, and none is unknown."
    )
    evaluation_hash: str | None = Field(
        description="What a signature covers; null before facts.", examples=[HASH]
    )
    facts: Facts = Field(description="Every fact as it was given last.", examples=[FACTS])
    normalised: Facts = Field(
        description="Measurements in their quantity's normal unit.",
        examples=[{"haemoglobin": {"value": 131, "unit": "g/L"}}],
    )
    criteria: list[CriterionRead] = Field(
        description="Every criterion with its verdict, in the protocol's order."
    )
    unknown_facts: list[str] = Field(
        description="Facts that are still to be given.", examples=[["ecog_performance_status"]]
    )
    stale_facts: list[str] = Field(
        description="Facts to refresh before randomization.", examples=[["haemoglobin"]]
    )
    evaluated_on: date | None = Field(
        description="The local day on which the facts were judged, from which they grow stale;"
        " null before."
    )
    signature: EligibilitySignatureRead | None = Field(
        description="The last one; null until there is one."
    )
    protocol_version: str = Field(examples=["1.0"])
    reason: str | None = Field(examples=["New laboratory values"])
    version: int = Field(description="0 before anything is recorded.", examples=[1])


class EligibilitySignatureCreate(Statement):
    """A signature on the evaluation that has this evaluation_hash."""

    evaluation_hash: Sha256 = Field(examples=[HASH])

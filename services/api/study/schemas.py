"""The study, its sites, protocol versions and activations as callers see them."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.api.core.bodies import Body, Instant, LocalDate
from services.api.core.pagination import Page
from services.api.protocol.schema import Arm, Outcome

VersionLabel = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}\.[0-9]{1,3}$")]


class StudyRead(BaseModel):
    """The trial as its public registry describes it."""

    nct_id: str = Field(examples=["NCT07312656"])
    organisation_study_id: str = Field(examples=["2025-K0439"])
    brief_title: str = Field(examples=["Exosomes for Radiation-Induced Oral Mucositis"])
    official_title: str = Field(examples=["Exosomes: A Randomized Controlled Trial"])
    phase: str = Field(examples=["PHASE2"])
    study_type: str = Field(examples=["INTERVENTIONAL"])
    allocation: str = Field(examples=["RANDOMIZED"])
    intervention_model: str = Field(examples=["PARALLEL"])
    masking: str = Field(examples=["NONE"])
    conditions: list[str] = Field(examples=[["Oral Mucositis (Ulcerative) Due to Radiation"]])
    sponsor: str = Field(examples=["First Affiliated Hospital of Guangxi Medical University"])
    collaborators: list[str] = Field(examples=[["LiuZhou People's Hospital"]])
    target_enrolment: int = Field(examples=[200])
    start: str = Field(examples=["2026-01"], description="Year and month.")
    primary_completion: str = Field(examples=["2027-06"], description="Year and month.")
    completion: str = Field(examples=["2028-02"], description="Year and month.")
    has_dmc: bool
    time_zone: str = Field(
        examples=["Asia/Shanghai"], description="Clinical dates are local dates there."
    )
    primary_outcome: Outcome
    secondary_outcomes: list[Outcome]
    arms: list[Arm]
    protocol_version: str = Field(examples=["1.0"])


class SiteRead(BaseModel):
    """A hospital of the trial."""

    model_config = ConfigDict(from_attributes=True)

    code: str = Field(examples=["NN"])
    name: str = Field(examples=["First Affiliated Hospital of Guangxi Medical University"])
    city: str = Field(examples=["Nanning"])
    recruiting: bool = Field(description="Whether an ethics approval is on record.")


class SiteList(Page[SiteRead]):
    """The trial's sites in the order of their codes."""


class ProtocolVersionSummary(BaseModel):
    """A published protocol version."""

    model_config = ConfigDict(from_attributes=True)

    version: str = Field(examples=["1.0"])
    sha256: str = Field(
        description="Over the document's canonical JSON.",
        examples=["8c1f0d3b5a7e9264c0d1e2f3a4b5968778695a4b3c2d1e0ff0e1d2c3b4a59687"],
    )
    published_at: Instant


class ProtocolVersionList(Page[ProtocolVersionSummary]):
    """Published versions, oldest first."""


class ProtocolVersionRead(ProtocolVersionSummary):
    """A protocol version with its whole document and the rulings it rests on."""

    document: dict[str, Any] = Field(
        description="The protocol as data; block sizes are withheld from everyone who recruits.",
        examples=[{"version": "1.0", "endpoint": {"severe_grade": 3, "any_grade": 1}}],
    )
    eligibility: dict[str, Any] = Field(
        description="`facts` and `criteria` of the document.",
        examples=[{"facts": [{"id": "ecog_performance_status", "type": "integer"}]}],
    )
    assumptions: list[dict[str, Any]] = Field(
        description="Rulings where the registry record is silent or contradicts itself.",
        examples=[[{"id": "no_placebo", "ruling": "There is no placebo"}]],
    )


class ActivationCreate(Body):
    """An ethics approval at a site."""

    protocol_version: VersionLabel = Field(examples=["1.0"])
    consent_version: VersionLabel = Field(examples=["1.0"])
    ethics_reference: Annotated[str, StringConstraints(min_length=3, max_length=100)] = Field(
        examples=["2025-KY-0439"]
    )
    approved_on: LocalDate = Field(examples=["2026-01-05"])


class ActivationRead(BaseModel):
    """A recorded ethics approval."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    site: str = Field(examples=["NN"])
    protocol_version: str = Field(examples=["1.0"])
    consent_version: str = Field(examples=["1.0"])
    ethics_reference: str = Field(examples=["2025-KY-0439"])
    approved_on: date
    recorded_at: Instant


class ActivationPage(Page[ActivationRead]):
    """Activations of a site, oldest first."""

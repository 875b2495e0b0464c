"""The study, its sites, protocol versions and activations as callers see them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.api.core.bodies import AsIs, Body, Instant, JsonObject, LocalDate
from services.api.core.pagination import Page
from services.api.protocol.schema import Arm, CriterionKind, FactType, Outcome

VersionLabel = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}\.[0-9]{1,3}$")]


class StudyRead(BaseModel):
    """The trial as its public registry describes it."""

    nct_id: str = Field(
        examples=["NCT07312656"], description="The trial's number at ClinicalTrials.gov."
    )
    organisation_study_id: str = Field(
        examples=["2025-K0439"], description="The sponsor's own number of the trial."
    )
    brief_title: str = Field(
        examples=["Exosomes for Radiation-Induced Oral Mucositis"],
        description="The short title in the registry.",
    )
    official_title: str = Field(
        examples=["Exosomes: A Randomized Controlled Trial"],
        description="The full title in the registry.",
    )
    phase: str = Field(examples=["PHASE2"], description="The phase, in the registry's words.")
    study_type: str = Field(
        examples=["INTERVENTIONAL"],
        description="Whether it intervenes or observes, in the registry's words.",
    )
    allocation: str = Field(
        examples=["RANDOMIZED"],
        description="How subjects are assigned to arms, in the registry's words.",
    )
    intervention_model: str = Field(
        examples=["PARALLEL"],
        description="How the arms relate to each other, in the registry's words.",
    )
    masking: str = Field(
        examples=["NONE"],
        description="Who does not know the arm, in the registry's words. The registry's trial is"
        " open label; assessors are kept blind by this service all the same.",
    )
    conditions: list[str] = Field(
        examples=[["Oral Mucositis (Ulcerative) Due to Radiation"]], description="What is studied."
    )
    sponsor: str = Field(
        examples=["First Affiliated Hospital of Guangxi Medical University"],
        description="Who answers for the trial.",
    )
    collaborators: list[str] = Field(
        examples=[["LiuZhou People's Hospital"]],
        description="The other organisations that take part.",
    )
    target_enrolment: int = Field(
        examples=[200], description="How many subjects are to be randomized."
    )
    start: str = Field(examples=["2026-01"], description="Year and month.")
    primary_completion: str = Field(examples=["2027-06"], description="Year and month.")
    completion: str = Field(examples=["2028-02"], description="Year and month.")
    has_dmc: bool = Field(description="Whether a data monitoring committee watches over the trial.")
    time_zone: str = Field(
        examples=["Asia/Shanghai"], description="Clinical dates are local dates there."
    )
    primary_outcome: Outcome = Field(description="What the trial is to show.")
    secondary_outcomes: list[Outcome] = Field(description="What it is to show besides.")
    arms: list[Arm] = Field(
        description="The groups to which subjects are allocated, in the protocol's order."
    )
    protocol_version: str = Field(
        examples=["1.0"], description="The version of the protocol that is in force."
    )


class SiteRead(BaseModel):
    """A hospital of the trial."""

    model_config = ConfigDict(from_attributes=True)

    code: str = Field(
        examples=["NN"], description="The hospital's code, by which records and requests name it."
    )
    name: str = Field(
        examples=["First Affiliated Hospital of Guangxi Medical University"],
        description="The hospital's name.",
    )
    city: str = Field(examples=["Nanning"], description="The town in which the hospital is.")
    recruiting: bool = Field(description="Whether an ethics approval is on record.")


class SiteList(Page[SiteRead]):
    """The trial's sites in the order of their codes."""


class ProtocolVersionSummary(BaseModel):
    """A published protocol version."""

    model_config = ConfigDict(from_attributes=True)

    version: str = Field(
        examples=["1.0"],
        description="The version of the document; records name it as `protocol_version`.",
    )
    sha256: str = Field(
        description="Over the document's canonical JSON.",
        examples=["8c1f0d3b5a7e9264c0d1e2f3a4b5968778695a4b3c2d1e0ff0e1d2c3b4a59687"],
    )
    published_at: Instant


class ProtocolVersionList(Page[ProtocolVersionSummary]):
    """Published versions, oldest first."""


class QuantityRead(BaseModel):
    """A measured quantity, the unit it is compared in and those in which it may be sent."""

    id: str = Field(examples=["haemoglobin"], description="Named by the facts that measure it.")
    unit: str = Field(examples=["g/L"], description="The unit of `normalised` and of the limits.")
    units: dict[str, float] = Field(
        examples=[{"g/L": 1, "g/dL": 10}],
        description="Each accepted unit, with the factor that turns it into the quantity's own.",
    )


class FactRead(BaseModel):
    """A question whose answer a criterion needs, and how the answer is written."""

    id: str = Field(examples=["haemoglobin"], description="The key of the answer in `facts`.")
    type: FactType = Field(examples=["measurement"], description="How the answer is written.")
    question: str = Field(examples=["Haemoglobin"], description="What to ask, in words.")
    quantity: str = Field(
        default="", examples=["haemoglobin"], description="Of a measurement: what is measured."
    )
    unit: str = Field(default="", examples=["mg/day"], description="Of a number: what it counts.")
    uln: bool = Field(
        default=False,
        examples=[True],
        description="Whether the laboratory's upper limit of normal is sent along.",
    )
    dated: bool = Field(
        default=False,
        examples=[True],
        description="Whether the answer says when it was found, and grows stale.",
    )
    choices: list[str] = Field(
        default=[], examples=[["I", "II", "III", "IV"]], description="Of a choice: its answers."
    )
    minimum: float = Field(
        default=0, examples=[20], description="The smallest plausible number; a smaller is refused."
    )
    maximum: float = Field(
        default=0, examples=[250], description="The largest plausible number; a larger is refused."
    )


class CriterionRule(BaseModel):
    """A criterion as the protocol states it, in words and as a condition on facts."""

    id: str = Field(
        examples=["I05b"],
        description="I of an inclusion, E of an exclusion, its number, the part of a compound one.",
    )
    kind: CriterionKind = Field(examples=["inclusion"], description="What meeting it means.")
    text: str = Field(
        examples=["Haemoglobin at least 90 g/L"],
        description="The criterion in the protocol's words.",
    )
    when: JsonObject = Field(
        examples=[{"fact": "haemoglobin", "at_least": 90}],
        description="The condition under which it is met; docs/another-trial.md has the operators.",
    )
    flag: JsonObject = Field(
        default={},
        examples=[{"fact": "creatinine_clearance", "below": 50}],
        description="A condition that changes no verdict but asks the investigator to look.",
    )
    flag_text: str = Field(
        default="",
        examples=["Creatinine clearance below 50 mL/min"],
        description="At what to look.",
    )


class EligibilitySection(BaseModel):
    """What a screening form asks, and by which rules the answers are judged."""

    screening_window_days: int = Field(
        examples=[28], description="For how many days a dated fact is fresh enough to be used."
    )
    age_fact: str = Field(
        examples=["age_at_consent"],
        description="The fact that is the age in completed years at consent.",
    )
    consent_fact: str = Field(
        examples=["informed_consent_signed"], description="The fact that says consent was signed."
    )
    quantities: list[QuantityRead] = Field(description="What is measured, and in which units.")
    facts: list[FactRead] = Field(description="Every question, in the order to ask them in.")
    criteria: list[CriterionRule] = Field(description="Every criterion, inclusions first.")


class AssumptionRead(BaseModel):
    """A ruling where the registry record is silent or contradicts itself."""

    id: str = Field(examples=["no_placebo"], description="Names the ruling.")
    record: str = Field(
        examples=["The description says placebo-controlled; the control arm has no intervention."],
        description="What the registry record says, or that it says nothing.",
    )
    ruling: str = Field(examples=["There is no placebo."], description="What the trial does.")
    reason: str = Field(
        examples=["The arms and interventions are the registered fields."],
        description="What speaks for the ruling.",
    )
    parameters: list[str] = Field(
        examples=[["treatment"]], description="The parts of the document that follow from it."
    )


class ProtocolVersionRead(ProtocolVersionSummary):
    """A protocol version with its whole document and the rulings it rests on."""

    document: JsonObject = Field(
        description="The protocol as data; block sizes are withheld from everyone who recruits.",
        examples=[{"version": "1.0", "endpoint": {"severe_grade": 3, "any_grade": 1}}],
    )
    eligibility: AsIs[EligibilitySection] = Field(
        description="The document's own section: what a screening form asks, and by which rules"
        " the answers are judged."
    )
    assumptions: list[AsIs[AssumptionRead]] = Field(
        description="Rulings where the registry record is silent or contradicts itself."
    )


class ActivationCreate(Body):
    """An ethics approval at a site."""

    protocol_version: VersionLabel = Field(
        examples=["1.0"], description="The version of the protocol that was approved."
    )
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
    protocol_version: str = Field(
        examples=["1.0"], description="The version of the protocol that was approved."
    )
    consent_version: str = Field(examples=["1.0"])
    ethics_reference: str = Field(examples=["2025-KY-0439"])
    approved_on: date
    recorded_at: Instant


class ActivationPage(Page[ActivationRead]):
    """Activations of a site, oldest first."""

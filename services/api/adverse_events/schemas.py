"""Adverse events as callers see them."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints

from services.api.core.bodies import Body, Instant, LocalDate, Omittable, Patch, Reason
from services.api.core.pagination import Page, PageQuery
from services.api.enrolment.schemas import SiteCode
from services.api.protocol.safety import MEDDRA_VERSION
from services.api.signatures.schemas import HASH, SignatureRead


class Seriousness(StrEnum):
    """ICH E2B(R3) E.i.3.2: what makes an event serious, whatever its severity."""

    DEATH = "death"
    LIFE_THREATENING = "life_threatening"
    HOSPITALISATION = "hospitalisation"
    DISABILITY = "disability"
    CONGENITAL_ANOMALY = "congenital_anomaly"
    OTHER_MEDICALLY_IMPORTANT = "other_medically_important"


class CausalityVerdict(StrEnum):
    """How likely it is that a treatment caused the event."""

    RELATED = "related"
    PROBABLY = "probably"
    POSSIBLY = "possibly"
    UNLIKELY = "unlikely"
    NOT_RELATED = "not_related"
    NOT_ASSESSABLE = "not_assessable"


class Expectedness(StrEnum):
    """Whether the reference safety information lists the event."""

    EXPECTED = "expected"
    UNEXPECTED = "unexpected"


class ActionTaken(StrEnum):
    """What was done with the study drug."""

    NONE = "none"
    INTERRUPTED = "interrupted"
    WITHDRAWN = "withdrawn"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


class EventOutcome(StrEnum):
    """How the event stands or ended."""

    RECOVERED = "recovered"
    RECOVERING = "recovering"
    NOT_RECOVERED = "not_recovered"
    RECOVERED_WITH_SEQUELAE = "recovered_with_sequelae"
    FATAL = "fatal"
    UNKNOWN = "unknown"


class Causality(Body):
    """The investigator's judgment on each treatment."""

    study_drug: CausalityVerdict = Field(examples=["unlikely"])
    radiotherapy: CausalityVerdict = Field(
        examples=["probably"], description="How likely it is that radiotherapy caused it."
    )


EventId = Annotated[
    UUID,
    Path(
        description="The adverse event's `id`; one of another site does not exist for you.",
        examples=["019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19"],
    ),
]


class CausalityRead(BaseModel):
    """The investigator's judgment on each treatment, as recorded."""

    study_drug: CausalityVerdict
    radiotherapy: CausalityVerdict = Field(
        description="How likely it is that radiotherapy caused it."
    )


Term = Annotated[str, StringConstraints(min_length=2, max_length=200, strip_whitespace=True)]
TermDetail = Annotated[str, StringConstraints(min_length=3, max_length=500, strip_whitespace=True)]
Narrative = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Severity = Annotated[int, Field(ge=1, le=5)]
MedDRACode = Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")]
MedDRAVersion = Annotated[str, StringConstraints(pattern=MEDDRA_VERSION)]
Criteria = Annotated[list[Seriousness], Field(max_length=6)]


class AdverseEventCreate(Body):
    """A site's report of an adverse event."""

    term: Term = Field(examples=["Dysphagia"], description="A term of CTCAE, in its wording.")
    term_detail: TermDetail | None = Field(
        default=None,
        description="What it is, for a term that says «Other, specify».",
        examples=["Trismus after surgery"],
    )
    grade: Severity = Field(examples=[3], description="Severity; the term defines which exist.")
    onset_on: LocalDate = Field(examples=["2026-04-10"])
    resolved_on: LocalDate | None = None
    aware_at: Instant = Field(
        examples=["2026-04-11T01:15:00Z"], description="When the site learnt of it: day 0."
    )
    serious: bool = Field(examples=[True])
    seriousness: Criteria = Field(examples=[["hospitalisation"]])
    causality: Causality
    action_taken: ActionTaken = Field(examples=["none"])
    outcome: EventOutcome = Field(examples=["recovering"])
    narrative: Narrative | None = Field(
        default=None, examples=["Admitted for tube feeding after two days without solid food."]
    )
    continues: UUID | None = Field(
        default=None,
        description="The `id` of the occurrence before, where the severity of one event changed:"
        " each grade has its own period.",
        examples=[None],
    )


class CausalityPatch(Patch):
    """A corrected judgment on either treatment; the other one stays."""

    study_drug: Omittable[CausalityVerdict] = Field(default=None, examples=["possibly"])
    radiotherapy: Omittable[CausalityVerdict] = Field(
        default=None, description="How likely it is that radiotherapy caused it, corrected."
    )


class AdverseEventPatch(Patch):
    """A follow-up, a correction, an assessment or a nullification.

    sponsor_causality, expectedness and the coding in MedDRA are the safety
    officer's, everything else the site's; both may nullify.
    """

    removable: ClassVar[frozenset[str]] = frozenset(
        {"term_detail", "resolved_on", "narrative", "sponsor_causality", "expectedness"}
    )

    term: Omittable[Term] = Field(
        default=None,
        examples=["Dysphagia"],
        description="The term, corrected; every occurrence of the case follows.",
    )
    term_detail: TermDetail | None = Field(
        default=None,
        examples=["Trismus after surgery"],
        description="What it is, for a term that says «Other, specify»; null takes it away.",
    )
    grade: Omittable[Severity] = Field(
        default=None,
        examples=[2],
        description="Severity, corrected. An event that grew worse is reported anew with"
        " `continues` instead.",
    )
    onset_on: Omittable[LocalDate] = None
    resolved_on: LocalDate | None = Field(default=None, examples=["2026-04-20"])
    aware_at: Omittable[Instant] = None
    serious: Omittable[bool] = None
    seriousness: Omittable[Criteria] = None
    causality: Omittable[CausalityPatch] = Field(
        default=None, description="The investigator's judgment, of one treatment or of both."
    )
    action_taken: Omittable[ActionTaken] = None
    outcome: Omittable[EventOutcome] = Field(default=None, examples=["recovered"])
    narrative: Narrative | None = Field(default=None, examples=["Eats soft food again."])
    informed_at: Omittable[Instant] = Field(
        default=None,
        examples=["2026-04-14T02:30:00Z"],
        description="When you learnt of what changes: day 0 of deadlines that it starts. Now, if"
        " left out.",
    )
    nullified: Omittable[Literal[True]] = Field(
        default=None,
        description="The event did not happen, or is another one. With nothing but a reason, and"
        " for good: nothing is ever deleted.",
        examples=[True],
    )
    sponsor_causality: CausalityVerdict | None = None
    expectedness: Expectedness | None = Field(
        default=None,
        description="The safety officer's: expected if the reference safety information in force"
        " on the day of onset lists the term at this grade or above.",
    )
    meddra_code: Omittable[MedDRACode] = Field(
        default=None,
        description="The safety officer's coding in MedDRA, with its version; a site's change of"
        " the term sets both back to the dictionary's.",
        examples=["10044684"],
    )
    meddra_version: Omittable[MedDRAVersion] = Field(
        default=None, description="Of MedDRA, with the code.", examples=["28.1"]
    )
    reason: Reason = Field(examples=["Follow-up: resolved"])


class AdverseEventRead(BaseModel):
    """One version of an adverse event."""

    id: UUID
    subject_id: UUID
    site: str = Field(examples=["NN"])
    case_id: UUID = Field(
        description="The `id` of the first occurrence: deadlines run for the case.",
        examples=["019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19"],
    )
    continues: UUID | None = Field(
        description="The occurrence before, of another grade.", examples=[None]
    )
    continued_by: UUID | None = Field(
        description="The occurrence after, of another grade.", examples=[None]
    )
    nullified: bool = Field(
        description="It does not count any more; `reason` says why.", examples=[False]
    )
    term: str = Field(examples=["Dysphagia"], description="The term of CTCAE, in its wording.")
    term_detail: str | None = Field(
        examples=["Trismus after surgery"],
        description="What it is, for a term that says «Other, specify»; else null.",
    )
    meddra_code: str = Field(
        examples=["10013950"],
        description="The lowest level term in MedDRA, eight digits: the dictionary's, or the"
        " safety officer's.",
    )
    meddra_version: str = Field(examples=["20.1"], description="Of MedDRA, which has the code.")
    ctcae_version: str = Field(
        examples=["5.0"], description="The version of CTCAE whose grades and term these are."
    )
    grade: int = Field(examples=[3], description="Severity by CTCAE, 1 to 5 (death).")
    onset_on: date
    resolved_on: date | None
    grade_until: date | None = Field(
        description="The last day of this grade: of its resolution, the day the next grade began,"
        " or the day of death. Null while it lasts.",
        examples=["2026-04-20"],
    )
    after_collection: bool = Field(
        description="It began later after radiotherapy than the protocol collects events.",
        examples=[False],
    )
    aware_at: Instant
    informed_at: Instant = Field(
        description="When the site learnt of what this version says.",
        examples=["2026-04-11T01:15:00Z"],
    )
    received_at: Instant = Field(
        description="When this version was recorded, in the trial's time.",
        examples=["2026-04-11T03:40:12Z"],
    )
    serious: bool
    seriousness: list[Seriousness]
    causality: CausalityRead
    sponsor_causality: CausalityVerdict | None = Field(description="The safety officer's.")
    expectedness: Expectedness | None = Field(description="The safety officer's.")
    reference_version: str | None = Field(
        description="Of the reference safety information that the expectedness was judged by.",
        examples=["2.0"],
    )
    suspected: bool = Field(
        description="The investigator or the sponsor holds the study drug for a possible cause.",
        examples=[False],
    )
    susar: bool = Field(
        description="Serious, suspected and not assessed as expected.", examples=[False]
    )
    action_taken: ActionTaken
    outcome: EventOutcome
    narrative: str | None = Field(examples=["Admitted for tube feeding."])
    protocol_version: str = Field(examples=["1.0"])
    reason: str | None = Field(examples=["Follow-up: resolved"])
    recorded_at: Instant
    version: int = Field(examples=[1])
    content_hash: str = Field(description="What a signature covers.", examples=[HASH])
    signature: SignatureRead | None = Field(
        description="The last one; among the versions, each one's own."
    )


class AdverseEventPage(Page[AdverseEventRead]):
    """Adverse events in the order of their reporting."""


class AdverseEventQuery(PageQuery):
    """Filters of the list of adverse events."""

    site: SiteCode | None = Field(default=None, description="Only this site.", examples=["NN"])
    serious: bool | None = Field(default=None, description="Only serious ones, or only others.")
    grade: Severity | None = Field(default=None, description="Only this severity.")
    term: Annotated[Term, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$")] | None = Field(
        default=None, description="Only this term of CTCAE, in its wording.", examples=["Nausea"]
    )
    case_id: UUID | None = Field(
        default=None,
        description="Only the occurrences of this case.",
        examples=["019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19"],
    )
    nullified: bool | None = Field(
        default=None, description="Only nullified ones, or only those that stand."
    )
    suspected: bool | None = Field(
        default=None, description="Only those that the study drug may have caused, or only others."
    )

"""Subjects, consents, radiotherapy and deviations as callers see them."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.api.core.bodies import (
    Body,
    Instant,
    LocalDate,
    Omittable,
    Patch,
    Reason,
)
from services.api.core.pagination import Page, PageQuery
from services.api.enrolment.rules import SubjectStatus
from services.api.study.schemas import VersionLabel

SubjectId = Annotated[
    UUID,
    Path(
        description="The subject's `id`; one of another site does not exist for you.",
        examples=["019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"],
    ),
]
ConsentId = Annotated[
    UUID,
    Path(
        description="The consent's `id`, of that subject.",
        examples=["019c8a52-8f31-7d02-8b6e-2c9d4e7f1a35"],
    ),
]

SiteCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}$")]
YearOfBirth = Annotated[int, Field(ge=1900, le=2199, examples=[1971])]


class Sex(StrEnum):
    """Sex as recorded at birth."""

    FEMALE = "female"
    MALE = "male"


class SettableStatus(StrEnum):
    """The states a person may set; the others follow from what is recorded."""

    SCREEN_FAILED = "screen_failed"
    WITHDRAWN = "withdrawn"
    LOST_TO_FOLLOW_UP = "lost_to_follow_up"
    DIED = "died"
    COMPLETED = "completed"


class SubjectCreate(Body):
    """A person who enters screening."""

    site: SiteCode = Field(examples=["NN"], description="One of the caller's own sites.")
    year_of_birth: YearOfBirth = Field(
        description="The year alone, which the age at consent has to agree with: a full date of"
        " birth is refused."
    )
    sex: Sex = Field(examples=["female"])
    national_id: Annotated[
        Omittable[str],
        Field(
            default=None,
            pattern=r"^[0-9A-Za-z]{6,32}$",
            examples=["TEST0000000000001X"],
            description="Kept as a keyed digest only, to notice the same person at another site.",
        ),
    ]


class SubjectPatch(Patch):
    """A correction, or a change of status by hand."""

    status: Omittable[SettableStatus] = Field(
        default=None,
        examples=["completed"],
        description="The new status; the moves that a subject may make are few, and the others"
        " are refused.",
    )
    sex: Omittable[Sex] = None
    year_of_birth: Omittable[YearOfBirth] = None
    reason: Reason = Field(examples=["All visits done, last contact on the ward"])


EXAMPLE = "/v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"


class SubjectLinks(BaseModel):
    """Where to go from a subject."""

    self: str = Field(examples=[EXAMPLE], description="Where the subject is read and changed.")
    consents: str = Field(
        examples=[f"{EXAMPLE}/consents"], description="The consents that the subject signed."
    )
    eligibility: str = Field(
        examples=[f"{EXAMPLE}/eligibility"],
        description="The facts of screening and each criterion's verdict.",
    )
    radiotherapy: str = Field(
        examples=[f"{EXAMPLE}/radiotherapy"], description="What was planned and delivered."
    )
    randomization: str = Field(
        examples=[f"{EXAMPLE}/randomization"],
        description="The allocation; `not_found` before there is one.",
    )
    visits: str = Field(
        examples=[f"{EXAMPLE}/visits"], description="The schedule and what took place."
    )
    exposures: str = Field(
        examples=[f"{EXAMPLE}/exposures"], description="The study drug taken, day by day."
    )
    discontinuation: str = Field(
        examples=[f"{EXAMPLE}/discontinuation"],
        description="The end of treatment, and of taking part.",
    )
    endpoint: str = Field(
        examples=[f"{EXAMPLE}/endpoint"], description="The primary and the secondary outcome."
    )
    adverse_events: str = Field(
        examples=[f"{EXAMPLE}/adverse-events"], description="What happened to the subject's safety."
    )
    deviations: str = Field(
        examples=[f"{EXAMPLE}/deviations"], description="Departures from the protocol."
    )

    @classmethod
    def of(cls, subject_id: UUID) -> "SubjectLinks":
        """The links of one subject."""
        here = f"/v1/subjects/{subject_id}"
        parts = {name: f"{here}/{name.replace('_', '-')}" for name in cls.model_fields}
        return cls(**{**parts, "self": here})


class SubjectRead(BaseModel):
    """A trial participant, known by number and year of birth only."""

    id: UUID
    number: str = Field(examples=["NN-0001"])
    site: str = Field(examples=["NN"])
    status: SubjectStatus = Field(
        examples=["screening"],
        description="Where the subject stands; most moves follow from what is recorded.",
    )
    sex: Sex = Field(examples=["female"])
    year_of_birth: int = Field(examples=[1971])
    left_on: date | None = Field(
        examples=[None],
        description="The local day on which the subject left the study: withdrew, was last known"
        " of before being lost to follow-up, or died; of several such days the earliest. Null"
        " of a subject who failed screening, also after a withdrawal or death.",
    )
    died_on: date | None = Field(
        examples=[None],
        description="The local day of death: the one given as the end of the study, or the one on"
        " which the status was set by hand. Null while alive, and where no day was kept.",
    )
    created_at: Instant
    protocol_version: str = Field(examples=["1.0"])
    version: int = Field(examples=[1])
    links: SubjectLinks


class SubjectPage(Page[SubjectRead]):
    """Subjects of the caller's sites in the order of their enrolment."""


class SubjectQuery(PageQuery):
    """Filters of the list of subjects."""

    site: SiteCode | None = Field(default=None, description="Only this site.", examples=["NN"])
    status: SubjectStatus | None = Field(default=None, description="Only in this status.")
    number: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}-[0-9]{4}$")] | None = Field(
        default=None, description="The subject with this number.", examples=["NN-0001"]
    )


class ConsentCreate(Body):
    """A consent form that the subject signed."""

    version: VersionLabel = Field(examples=["1.0"], description="Of the approved consent form.")
    signed_on: LocalDate = Field(examples=["2026-03-02"])


class WithdrawalCreate(Body):
    """The subject's withdrawal of consent, which ends their part in the trial."""

    withdrawn_on: LocalDate = Field(examples=["2026-05-11"])
    reason: Reason = Field(examples=["Does not want to travel to the hospital any more"])


class WithdrawalRead(BaseModel):
    """When and why a consent was withdrawn."""

    model_config = ConfigDict(from_attributes=True)

    withdrawn_on: date
    reason: str = Field(
        examples=["Does not want to travel to the hospital any more"],
        description="Why, in the subject's own sense; a subject need give no reason.",
    )
    recorded_at: Instant


class ConsentRead(BaseModel):
    """A signed consent."""

    id: UUID
    version: str = Field(examples=["1.0"], description="Of the approved consent form.")
    signed_on: date
    recorded_at: Instant
    withdrawal: WithdrawalRead | None = Field(
        description="When and why it was withdrawn; null while it is in force."
    )


class ConsentPage(Page[ConsentRead]):
    """Consents of a subject, oldest first."""

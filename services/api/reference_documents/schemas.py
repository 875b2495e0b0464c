"""Reference safety information as callers see it."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.api.core.bodies import Body, Instant, LocalDate
from services.api.core.pagination import Page

LABEL = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$"
TITLE = "Investigator's brochure, section 7: reference safety information"

Label = Annotated[str, StringConstraints(pattern=LABEL)]
Title = Annotated[str, StringConstraints(min_length=3, max_length=300)]
TermName = Annotated[str, StringConstraints(min_length=2, max_length=200)]


class ExpectedWrite(Body):
    """A reaction that is expected."""

    term: TermName = Field(examples=["Nausea"], description="A term of CTCAE, in its wording.")
    max_grade: Annotated[int, Field(ge=1, le=5)] = Field(
        examples=[3], description="The worst severity that is still expected."
    )


class ReferenceDocumentCreate(Body):
    """A version of the reference safety information."""

    version: Label = Field(examples=["2.0"], description="What the document calls its version.")
    title: Title = Field(examples=[TITLE], description="What the document calls itself.")
    effective_on: LocalDate = Field(
        examples=["2026-01-12"],
        description="The first local day of onset for which it decides: today or later, but for"
        " the trial's first document.",
    )
    expected: Annotated[list[ExpectedWrite], Field(max_length=1000)] = Field(
        examples=[[{"term": "Nausea", "max_grade": 3}]],
        description="Every expected reaction; none, if nothing is known of the product.",
    )


class ExpectedRead(BaseModel):
    """A reaction that is expected."""

    term: str = Field(
        examples=["Nausea"], description="The reaction, as a term of CTCAE in its wording."
    )
    max_grade: int = Field(examples=[3], description="The worst severity that is still expected.")


class ReferenceDocumentRead(BaseModel):
    """A version of the reference safety information, which never changes."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(
        examples=["019c8a57-1d2e-7c4f-9a60-3b5c7d9e1f02"], description="Of this version."
    )
    version: str = Field(examples=["2.0"], description="What the document calls its version.")
    title: str = Field(examples=[TITLE], description="What the document calls itself.")
    effective_on: date = Field(
        examples=["2026-01-12"], description="The first local day of onset for which it decides."
    )
    dictionary_version: str = Field(
        examples=["5.0"], description="The version of CTCAE that its terms are of."
    )
    expected: list[ExpectedRead] = Field(
        examples=[[{"term": "Nausea", "max_grade": 3}]], description="Every expected reaction."
    )
    recorded_by: UUID = Field(
        examples=["019c8a50-33cc-7f5e-8a21-4d6e8f0a1b2c"], description="Who published it."
    )
    recorded_at: Instant = Field(
        examples=["2026-01-12T08:10:00Z"], description="When it was published."
    )


class ReferenceDocumentPage(Page[ReferenceDocumentRead]):
    """Reference documents in the order of their publication."""


DocumentVersion = Annotated[
    str, Path(pattern=LABEL, description="What the document calls its version.", examples=["2.0"])
]

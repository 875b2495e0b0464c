"""Terms of adverse events as callers see them."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from services.api.core.pagination import Page, PageQuery

Typed = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class TermQuery(PageQuery):
    """What is looked for in the dictionary."""

    q: Typed | None = Field(
        default=None,
        description="What somebody has typed of a term, or of its MedDRA code; all terms without.",
        examples=["naus"],
    )


class TermRead(BaseModel):
    """A term of the dictionary."""

    term: str = Field(
        examples=["Nausea"], description="The wording to report an adverse event with."
    )
    meddra_code: str = Field(
        examples=["10028813"], description="Of the lowest level term in MedDRA."
    )
    system_organ_class: str = Field(
        examples=["Gastrointestinal disorders"], description="Where MedDRA files the term."
    )
    grades: list[int] = Field(
        examples=[[1, 2, 3]], description="The severities that exist for the term."
    )
    needs_detail: bool = Field(
        examples=[False],
        description="Whether `term_detail` has to say what it is: «Other, specify».",
    )


class TermPage(Page[TermRead]):
    """Terms, the likelier first, and where they are from."""

    dictionary: str = Field(examples=["ctcae"], description="What the protocol takes terms from.")
    dictionary_version: str = Field(
        examples=["5.0"], description="The version of the dictionary that the protocol follows."
    )
    meddra_version: str = Field(
        examples=["20.1"], description="The version of MedDRA that the codes are of."
    )

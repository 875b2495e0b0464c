"""Reports as callers see them."""

from pydantic import BaseModel, Field


class RandomizationFigures(BaseModel):
    """How many subjects were randomized, and of how many something went wrong.

    Every figure counts subjects; of none is told which arm they are in.
    """

    randomized: int = Field(default=0, examples=[41])
    wrong_stratum: int = Field(
        default=0,
        examples=[1],
        description="Whose correct stratum, as last recorded, is not the one used.",
    )
    ineligible: int = Field(
        default=0, examples=[1], description="Who did not meet the criteria, and stay in the trial."
    )
    duplicate: int = Field(
        default=0, examples=[2], description="Who are the same person as another subject."
    )
    duplicate_not_retained: int = Field(
        default=0,
        examples=[1],
        description="Those of them whose allocation was not the first, so it does not count.",
    )
    late_randomization: int = Field(
        default=0,
        examples=[3],
        description="Randomized later before radiotherapy than the protocol asks for.",
    )
    stratum_changed: int = Field(
        default=0,
        examples=[1],
        description="Whose recorded stratification factor was changed after randomization.",
    )


class SiteFigures(RandomizationFigures):
    """The figures of one site."""

    site: str = Field(examples=["NN"])


class RandomizationReport(BaseModel):
    """Randomization and its errors at the caller's sites, and in all of them together."""

    sites: list[SiteFigures]
    total: RandomizationFigures

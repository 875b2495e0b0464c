"""What may be asked of an export."""

from pydantic import BaseModel, ConfigDict, Field


class ExportQuery(BaseModel):
    """Which version or which part of a format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str | None = Field(
        default=None,
        max_length=16,
        description="The version of the standard, of `odm` only: `1.3.2` or `2.0`.",
        examples=["1.3.2"],
    )
    dataset: str | None = Field(
        default=None,
        max_length=64,
        description="One file of `csv` or one dataset of `dataset-json`, instead of all as an"
        " archive.",
        examples=["AE"],
    )

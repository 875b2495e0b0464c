"""Health and readiness."""

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The process answers."""

    status: str = Field(
        default="ok", examples=["ok"], description="`ok`, as long as the process answers."
    )


class Readiness(BaseModel):
    """Every check passed."""

    status: str = Field(
        default="ready",
        examples=["ready"],
        description="`ready`, when every check passed; else the answer is 503.",
    )
    revision: str = Field(
        description="The schema revision of the database.", examples=["protection"]
    )
    feed_behind_seconds: float = Field(
        description="Age of the oldest event that no worker has acted on. When it grows, no worker"
        " runs: records are kept all the same, but nobody is reminded and nothing is sent.",
        examples=[0.2],
    )
    feed_postponed: int = Field(
        description="Events whose consequences failed and are tried again: see the worker's log.",
        examples=[0],
    )

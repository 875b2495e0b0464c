"""Health and readiness."""

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The process answers."""

    status: str = Field(default="ok", examples=["ok"])


class Readiness(BaseModel):
    """Every check passed."""

    status: str = Field(default="ready", examples=["ready"])
    revision: str = Field(
        description="The schema revision of the database.", examples=["protection"]
    )

"""The sandbox's clock, kept so that a restart does not travel back in time."""

from datetime import timedelta

from sqlalchemy import CheckConstraint, Interval
from sqlmodel import Field, SQLModel


class SandboxClock(SQLModel, table=True):
    """How far clinical time is ahead of real time: one row in a sandbox, none in production."""

    __tablename__ = "sandbox_clock"
    __table_args__ = (
        CheckConstraint("id = 1", name="sandbox_clock_is_one"),
        CheckConstraint("ahead >= interval '0'", name="sandbox_clock_forward"),
    )

    id: int = Field(default=1, primary_key=True)
    ahead: timedelta = Field(sa_type=Interval)

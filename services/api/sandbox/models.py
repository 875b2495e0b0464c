"""The sandbox's clock and scenario, kept so that a restart goes on where the sandbox was."""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, Interval
from sqlmodel import Field, SQLModel


class SandboxClock(SQLModel, table=True):
    """How far clinical time is ahead of real time: one row in a sandbox, none in production.

    `scenario` and `seed` are what the data began with. `stood_at` is where
    clinical time stood when the scenario was ready; without it, at real time.
    """

    __tablename__ = "sandbox_clock"
    __table_args__ = (CheckConstraint("id = 1", name="sandbox_clock_is_one"),)

    id: int = Field(default=1, primary_key=True)
    ahead: timedelta = Field(sa_type=Interval)
    scenario: str = "empty"
    seed: int = Field(default=1, sa_type=BigInteger)
    stood_at: datetime | None = None

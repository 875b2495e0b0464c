"""How the stopping rules stood, each time that their figures changed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from services.api.core.making import new_id, recorded_now


class StoppingEvaluation(SQLModel, table=True):
    """One evaluation of one rule; the last of a rule tells how it stands.

    `cause` is the event of the feed after which it was evaluated, and
    `evaluated_at` clinical time. `boundary` is null as long as no number of
    events reaches the rule.
    """

    __tablename__ = "stopping_evaluation"
    __table_args__ = (
        CheckConstraint("events BETWEEN 0 AND subjects", name="stopping_evaluation_events"),
        CheckConstraint("probability BETWEEN 0 AND 1", name="stopping_evaluation_probability"),
        CheckConstraint(
            "reached = (boundary IS NOT NULL AND events >= boundary)",
            name="stopping_evaluation_reached_at_boundary",
        ),
        Index("stopping_evaluation_rule_index", "rule", "id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    rule: str
    evaluated_at: datetime
    cause: UUID
    subjects: int
    events: int
    probability: float
    boundary: int | None = None
    reached: bool
    protocol_version: str = Field(foreign_key="protocol_version.version")
    recorded_by: UUID
    recorded_at: datetime = Field(default_factory=recorded_now)

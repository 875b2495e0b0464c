"""The committed list and the allocations drawn from it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from services.api.core.making import new_id, recorded_now
from services.api.core.records import OfSubject, of_subject


class Commitment(SQLModel, table=True):
    """What was published of the whole list: one row, never changed.

    `contributions` are the parties' commitments, made before either was opened.
    """

    __tablename__ = "randomization_commitment"
    __table_args__ = (
        CheckConstraint("id = 1", name="commitment_is_one"),
        CheckConstraint("length(root) = 32", name="commitment_root_length"),
    )

    id: int = Field(default=1, primary_key=True)
    root: bytes = Field(sa_type=LargeBinary)
    algorithm: str
    slots: int
    design: dict[str, Any] = Field(sa_type=JSONB)
    contributions: dict[str, str] = Field(sa_type=JSONB)
    protocol_version: str = Field(foreign_key="protocol_version.version")
    published_at: datetime = Field(default_factory=recorded_now)


class TrialTotal(SQLModel, table=True):
    """How many subjects the trial has allocated: one row, capped by the protocol."""

    __tablename__ = "randomization_total"
    __table_args__ = (
        CheckConstraint("id = 1", name="total_is_one"),
        CheckConstraint("allocated BETWEEN 0 AND cap", name="total_within_cap"),
    )

    id: int = Field(default=1, primary_key=True)
    allocated: int = 0
    cap: int


class Stratum(SQLModel, table=True):
    """One list of slots; its row is the lock that orders allocations.

    `site` is null where the strata are not by site: then subjects of every site
    are allocated from it. `drawn` counts the slots that were drawn, the last of
    them at `drawn_at`.
    """

    __tablename__ = "stratum"
    __table_args__ = (
        CheckConstraint(
            "drawn >= 0 AND (drawn = 0) = (drawn_at IS NULL)", name="stratum_draws_have_a_time"
        ),
    )

    code: str = Field(primary_key=True)
    site: str | None = Field(default=None, foreign_key="site.code")
    levels: dict[str, Any] = Field(sa_type=JSONB)
    drawn: int = 0
    drawn_at: datetime | None = None


class Slot(SQLModel, table=True):
    """A place in a stratum's list, known to the database only by its salted leaf hash."""

    __tablename__ = "randomization_slot"
    __table_args__ = (CheckConstraint("seq >= 1", name="slot_from_one"),)

    stratum: str = Field(primary_key=True, foreign_key="stratum.code")
    seq: int = Field(primary_key=True)
    leaf: bytes = Field(sa_type=LargeBinary)


class Allocation(OfSubject, table=True):
    """A subject's arm: the next slot of the stratum, drawn once, never changed.

    `prev_seq` is null for the first slot; its foreign key makes a skipped slot
    impossible.
    """

    __tablename__ = "allocation"
    __table_args__ = (
        of_subject(),
        UniqueConstraint("subject_id", name="allocation_once"),
        UniqueConstraint("stratum", "seq", name="allocation_slot_once"),
        ForeignKeyConstraint(
            ["stratum", "seq"], ["randomization_slot.stratum", "randomization_slot.seq"]
        ),
        ForeignKeyConstraint(
            ["stratum", "prev_seq"],
            ["allocation.stratum", "allocation.seq"],
            name="allocation_without_gap",
        ),
        ForeignKeyConstraint(
            ["site", "subject_id", "evaluation_version"],
            [
                "eligibility_evaluation.site",
                "eligibility_evaluation.subject_id",
                "eligibility_evaluation.version",
            ],
            name="allocation_on_evaluation",
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    stratum: str
    seq: int
    prev_seq: int | None = Field(
        default=None,
        sa_column=Column(Integer, Computed("nullif(seq, 1) - 1", persisted=True)),
    )
    arm: str
    randomization_number: str
    randomized_at: datetime
    evaluation_version: int
    protocol_version: str = Field(foreign_key="protocol_version.version")

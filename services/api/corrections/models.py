"""Errors made in randomization, recorded beside the allocations that stand."""

from datetime import date
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
)
from sqlmodel import Field

from services.api.core.making import new_id
from services.api.core.records import OfSubject, of_subject


class Correction(OfSubject, table=True):
    """An error made when the subject was randomized; its row is never changed.

    `stratum` is the correct one; the one used is the allocation's. Of the same
    person randomized twice each subject has a row; what the two share is
    `pair`, a random id that says nothing of the other one's number or site.
    """

    __tablename__ = "randomization_correction"
    __table_args__ = (
        of_subject(),
        ForeignKeyConstraint(
            ["subject_id"], ["allocation.subject_id"], name="randomization_correction_of_allocation"
        ),
        CheckConstraint(
            "kind IN ('wrong_stratum', 'ineligible', 'duplicate')",
            name="randomization_correction_kind_known",
        ),
        CheckConstraint(
            "(kind = 'wrong_stratum') = (stratum IS NOT NULL)",
            name="randomization_correction_stratum_of_kind",
        ),
        CheckConstraint(
            "(kind = 'ineligible') = (criteria IS NOT NULL)",
            name="randomization_correction_criteria_of_kind",
        ),
        CheckConstraint(
            "cardinality(criteria) > 0 AND array_position(criteria, NULL) IS NULL",
            name="randomization_correction_criteria_named",
        ),
        CheckConstraint(
            "(kind = 'duplicate') = (pair IS NOT NULL) AND (pair IS NULL) = (retained IS NULL)",
            name="randomization_correction_pair_of_kind",
        ),
        UniqueConstraint("pair", "retained", name="randomization_correction_one_retained"),
        Index("randomization_correction_subject_index", "site", "subject_id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str
    reason: str
    discovered_on: date
    stratum: str | None = Field(default=None, foreign_key="stratum.code")
    criteria: list[str] | None = Field(default=None, sa_type=ARRAY(String))
    pair: UUID | None = None
    retained: bool | None = None
    protocol_version: str = Field(foreign_key="protocol_version.version")

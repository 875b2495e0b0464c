"""Gradings of oral mucositis, each a chain of versions, and the signatures on them."""

from collections.abc import Collection
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from services.api.core.records import of_subject, version_checks
from services.api.signatures.models import Signable, Signature, signature_constraints
from services.api.signatures.rules import SignatureMeaning


class Grading(Signable, table=True):
    """One version of an assessor's grading of oral mucositis.

    `grade` is the assessor's own and is primary; the derived grades come from
    the components by the protocol's rules and stand beside it, null on a scale
    that the protocol does not have. `assessor`
    stays the author of the first version.
    """

    __tablename__ = "grading"
    __table_args__ = (
        of_subject(),
        *version_checks("grading"),
        CheckConstraint("grade BETWEEN 0 AND 4", name="grading_grade_known"),
        CheckConstraint("pain_score BETWEEN 0 AND 10", name="grading_pain_score_known"),
        CheckConstraint(
            "mucosal_appearance IN"
            " ('normal', 'erythema', 'patchy', 'confluent', 'ulcer_hemorrhage_necrosis')",
            name="grading_appearance_known",
        ),
        CheckConstraint(
            "analgesic IN ('none', 'non_opioid', 'opioid')", name="grading_analgesic_known"
        ),
        CheckConstraint(
            "diet IN ('solid', 'soft', 'liquid', 'none_by_mouth')", name="grading_diet_known"
        ),
        UniqueConstraint("site", "subject_id", "id", "version"),
        Index("grading_subject_index", "site", "subject_id"),
        Index(
            "grading_once_per_assessor",
            "subject_id",
            "visit",
            "assessor",
            unique=True,
            postgresql_where=text("version = 1"),
        ),
    )

    id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    visit: str
    assessor: UUID
    assessed_at: datetime
    assessed_on: date
    grade: int
    mucosal_appearance: str
    ulceration: bool
    pain_score: int
    analgesic: str
    diet: str
    derived_protocol: int
    derived_who: int | None = None
    derived_rtog: int | None = None


class GradingSignature(Signature, table=True):
    """The assessor's signature on one version of their grading."""

    __tablename__ = "grading_signature"
    meanings: ClassVar[Collection[SignatureMeaning]] = (SignatureMeaning.GRADING,)
    __table_args__ = signature_constraints("grading", "grading", {"grading_id": "id"}, meanings)

    grading_id: UUID

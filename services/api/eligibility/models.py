"""Eligibility evaluations and the signatures on them."""

from collections.abc import Collection
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.api.core.records import of_subject, version_checks
from services.api.eligibility.rules import (
    CriterionJudgment,
    EligibilityOverall,
    Evaluation,
    evaluation_hash,
)
from services.api.signatures.models import Signable, Signature, signature_constraints
from services.api.signatures.rules import SignatureMeaning


class EligibilityEvaluation(Signable, table=True):
    """The facts as given, and every criterion's verdict on the day they were evaluated."""

    __tablename__ = "eligibility_evaluation"
    __table_args__ = (
        of_subject(),
        *version_checks("eligibility_evaluation"),
        CheckConstraint(
            "overall IN ('eligible', 'ineligible', 'incomplete')", name="eligibility_overall_known"
        ),
        UniqueConstraint("site", "subject_id", "version"),
    )

    subject_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    facts: dict[str, Any] = Field(sa_type=JSONB)
    normalised: dict[str, Any] = Field(sa_type=JSONB)
    criteria: list[dict[str, Any]] = Field(sa_type=JSONB)
    overall: str
    evaluation_hash: str
    evaluated_on: date

    @property
    def content_hash(self) -> str:
        """What a signature is bound to: `evaluation_hash`, computed anew from what is stored."""
        criteria = tuple(CriterionJudgment(**one) for one in self.criteria)
        overall = EligibilityOverall(self.overall)
        judged = Evaluation(overall, criteria, unknown_facts=(), stale_facts=())
        return evaluation_hash(
            self.facts, judged, self.protocol_version, self.subject_id, self.version
        )


class EligibilitySignature(Signature, table=True):
    """An investigator's signature on one evaluation."""

    __tablename__ = "eligibility_signature"
    meanings: ClassVar[Collection[SignatureMeaning]] = (
        SignatureMeaning.ELIGIBLE,
        SignatureMeaning.INELIGIBLE,
    )
    __table_args__ = signature_constraints(
        "eligibility", "eligibility_evaluation", {"subject_id": "subject_id"}, meanings
    )

    content_hash: str = Field(sa_column=Column("evaluation_hash", Text, nullable=False))

"""Eligibility evaluations and the signatures on them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.api.core.db import new_id
from services.api.core.records import OfSubject, Versioned, of_subject, version_checks


class EligibilityEvaluation(Versioned, table=True):
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


class EligibilitySignature(OfSubject, table=True):
    """An investigator's signature on one evaluation (21 CFR 11.50: name, time, meaning)."""

    __tablename__ = "eligibility_signature"
    __table_args__ = (
        of_subject(),
        ForeignKeyConstraint(
            ["site", "subject_id", "version"],
            [
                "eligibility_evaluation.site",
                "eligibility_evaluation.subject_id",
                "eligibility_evaluation.version",
            ],
        ),
        UniqueConstraint("subject_id", "version", name="eligibility_signed_once"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int
    evaluation_hash: str
    meaning: str
    signed_by: str
    signed_at: datetime

"""Adverse events as chains of versions, and the clocks' inputs."""

from collections.abc import Collection
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, String, UniqueConstraint
from sqlmodel import Field

from services.api.core.records import of_subject, version_checks
from services.api.signatures.models import Signable, Signature, signature_constraints
from services.api.signatures.rules import Meaning

_CAUSALITY = "('related', 'probably', 'possibly', 'unlikely', 'not_related', 'not_assessable')"


class AdverseEvent(Signable, table=True):
    """One version of an adverse event; severity (grade) and seriousness are independent."""

    __tablename__ = "adverse_event"
    __table_args__ = (
        of_subject(),
        *version_checks("adverse_event"),
        CheckConstraint("grade BETWEEN 1 AND 5", name="adverse_event_grade_known"),
        CheckConstraint(
            "resolved_on IS NULL OR resolved_on >= onset_on", name="adverse_event_onset_first"
        ),
        CheckConstraint(
            "serious = (cardinality(seriousness) > 0)", name="adverse_event_serious_by_criterion"
        ),
        CheckConstraint(
            f"causality_study_drug IN {_CAUSALITY} AND causality_radiotherapy IN {_CAUSALITY}"
            f" AND (sponsor_causality IS NULL OR sponsor_causality IN {_CAUSALITY})",
            name="adverse_event_causality_known",
        ),
        CheckConstraint(
            "expectedness IS NULL OR expectedness IN ('expected', 'unexpected')",
            name="adverse_event_expectedness_known",
        ),
        CheckConstraint(
            "outcome IN ('recovered', 'recovering', 'not_recovered',"
            " 'recovered_with_sequelae', 'fatal', 'unknown')",
            name="adverse_event_outcome_known",
        ),
        CheckConstraint(
            "action_taken IN ('none', 'interrupted', 'withdrawn', 'not_applicable', 'unknown')",
            name="adverse_event_action_known",
        ),
        UniqueConstraint("site", "subject_id", "id", "version"),
        Index("adverse_event_subject_index", "site", "subject_id"),
    )

    id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    term: str
    meddra_code: str
    term_detail: str | None = None
    ctcae_version: str
    grade: int
    onset_on: date
    resolved_on: date | None = None
    aware_at: datetime
    serious: bool
    seriousness: list[str] = Field(sa_type=ARRAY(String))
    causality_study_drug: str
    causality_radiotherapy: str
    sponsor_causality: str | None = None
    expectedness: str | None = None
    action_taken: str
    outcome: str
    narrative: str | None = None


class AdverseEventSignature(Signature, table=True):
    """An investigator's signature on the version of an adverse event that they reviewed."""

    __tablename__ = "adverse_event_signature"
    meanings: ClassVar[Collection[Meaning]] = (Meaning.ADVERSE_EVENT,)
    __table_args__ = signature_constraints(
        "adverse_event", "adverse_event", {"adverse_event_id": "id"}, meanings
    )

    adverse_event_id: UUID

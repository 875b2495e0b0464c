"""Adverse events as chains of versions, linked to cases where the severity changed."""

from collections.abc import Collection
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, String, UniqueConstraint
from sqlmodel import Field

from services.api.core.records import of_subject, version_checks
from services.api.signatures.models import Signable, Signature, signature_constraints
from services.api.signatures.rules import SignatureMeaning

_CAUSALITY = "('related', 'probably', 'possibly', 'unlikely', 'not_related', 'not_assessable')"


class AdverseEvent(Signable, table=True):
    """One version of an adverse event; severity (grade) and seriousness are independent.

    An occurrence that `continues` another one names the case by its first
    occurrence, `first_id`; `continuation` counts who continued the same one,
    because a nullified occurrence makes room for another. `nullified` is true
    or null. Versions of before these columns have null in them, and their
    signatures and trail stay what they were: `informed` and `received` tell
    what that means.
    """

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
        CheckConstraint(
            "num_nulls(first_id, continues, continuation) IN (0, 3)"
            " AND first_id <> id AND continues <> id AND continuation >= 1",
            name="adverse_event_of_case",
        ),
        CheckConstraint(
            "num_nulls(meddra_version, informed_at, received_at) IN (0, 3)",
            name="adverse_event_told_whole",
        ),
        CheckConstraint("informed_at >= aware_at", name="adverse_event_informed_when_aware"),
        CheckConstraint("meddra_code ~ '^[0-9]{8}$'", name="adverse_event_coded"),
        CheckConstraint(
            "nullified IS NULL OR (nullified AND version > 1)",
            name="adverse_event_nullified_for_good",
        ),
        CheckConstraint(
            "expectedness IS NOT NULL OR reference_version IS NULL",
            name="adverse_event_expected_by_document",
        ),
        UniqueConstraint(
            "continues", "continuation", "version", name="adverse_event_continued_once"
        ),
        UniqueConstraint("site", "subject_id", "id", "version"),
        Index("adverse_event_subject_index", "site", "subject_id"),
        Index("adverse_event_case_index", "first_id"),
        Index("adverse_event_term_index", "term", "id"),
    )

    id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    first_id: UUID | None = None
    continues: UUID | None = None
    continuation: int | None = None
    nullified: bool | None = None
    term: str
    meddra_code: str
    meddra_version: str | None = None
    term_detail: str | None = None
    ctcae_version: str
    grade: int
    onset_on: date
    resolved_on: date | None = None
    aware_at: datetime
    informed_at: datetime | None = None
    received_at: datetime | None = None
    serious: bool
    seriousness: list[str] = Field(sa_type=ARRAY(String))
    causality_study_drug: str
    causality_radiotherapy: str
    sponsor_causality: str | None = None
    expectedness: str | None = None
    reference_version: str | None = Field(default=None, foreign_key="reference_document.version")
    action_taken: str
    outcome: str
    narrative: str | None = None

    @property
    def case_id(self) -> UUID:
        """The `id` of the case's first occurrence."""
        return self.first_id or self.id

    @property
    def received(self) -> datetime:
        """When the version was recorded, in clinical time."""
        return self.received_at or self.recorded_at

    @property
    def informed(self) -> datetime:
        """When the site learnt of what the version says."""
        if self.informed_at is not None:
            return self.informed_at
        return self.aware_at if self.version == 1 else max(self.aware_at, self.recorded_at)


class AdverseEventSignature(Signature, table=True):
    """An investigator's signature on the version of an adverse event that they reviewed."""

    __tablename__ = "adverse_event_signature"
    meanings: ClassVar[Collection[SignatureMeaning]] = (SignatureMeaning.ADVERSE_EVENT,)
    __table_args__ = signature_constraints(
        "adverse_event", "adverse_event", {"adverse_event_id": "id"}, meanings
    )

    adverse_event_id: UUID

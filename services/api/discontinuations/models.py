"""The end of a subject's treatment, and of their part in the study."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from services.api.core.records import Versioned, of_subject, version_checks
from services.api.discontinuations.rules import StudyCause, TreatmentCause
from services.api.enrolment.models import one_of


class Discontinuation(Versioned, table=True):
    """One version of when and why a subject ended treatment, left the study, or both."""

    __tablename__ = "discontinuation"
    __table_args__ = (
        of_subject(),
        *version_checks("discontinuation"),
        CheckConstraint(
            one_of("treatment_cause", [cause.value for cause in TreatmentCause]),
            name="discontinuation_treatment_cause_known",
        ),
        CheckConstraint(
            one_of("study_cause", [cause.value for cause in StudyCause]),
            name="discontinuation_study_cause_known",
        ),
        CheckConstraint(
            "num_nulls(treatment_on, treatment_cause, treatment_detail) IN (0, 3)",
            name="discontinuation_treatment_whole",
        ),
        CheckConstraint(
            "num_nulls(study_on, study_cause, study_detail) IN (0, 3)",
            name="discontinuation_study_whole",
        ),
        CheckConstraint("treatment_on <= study_on", name="discontinuation_treatment_first"),
    )

    subject_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    treatment_on: date | None = None
    treatment_cause: str | None = None
    treatment_detail: str | None = None
    study_on: date | None = None
    study_cause: str | None = None
    study_detail: str | None = None

"""Why subjects end their treatment or leave the study, and what follows from it."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from services.api.enrolment.rules import SubjectStatus


class TreatmentCause(StrEnum):
    """Why the study drug was given up for good; visits and gradings go on."""

    ADVERSE_EVENT = "adverse_event"
    SUBJECT_DECISION = "subject_decision"
    PHYSICIAN_DECISION = "physician_decision"
    NONCOMPLIANCE = "noncompliance"
    RADIOTHERAPY_STOPPED = "radiotherapy_stopped"
    DEATH = "death"
    OTHER = "other"


class StudyCause(StrEnum):
    """Why the subject left the study; nothing is observed after that day."""

    CONSENT_WITHDRAWN = "consent_withdrawn"
    LOST_TO_FOLLOW_UP = "lost_to_follow_up"
    DEATH = "death"
    PHYSICIAN_DECISION = "physician_decision"
    OTHER = "other"


LEADS_TO: Mapping[StudyCause, SubjectStatus] = {
    StudyCause.CONSENT_WITHDRAWN: SubjectStatus.WITHDRAWN,
    StudyCause.LOST_TO_FOLLOW_UP: SubjectStatus.LOST_TO_FOLLOW_UP,
    StudyCause.DEATH: SubjectStatus.DIED,
    StudyCause.PHYSICIAN_DECISION: SubjectStatus.WITHDRAWN,
    StudyCause.OTHER: SubjectStatus.WITHDRAWN,
}
"""The state of a subject who left the study for that cause."""


def why_left(
    status: str,
    left_on: date | None,
    died_on: date | None,
    *,
    recorded: str | None,
    withdrawn_on: date | None,
) -> str | None:
    """Why a subject first left the study, a cause or a state; None of who is in it or never was.

    `recorded` is the cause that was stated, `withdrawn_on` the day on which
    consent was. What happened after the day of leaving is not how they left, and
    nothing else may be known.
    """
    if recorded is not None or left_on is None:
        return recorded
    if withdrawn_on is not None and withdrawn_on <= left_on:
        return StudyCause.CONSENT_WITHDRAWN
    since = withdrawn_on if status == SubjectStatus.WITHDRAWN else died_on
    if since is not None and since > left_on:
        return StudyCause.OTHER
    return status


def contradicts(before: StudyCause, now: StudyCause, status: SubjectStatus) -> bool:
    """Whether a corrected cause leads to a state that the subject is not in.

    A cause that leads where the one before it did contradicts nothing: a
    subject who withdrew and died since stays dead.
    """
    return LEADS_TO[now] not in (LEADS_TO[before], status)


def treatment_ended_on(treatment_on: date | None, left_on: date | None) -> date | None:
    """The last day of study treatment, if it ended: whoever leaves the study ends it too."""
    return min((day for day in (treatment_on, left_on) if day is not None), default=None)

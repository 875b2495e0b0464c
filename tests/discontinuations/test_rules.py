"""What follows from the end of treatment, and of taking part."""

from datetime import date

import pytest

from services.api.discontinuations.rules import (
    LEADS_TO,
    StudyCause,
    contradicts,
    treatment_ended_on,
    why_left,
)
from services.api.enrolment.rules import LEFT, SubjectStatus

EARLY, LATE = date(2026, 12, 31), date(2027, 1, 1)


def test_every_cause_of_leaving_leads_out_of_the_study() -> None:
    assert set(LEADS_TO) == set(StudyCause)
    assert set(LEADS_TO.values()) == LEFT
    assert LEADS_TO[StudyCause.DEATH] is SubjectStatus.DIED
    assert LEADS_TO[StudyCause.LOST_TO_FOLLOW_UP] is SubjectStatus.LOST_TO_FOLLOW_UP


@pytest.mark.parametrize(
    ("treatment", "left", "ended"),
    [
        (None, None, None),
        (EARLY, None, EARLY),
        (None, LATE, LATE),
        (EARLY, LATE, EARLY),
        (LATE, EARLY, EARLY),
    ],
)
def test_whoever_leaves_the_study_ends_the_treatment_too(
    treatment: date | None, left: date | None, ended: date | None
) -> None:
    assert treatment_ended_on(treatment, left) == ended


@pytest.mark.parametrize("status", sorted(LEFT))
@pytest.mark.parametrize("before", StudyCause)
@pytest.mark.parametrize("now", StudyCause)
def test_a_corrected_cause_leads_to_the_status_or_where_the_one_before_did(
    before: StudyCause, now: StudyCause, status: SubjectStatus
) -> None:
    kept = LEADS_TO[now] == LEADS_TO[before] or LEADS_TO[now] == status
    assert contradicts(before, now, status) != kept


MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)


@pytest.mark.parametrize(
    ("status", "left_on", "died_on", "recorded", "withdrawn_on", "why"),
    [
        ("in_follow_up", None, None, None, None, None),
        ("lost_to_follow_up", MAY, None, None, None, "lost_to_follow_up"),
        ("lost_to_follow_up", MAY, None, "other", None, "other"),
        ("withdrawn", MAY, None, None, MAY, "consent_withdrawn"),
        ("withdrawn", MAY, None, None, None, "withdrawn"),
        ("withdrawn", MAY, None, "physician_decision", MAY, "physician_decision"),
        ("withdrawn", MAY, None, None, JUNE, "other"),
        ("died", MAY, MAY, None, None, "died"),
        ("died", MAY, None, None, None, "died"),
        ("died", MAY, JUNE, None, MAY, "consent_withdrawn"),
        ("died", MAY, JUNE, None, JUNE, "other"),
        ("died", None, JUNE, None, None, None),
    ],
)
def test_how_a_subject_first_left_is_not_changed_by_what_happened_since(
    status: str,
    left_on: date | None,
    died_on: date | None,
    recorded: str | None,
    withdrawn_on: date | None,
    why: str | None,
) -> None:
    found = why_left(status, left_on, died_on, recorded=recorded, withdrawn_on=withdrawn_on)
    assert found == why

"""What follows from the end of treatment, and of taking part."""

from datetime import date

import pytest

from services.api.discontinuations.rules import (
    LEADS_TO,
    StudyCause,
    contradicts,
    treatment_ended_on,
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

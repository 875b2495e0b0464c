"""The moves between subject states, each rule by name."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.enrolment.rules import (
    BY_HAND,
    FHIR_STATES,
    LEFT,
    MOVES,
    SubjectStatus,
    failed_screening,
    may_move,
)

S = SubjectStatus
statuses = st.sampled_from(S)
FINAL = (S.SCREEN_FAILED, S.COMPLETED, S.WITHDRAWN, S.LOST_TO_FOLLOW_UP, S.DIED)
FHIR_R5_CODES = {
    "candidate",
    "eligible",
    "follow-up",
    "ineligible",
    "not-registered",
    "off-study",
    "on-study",
    "on-study-intervention",
    "on-study-observation",
    "pending-on-study",
    "potential-candidate",
    "screening",
    "withdrawn",
}


def test_every_state_says_where_it_leads() -> None:
    assert set(MOVES) == set(S)


def test_the_course_of_a_subject_runs_from_screening_to_completed() -> None:
    course = (
        S.SCREENING,
        S.ELIGIBLE,
        S.RANDOMIZED,
        S.ON_TREATMENT,
        S.IN_FOLLOW_UP,
        S.COMPLETED,
    )
    assert all(may_move(now, then, consented=True) for now, then in pairwise(course))


@given(data=st.data(), start=statuses, consented=st.booleans())
def test_after_a_final_state_come_at_most_a_withdrawal_and_a_death(
    data: st.DataObject, start: SubjectStatus, consented: bool
) -> None:
    walk = [start]
    for _ in range(8):
        onward = [to for to in S if may_move(walk[-1], to, consented=consented)]
        if not onward:
            break
        walk.append(data.draw(st.sampled_from(onward)))
    first_final = next((n for n, status in enumerate(walk) if status in FINAL), len(walk))
    after = walk[first_final + 1 :]
    assert after in ([], [S.WITHDRAWN], [S.DIED], [S.WITHDRAWN, S.DIED])


@pytest.mark.parametrize("to", S)
def test_nothing_leaves_died(to: SubjectStatus) -> None:
    assert not may_move(S.DIED, to, consented=True)


@pytest.mark.parametrize("from_", [s for s in S if s is not S.DIED])
@pytest.mark.parametrize("consented", [True, False])
def test_death_is_recorded_from_every_other_state(from_: SubjectStatus, consented: bool) -> None:
    assert may_move(from_, S.DIED, consented=consented)


@pytest.mark.parametrize("from_", [s for s in FINAL if s is not S.DIED])
def test_only_withdrawal_and_death_follow_a_final_state(from_: SubjectStatus) -> None:
    onward = {to for to in S if may_move(from_, to, consented=True)}
    assert onward == {S.WITHDRAWN, S.DIED} - {from_}


@pytest.mark.parametrize("from_", [s for s in S if s not in FINAL])
@pytest.mark.parametrize("to", [S.WITHDRAWN, S.LOST_TO_FOLLOW_UP])
def test_leaving_is_open_from_every_state_once_consented_and_never_before(
    from_: SubjectStatus, to: SubjectStatus
) -> None:
    assert may_move(from_, to, consented=True)
    assert not may_move(from_, to, consented=False)


@given(from_=statuses, consented=st.booleans())
def test_staying_is_not_a_move(from_: SubjectStatus, consented: bool) -> None:
    assert not may_move(from_, from_, consented=consented)


@pytest.mark.parametrize("to", [S.SCREENING, S.ELIGIBLE, S.SCREEN_FAILED])
@pytest.mark.parametrize(
    "from_", [S.RANDOMIZED, S.ON_TREATMENT, S.IN_FOLLOW_UP, S.COMPLETED, S.WITHDRAWN]
)
def test_a_randomized_subject_never_returns_to_before_randomization(
    from_: SubjectStatus, to: SubjectStatus
) -> None:
    assert not may_move(from_, to, consented=True)


def test_only_an_eligible_subject_is_randomized() -> None:
    assert {now for now in S if S.RANDOMIZED in MOVES[now]} == {S.ELIGIBLE}


def test_changed_facts_send_an_eligible_subject_back_to_screening_or_out() -> None:
    assert may_move(S.ELIGIBLE, S.SCREENING, consented=True)
    assert may_move(S.ELIGIBLE, S.SCREEN_FAILED, consented=True)


@given(from_=statuses, to=statuses)
def test_consent_only_ever_opens_moves(from_: SubjectStatus, to: SubjectStatus) -> None:
    if may_move(from_, to, consented=False):
        assert may_move(from_, to, consented=True)


def test_a_person_sets_only_the_ways_out() -> None:
    assert set(FINAL) == BY_HAND


def test_every_state_has_a_code_of_fhir_r5() -> None:
    assert set(FHIR_STATES) == set(S)
    assert set(FHIR_STATES.values()) <= FHIR_R5_CODES


@pytest.mark.parametrize("status", S)
@pytest.mark.parametrize("left_on", [None, date(2026, 5, 11)])
def test_who_left_without_a_day_failed_screening_before(
    status: SubjectStatus, left_on: date | None
) -> None:
    expected = status is S.SCREEN_FAILED or (status in LEFT and left_on is None)
    assert failed_screening(status, left_on) == expected

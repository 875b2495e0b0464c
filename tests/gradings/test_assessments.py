"""Which grade counts at a visit: for every history of gradings, corrections and decisions."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.gradings.rules import GradeBasis, assessments, differ

MORNING = datetime(2026, 4, 7, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Graded:
    """A grading in its current version."""

    id: UUID
    visit: str = "RT1A"
    grade: int = 2
    assessed_at: datetime = MORNING
    assessed_on: date = date(2026, 4, 7)
    version: int = 1


@dataclass(frozen=True)
class Decided:
    """An adjudication in its current version."""

    id: UUID
    visit: str = "RT1A"
    grade: int | None = None


ONE, OTHER, THIRD = (UUID(int=number) for number in (1, 2, 3))
OPEN = Decided(UUID(int=9))


@pytest.mark.parametrize(
    ("grades", "adjudication", "counts", "basis"),
    [
        ([2], None, 2, GradeBasis.SINGLE),
        ([3, 3], None, 3, GradeBasis.AGREED),
        ([3, 3, 3], None, 3, GradeBasis.AGREED),
        ([2, 3], None, None, GradeBasis.UNRESOLVED),
        ([2, 3], OPEN, None, GradeBasis.UNRESOLVED),
        ([3, 3], OPEN, None, GradeBasis.UNRESOLVED),  # corrected to agree while it was open
        ([2, 3], replace(OPEN, grade=2), 2, GradeBasis.ADJUDICATED),
        ([3, 3], replace(OPEN, grade=2), 2, GradeBasis.ADJUDICATED),
        ([2, 4], replace(OPEN, grade=3), 3, GradeBasis.ADJUDICATED),  # neither of both
        ([2, 4], replace(OPEN, grade=0), 0, GradeBasis.ADJUDICATED),
    ],
)
def test_the_grade_that_counts_is_the_only_one_the_agreed_one_or_the_decided_one(
    grades: list[int], adjudication: Decided | None, counts: int | None, basis: GradeBasis
) -> None:
    made = [Graded(UUID(int=number), grade=grade) for number, grade in enumerate(grades)]
    [one] = assessments(made, [adjudication] if adjudication else [])
    assert (one.grade, one.basis) == (counts, basis)
    assert one.adjudication == (adjudication.id if adjudication else None)


def test_an_assessment_is_of_the_moment_of_its_earliest_grading_whoever_sent_it_first() -> None:
    later = Graded(ONE, assessed_at=MORNING + timedelta(hours=2), version=4)
    earlier = Graded(OTHER, version=2)
    [one] = assessments([later, earlier], [])
    assert (one.grading, one.version, one.at) == (OTHER, 2, MORNING)
    [tied] = assessments([Graded(THIRD), Graded(OTHER)], [])
    assert tied.grading == OTHER


def test_a_decision_counts_at_its_own_visit_only() -> None:
    here = [Graded(ONE, grade=2), Graded(OTHER, grade=3)]
    there = [replace(one, id=UUID(int=one.id.int + 10), visit="RT1B") for one in here]
    found = assessments([*here, *there], [replace(OPEN, grade=3)])
    assert {one.visit: one.basis for one in found} == {
        "RT1A": GradeBasis.ADJUDICATED,
        "RT1B": GradeBasis.UNRESOLVED,
    }


def test_without_gradings_there_is_no_assessment() -> None:
    assert assessments([], [OPEN]) == []


VISITS = ("BL", "RT1A", "RT1B")
HOURS = st.integers(0, 60)
GRADED = st.builds(
    lambda number, visit, grade, hour, version: Graded(
        UUID(int=number),
        visit,
        grade,
        MORNING + timedelta(hours=hour),
        (MORNING + timedelta(hours=hour)).date(),
        version,
    ),
    st.integers(1, 2**64),
    st.sampled_from(VISITS),
    st.integers(0, 4),
    HOURS,
    st.integers(1, 3),
)
HISTORY = st.lists(GRADED, max_size=8, unique_by=lambda one: one.id)
DECISIONS = st.lists(
    st.builds(
        Decided,
        st.uuids(),
        st.sampled_from(VISITS),
        st.none() | st.integers(0, 4),
    ),
    max_size=3,
    unique_by=lambda one: one.visit,
)


@given(HISTORY, DECISIONS, st.integers(0, 2**16))
def test_each_graded_visit_has_one_assessment_whatever_the_order_of_its_records(
    made: list[Graded], decided: list[Decided], seed: int
) -> None:
    found = assessments(made, decided)
    assert sorted(one.visit for one in found) == sorted({one.visit for one in made})
    assert [(one.at, one.grading) for one in found] == sorted(
        (one.at, one.grading) for one in found
    )
    shuffled = Random(seed)
    assert assessments(shuffled.sample(made, len(made)), decided[::-1]) == found


@given(HISTORY, DECISIONS)
def test_no_grade_counts_that_nobody_entered_or_decided(
    made: list[Graded], decided: list[Decided]
) -> None:
    decisions = {one.visit: one for one in decided}
    for one in assessments(made, decided):
        at_visit = [graded for graded in made if graded.visit == one.visit]
        grades = {graded.grade for graded in at_visit}
        assert one.at == min(graded.assessed_at for graded in at_visit)
        assert one.grading in {graded.id for graded in at_visit}
        if one.visit in decisions:
            assert one.grade == decisions[one.visit].grade
            assert (one.grade is None) == (one.basis is GradeBasis.UNRESOLVED)
        else:
            assert one.grade == (None if differ(grades) else min(grades))
            assert (one.basis is GradeBasis.SINGLE) == (len(at_visit) == 1)


@given(HISTORY, DECISIONS, st.integers(0, 4))
def test_once_it_was_opened_no_correction_of_a_grade_changes_what_counts(
    made: list[Graded], decided: list[Decided], grade: int
) -> None:
    before = {one.visit: (one.grade, one.basis) for one in assessments(made, decided)}
    corrected = [replace(one, grade=grade, version=one.version + 1) for one in made]
    after = {one.visit: (one.grade, one.basis) for one in assessments(corrected, decided)}
    for visit in before.keys() & {one.visit for one in decided}:
        assert after[visit] == before[visit]

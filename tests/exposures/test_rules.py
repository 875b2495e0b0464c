"""A day's study drug: what it has to say, and what is unusual about it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.exposures.rules import (
    MOST_APPLICATIONS,
    Course,
    ExposureFlag,
    Period,
    flags,
    period,
    reason_missing,
    volume_ml,
)
from tests.first_trial import FIRST_TRIAL

TREATMENT = FIRST_TRIAL.protocol.treatment
DAY = timedelta(days=1)
START, END = date(2028, 2, 21), date(2028, 4, 5)
GIVEN = period(START, END, TREATMENT)

applications = st.integers(0, MOST_APPLICATIONS)


def test_the_trial_gives_study_drug_from_7_days_before_radiotherapy_to_14_days_after_it() -> None:
    assert Period(date(2028, 2, 14), date(2028, 4, 19)) == GIVEN


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (GIVEN.from_ - DAY, (ExposureFlag.OUTSIDE_PERIOD,)),
        (GIVEN.from_, ()),
        (date(2028, 2, 29), ()),
        (GIVEN.to, ()),
        (GIVEN.to + DAY, (ExposureFlag.OUTSIDE_PERIOD,)),
    ],
)
def test_both_ends_of_the_period_belong_to_it(
    day: date, expected: tuple[ExposureFlag, ...]
) -> None:
    assert flags(day, 3, Course(GIVEN), TREATMENT) == expected


@given(
    taken=applications,
    offset=st.integers(-100, 200),
    planned=st.booleans(),
    ended=st.none() | st.integers(-100, 200),
)
def test_only_too_much_or_something_at_the_wrong_time_is_flagged(
    taken: int, offset: int, planned: bool, ended: int | None
) -> None:
    day = START + offset * DAY
    ended_on = None if ended is None else START + ended * DAY
    raised = flags(day, taken, Course(GIVEN if planned else None, ended_on), TREATMENT)
    assert (ExposureFlag.OVERDOSE in raised) == (taken > 3)
    outside = planned and taken > 0 and not GIVEN.from_ <= day <= GIVEN.to
    assert (ExposureFlag.OUTSIDE_PERIOD in raised) == outside
    late = ended is not None and taken > 0 and offset > ended
    assert (ExposureFlag.AFTER_END in raised) == late


@given(taken=applications)
def test_a_reason_is_missing_when_fewer_were_taken_and_nobody_said_why(taken: int) -> None:
    assert reason_missing(taken, None, TREATMENT) == (taken < 3)
    assert not reason_missing(taken, "Slept", TREATMENT)


@given(taken=applications)
def test_the_volume_is_that_of_the_applications(taken: int) -> None:
    assert volume_ml(taken, TREATMENT) == 1.5 * taken

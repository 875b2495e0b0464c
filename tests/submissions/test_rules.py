"""In which order a case is reported, and what of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.deadlines.rules import Sent, SubmissionKind
from services.api.submissions.rules import Disorder, Told, Unfit, disorder, unfit, version_sent

NOON = datetime(2026, 4, 10, 4, tzinfo=UTC)
DAY = timedelta(days=1)
INITIAL, FOLLOW_UP, NULLIFICATION = SubmissionKind


def sent(*kinds: SubmissionKind) -> list[Sent]:
    """Submissions of those kinds, a day apart."""
    return [
        Sent(UUID(int=n), UUID(int=0), 1, "regulator", kind, NOON + n * DAY)
        for n, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize(
    ("kinds", "wrong"),
    [
        ([], None),
        ([INITIAL], None),
        ([INITIAL, FOLLOW_UP, FOLLOW_UP, NULLIFICATION], None),
        ([INITIAL, INITIAL], Disorder.SECOND_INITIAL),
        ([FOLLOW_UP, INITIAL], Disorder.NO_INITIAL),
        ([NULLIFICATION], Disorder.NO_INITIAL),
    ],
)
def test_a_recipient_is_told_first_once_and_then_more(
    kinds: list[SubmissionKind], wrong: Disorder | None
) -> None:
    assert disorder(sent(*kinds)) is wrong


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(SubmissionKind), max_size=6), st.permutations(range(6)))
def test_the_order_is_that_of_sending_not_of_recording(
    kinds: list[SubmissionKind], order: list[int]
) -> None:
    given_out = sent(*kinds)
    recorded = [given_out[n] for n in order if n < len(given_out)]
    assert disorder(recorded) is disorder(given_out)


def test_at_the_same_moment_the_initial_report_counts_as_first() -> None:
    first, more = sent(FOLLOW_UP, INITIAL)
    together = [Sent(**{**vars(one), "submitted_at": NOON}) for one in (first, more)]
    assert disorder(together) is None


@pytest.mark.parametrize(
    ("kind", "serious", "nullified", "wrong"),
    [
        (INITIAL, True, False, None),
        (INITIAL, False, False, Unfit.NOT_SERIOUS),
        (FOLLOW_UP, False, False, None),
        (INITIAL, True, True, Unfit.NULLIFIED),
        (FOLLOW_UP, True, True, Unfit.NULLIFIED),
        (NULLIFICATION, True, True, None),
        (NULLIFICATION, True, False, Unfit.NOT_NULLIFIED),
    ],
)
def test_what_is_sent_fits_what_the_version_says(
    kind: SubmissionKind, serious: bool, nullified: bool, wrong: Unfit | None
) -> None:
    assert unfit(kind, Told(1, NOON, serious, nullified)) is wrong


@pytest.mark.parametrize(
    ("moment", "version"),
    [(-DAY, 1), (timedelta(0), 1), (DAY / 2, 1), (DAY, 2), (9 * DAY, 3)],
)
def test_what_was_sent_is_what_the_record_held_then(moment: timedelta, version: int) -> None:
    told = [Told(n + 1, NOON + n * DAY, serious=True, nullified=False) for n in range(3)]
    assert version_sent(told, NOON + moment) == version

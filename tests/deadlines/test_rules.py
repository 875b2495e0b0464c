"""Deadlines follow from what was said and sent, and never come out later than they may."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.deadlines.rules import (
    Deadline,
    DeadlineState,
    Reminder,
    Sent,
    Statement,
    SubmissionKind,
    deadlines,
    late,
    stages,
    state,
)
from services.api.protocol.safety import AdverseEvents
from tests.deadlines.histories import EVENTS, histories, submissions
from tests.deadlines.histories import earlier as made_earlier
from tests.deadlines.oracle import FATAL, OTHER, SERIOUS, conclude, last_moment_of
from tests.first_trial import FIRST_TRIAL

SECTION: AdverseEvents = FIRST_TRIAL.protocol.adverse_events
SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
NOON = datetime(2026, 4, 10, 4, tzinfo=UTC)  # noon in Shanghai

EXAMPLES = settings(max_examples=120, deadline=None, derandomize=True)


def statement(version: int = 1, after: timedelta = timedelta(0), **said: Any) -> Statement:
    """What a version says of a suspected serious reaction that nobody has assessed yet."""
    told = Statement(
        event_id=EVENTS[0],
        version=version,
        informed_at=NOON + after,
        aware_at=NOON,
        received_at=NOON + after,
        serious=True,
        fatal_or_life_threatening=False,
        suspected=True,
        expected=None,
        nullified=False,
    )
    return replace(told, **said)


def report(
    after: timedelta,
    version: int = 1,
    kind: SubmissionKind = SubmissionKind.INITIAL,
    to: str = "regulator",
) -> Sent:
    """A report of a version, so long after noon."""
    return Sent(UUID(int=100), EVENTS[0], version, to, kind, NOON + after)


def owed(
    said: Sequence[Statement], sent: Sequence[Sent] = (), zone: ZoneInfo = SHANGHAI
) -> dict[tuple[str, bool, int], Deadline]:
    """What is owed to the sponsor and the regulator, by clock, follow-up and opening."""
    found = deadlines(said, sent, SECTION, zone)
    return {
        (one.clock, one.follow_up, one.opening): one
        for one in found
        if one.recipient != "ethics_committee"
    }


# --- each rule once -------------------------------------------------------------------


def test_a_serious_event_is_owed_to_the_sponsor_24_hours_after_awareness_exactly() -> None:
    [only] = deadlines([statement(suspected=False)], [], SECTION, SHANGHAI)
    assert (only.clock, only.recipient, only.due_on) == (SERIOUS, "sponsor", None)
    assert only.due_at == NOON + DAY


def test_an_event_that_is_not_serious_is_owed_to_nobody() -> None:
    assert deadlines([statement(serious=False)], [], SECTION, SHANGHAI) == []


def test_a_suspected_reaction_is_owed_to_regulator_and_ethics_committee_on_the_fifteenth_day() -> (
    None
):
    found = deadlines([statement(expected=False)], [], SECTION, SHANGHAI)
    days = {one.recipient: one.due_on for one in found if one.clock == OTHER}
    assert days == dict.fromkeys(["regulator", "ethics_committee"], date(2026, 4, 25))
    ends = {one.due_at for one in found if one.clock == OTHER}
    assert ends == {datetime(2026, 4, 25, 15, 59, 59, 999999, UTC)}


def test_a_fatal_one_is_owed_on_the_seventh_day_and_again_on_the_fifteenth() -> None:
    found = owed([statement(fatal_or_life_threatening=True)])
    assert found[FATAL, False, 1].due_on == date(2026, 4, 17)
    assert found[FATAL, True, 1].due_on == date(2026, 4, 25)
    assert (OTHER, False, 1) not in found


@pytest.mark.parametrize(("expected", "provisional"), [(None, True), (False, False)])
def test_an_unassessed_reaction_counts_as_unexpected_provisionally(
    expected: bool | None, provisional: bool
) -> None:
    assert owed([statement(expected=expected)])[OTHER, False, 1].provisional is provisional


def test_a_protocol_may_wait_for_the_assessment_instead() -> None:
    waiting = SECTION.model_copy(update={"unassessed_expectedness": "expected"})
    clocks = {one.clock for one in deadlines([statement()], [], waiting, SHANGHAI)}
    assert clocks == {SERIOUS}


@pytest.mark.parametrize(
    ("said", "because"),
    [
        ({"nullified": True}, "nullified"),
        ({"serious": False}, "not_serious"),
        ({"suspected": False}, "not_suspected"),
        ({"expected": True}, "expected"),
        ({"fatal_or_life_threatening": True}, "upgraded"),
    ],
)
def test_a_downgrade_ends_a_deadline_and_says_when_and_why(
    said: dict[str, bool], because: str
) -> None:
    one = owed([statement(), statement(2, 3 * DAY, **said)])[OTHER, False, 1]
    assert (one.lapsed_because, one.lapsed_at) == (because, NOON + 3 * DAY)


def test_what_was_expected_and_is_not_starts_anew_from_that_moment() -> None:
    said = [statement(), statement(2, DAY, expected=True), statement(3, 5 * DAY, expected=False)]
    found = owed(said)
    assert found[OTHER, False, 1].lapsed_because == "expected"
    again = found[OTHER, False, 2]
    assert (again.day_zero, again.due_on) == (NOON + 5 * DAY, date(2026, 4, 30))
    assert (again.event_version, again.provisional) == (3, False)


@pytest.mark.parametrize(("after", "due_on"), [(5, date(2026, 4, 22)), (10, date(2026, 4, 25))])
def test_a_case_that_becomes_fatal_has_seven_days_but_no_later_than_before(
    after: int, due_on: date
) -> None:
    said = [statement(), statement(2, after * DAY, fatal_or_life_threatening=True)]
    assert owed(said)[FATAL, False, 1].due_on == due_on


def test_a_case_reported_before_it_became_fatal_has_its_seven_days() -> None:
    said = [statement(), statement(2, 12 * DAY, fatal_or_life_threatening=True)]
    found = owed(said, [report(9 * DAY)])
    assert found[OTHER, False, 1].met_at == NOON + 9 * DAY
    assert found[FATAL, False, 1].due_on == date(2026, 4, 29)
    assert found[FATAL, False, 1].met_by is None  # it told nothing of the death


def test_a_reaction_that_was_not_fatal_after_all_keeps_its_day_zero() -> None:
    said = [statement(fatal_or_life_threatening=True), statement(2, 2 * DAY)]
    found = owed(said, [report(DAY)])
    assert found[OTHER, False, 1].day_zero == NOON
    assert found[OTHER, False, 1].met_at == NOON + DAY  # who was told the worse was told


def test_a_first_report_corrected_to_an_earlier_awareness_is_due_earlier_never_later() -> None:
    sooner = statement(2, DAY, aware_at=NOON - 2 * DAY)
    later = statement(3, 2 * DAY, aware_at=NOON + DAY)
    for said in ([statement(), sooner], [statement(), sooner, later]):
        assert owed(said)[SERIOUS, False, 1].due_at == NOON - DAY
        assert owed(said)[OTHER, False, 1].due_on == date(2026, 4, 23)
    assert owed([statement(), replace(later, version=2)])[SERIOUS, False, 1].due_at == NOON + DAY


def test_an_awareness_corrected_after_the_upgrade_moves_what_the_upgrade_is_bound_by() -> None:
    fatal = statement(2, 10 * DAY, fatal_or_life_threatening=True)
    sooner = replace(fatal, version=3, aware_at=NOON - 2 * DAY)
    found = owed([statement(), fatal, sooner])
    assert found[OTHER, False, 1].due_on == found[FATAL, False, 1].due_on == date(2026, 4, 23)


def test_who_was_told_of_the_upgrade_before_it_was_recorded_was_told_of_the_upgrade() -> None:
    said = [statement(), statement(2, 3 * DAY, fatal_or_life_threatening=True)]
    found = owed(said, [report(3 * DAY - timedelta(hours=1), version=2)])
    assert found[FATAL, False, 1].met_at == NOON + 3 * DAY - timedelta(hours=1)
    assert found[OTHER, False, 1].lapsed_because == "upgraded"


def test_a_report_on_time_meets_its_deadline_and_a_late_one_meets_it_late() -> None:
    due = owed([statement()])[OTHER, False, 1].due_at
    for after in (timedelta(0), timedelta(microseconds=1)):
        sent = replace(report(DAY), submitted_at=due + after)
        one = owed([statement()], [sent])[OTHER, False, 1]
        assert (one.met_by, one.met_at, one.due_at) == (sent.id, due + after, due)


def test_who_was_told_something_milder_was_not_told_of_the_reaction() -> None:
    mild = statement(1, DAY, event_id=EVENTS[1], serious=False)
    said = [statement(fatal_or_life_threatening=True), mild]
    milder = replace(report(2 * DAY), event_id=EVENTS[1])
    found = owed(said, [milder])
    assert found[FATAL, False, 1].met_by is None
    first = replace(report(3 * DAY), id=UUID(int=101))
    more = replace(
        milder, id=UUID(int=102), kind=SubmissionKind.FOLLOW_UP, submitted_at=NOON + 4 * DAY
    )
    found = owed(said, [milder, first, more])
    assert found[FATAL, False, 1].met_by == first.id
    assert found[FATAL, True, 1].met_by == more.id  # what is milder since then is news of it


def test_a_later_version_learnt_of_earlier_is_due_earlier_never_later() -> None:
    fatal = statement(2, 6 * DAY, fatal_or_life_threatening=True)
    sooner = replace(fatal, version=3, informed_at=NOON + 2 * DAY)
    later = replace(fatal, version=4, informed_at=NOON + 9 * DAY)
    for said in ([statement(), fatal, sooner], [statement(), fatal, sooner, later]):
        found = owed(said)
        assert found[FATAL, False, 1].day_zero == NOON + 2 * DAY
        assert found[FATAL, False, 1].due_on == date(2026, 4, 19)
        assert found[SERIOUS, False, 1].day_zero == NOON


@pytest.mark.parametrize(
    "sent",
    [
        report(DAY, to="sponsor"),
        report(DAY, kind=SubmissionKind.NULLIFICATION),
    ],
)
def test_nothing_else_meets_it(sent: Sent) -> None:
    assert owed([statement()], [sent])[OTHER, False, 1].met_by is None


def test_the_follow_up_is_met_only_by_a_follow_up_after_the_first_report() -> None:
    said = [statement(fatal_or_life_threatening=True)]
    first = report(2 * DAY)
    more = replace(report(4 * DAY, kind=SubmissionKind.FOLLOW_UP), id=UUID(int=101))
    assert owed(said, [first])[FATAL, True, 1].met_by is None
    assert owed(said, [first, more])[FATAL, True, 1].met_by == more.id
    assert owed(said, [more])[FATAL, True, 1].met_by is None


def test_a_deadline_is_overdue_after_its_last_moment() -> None:
    moment = timedelta(microseconds=1)
    assert state(NOON, None, None, NOON) is DeadlineState.DUE
    assert state(NOON, None, None, NOON + moment) is DeadlineState.OVERDUE
    assert state(NOON, NOON + DAY, None, NOON + 2 * DAY) is DeadlineState.MET
    assert state(NOON, None, NOON, NOON + DAY) is DeadlineState.LAPSED


def test_what_ended_after_its_last_moment_was_late_however_it_ended() -> None:
    moment = timedelta(microseconds=1)
    for met_at, lapsed_at, now in (
        (NOON, None, NOON + DAY),
        (None, NOON, NOON + DAY),
        (None, None, NOON),
    ):
        assert not late(NOON, met_at, lapsed_at, now)
        assert late(NOON - moment, met_at, lapsed_at, now)


@pytest.mark.parametrize(
    ("left", "wanted"),
    [
        (timedelta(hours=73), None),
        (timedelta(hours=72), (Reminder.NEAR, 72)),
        (timedelta(hours=25), (Reminder.NEAR, 72)),
        (timedelta(hours=24), (Reminder.NEAR, 24)),
        (timedelta(0), (Reminder.NEAR, 24)),
        (-timedelta(microseconds=1), (Reminder.MISSED, 0)),
        (-timedelta(days=400), (Reminder.MISSED, 0)),
    ],
)
def test_of_all_reminders_only_the_nearest_is_given(
    left: timedelta, wanted: tuple[Reminder, int] | None
) -> None:
    told = [
        (stage.kind, stage.lead_hours)
        for stage in stages(SECTION.clocks, NOON)
        if stage.clock == OTHER and stage.due_after < NOON + left <= stage.due_until
    ]
    assert told == ([wanted] if wanted else [])


def test_the_example_in_the_documentation_comes_out_as_it_says() -> None:
    upgraded = NOON + 10 * DAY - timedelta(hours=3)
    said = [
        statement(),
        statement(2, 3 * DAY, expected=False),
        statement(3, upgraded - NOON, expected=False, fatal_or_life_threatening=True),
    ]
    sent = [
        report(timedelta(hours=3), to="sponsor"),
        report(13 * DAY, version=3),
        replace(report(24 * DAY, version=3, kind=SubmissionKind.FOLLOW_UP), id=UUID(int=101)),
    ]
    assert owed(said[:1])[OTHER, False, 1].provisional
    assert owed(said[:2])[OTHER, False, 1].provisional is False
    found = owed(said, sent)
    assert found[SERIOUS, False, 1].met_at == NOON + timedelta(hours=3)
    assert found[OTHER, False, 1].lapsed_because == "upgraded"
    assert found[FATAL, False, 1].due_on == date(2026, 4, 25)
    assert found[FATAL, False, 1].met_at == NOON + 13 * DAY
    assert found[FATAL, True, 1].due_on == date(2026, 5, 5)
    assert found[FATAL, True, 1].met_by == UUID(int=101)


# --- every history ---------------------------------------------------------------------

History = tuple[list[Statement], list[Sent], ZoneInfo]


def _shown(found: Sequence[object]) -> list[dict[str, object]]:
    rows = [dict(sorted(vars(one).items())) for one in found]
    return sorted(
        rows,
        key=lambda row: str([row[name] for name in ("clock", "recipient", "opening", "follow_up")]),
    )


@EXAMPLES
@given(histories())
def test_an_officer_with_a_diary_comes_to_the_same_deadlines(history: History) -> None:
    said, sent, zone = history
    assert _shown(deadlines(said, sent, SECTION, zone)) == _shown(conclude(said, sent, zone))


@EXAMPLES
@given(histories())
def test_no_deadline_is_later_than_the_end_of_its_last_day(history: History) -> None:
    said, sent, zone = history
    days = {OTHER: (15, 15), FATAL: (7, 15)}
    for one in deadlines(said, sent, SECTION, zone):
        if one.clock == SERIOUS:
            assert one.due_at - one.day_zero == timedelta(hours=24)
            continue
        last = one.day_zero.astimezone(zone).date() + days[one.clock][one.follow_up] * DAY
        assert one.due_on is not None
        assert one.due_on <= last
        assert one.due_at == last_moment_of(one.due_on, zone, one.due_at)


@EXAMPLES
@given(histories())
def test_an_upgrade_is_never_due_later_than_what_it_replaced(history: History) -> None:
    said, sent, zone = history
    found = deadlines(said, sent, SECTION, zone)
    for before in found:
        if before.lapsed_because == "upgraded":
            assert any(
                one.clock == FATAL
                and one.recipient == before.recipient
                and one.due_at <= before.due_at
                for one in found
            )


@EXAMPLES
@given(histories(), st.data())
def test_no_later_version_removes_a_deadline_or_puts_it_off(
    history: History, data: st.DataObject
) -> None:
    said, sent, zone = history
    some = said[: data.draw(st.integers(1, len(said)))]
    told = {(one.event_id, one.version) for one in some}
    then = [one for one in sent if (one.event_id, one.event_version) in told]
    before, after = (
        {(x.clock, x.recipient, x.follow_up, x.opening): x for x in found}
        for found in (
            deadlines(some, then, SECTION, zone),
            deadlines(said, then, SECTION, zone),
        )
    )
    for key, one in before.items():
        assert after[key].due_at <= one.due_at
        assert after[key].day_zero <= one.day_zero
        if one.lapsed_at is not None:
            assert after[key].lapsed_at == one.lapsed_at


def _in_time(found: Sequence[Deadline]) -> set[tuple[object, ...]]:
    return {
        (one.clock, one.recipient, one.follow_up, one.opening)
        for one in found
        if one.met_at is not None and one.met_at <= one.due_at
    }


@EXAMPLES
@given(histories(), st.data())
def test_one_report_more_or_an_earlier_one_never_makes_late_what_was_in_time(
    history: History, data: st.DataObject
) -> None:
    said, sent, zone = history
    in_time = _in_time(deadlines(said, sent, SECTION, zone))
    more = [*sent, data.draw(submissions(said, 50))]
    assert in_time <= _in_time(deadlines(said, more, SECTION, zone))
    for index in range(len(sent)):
        moved = made_earlier(sent, index)
        assert in_time <= _in_time(deadlines(said, moved, SECTION, zone))


@EXAMPLES
@given(histories())
def test_the_order_in_which_submissions_were_recorded_changes_nothing(history: History) -> None:
    said, sent, zone = history
    one, other = (deadlines(said, given, SECTION, zone) for given in (sent, sent[::-1]))
    assert one == other

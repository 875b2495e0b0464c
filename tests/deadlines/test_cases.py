"""What a case has been, statement by statement."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.api.deadlines.cases import Call, Case, Run, Statement
from tests.first_trial import FIRST_TRIAL

SECTION = FIRST_TRIAL.protocol.adverse_events
CLOCKS = {clock.applies_to: clock for clock in SECTION.clocks}
NOON = datetime(2026, 4, 10, 4, tzinfo=UTC)
REACTION = Statement(
    event_id=UUID(int=1),
    version=1,
    informed_at=NOON,
    aware_at=NOON,
    received_at=NOON,
    serious=True,
    fatal_or_life_threatening=False,
    suspected=True,
    expected=None,
    nullified=False,
)


def test_each_occurrence_calls_for_what_it_says_itself() -> None:
    case = Case([REACTION], SECTION)
    assert case.calls(REACTION) == {Call.SERIOUS, Call.SUSAR}
    fatal = replace(REACTION, fatal_or_life_threatening=True)
    assert case.calls(fatal) == {Call.SERIOUS, Call.SUSAR, Call.FATAL}
    assert case.calls(replace(fatal, suspected=False)) == {Call.SERIOUS}
    assert case.calls(replace(fatal, expected=True)) == {Call.SERIOUS}
    assert case.calls(replace(fatal, nullified=True)) == set()
    assert case.calls(replace(fatal, serious=False)) == set()


def test_a_version_calls_for_a_clock_by_what_it_says_itself() -> None:
    mild = replace(REACTION, version=2, suspected=False)
    case = Case([REACTION, mild], SECTION)
    for version, kinds in ((1, {"serious", "susar_other"}), (2, {"serious"})):
        called = {
            kind
            for kind, clock in CLOCKS.items()
            if case.called_for(clock, REACTION.event_id, version)
        }
        assert called == kinds


def test_the_worst_of_the_occurrences_counts_and_of_each_its_last_version() -> None:
    second = replace(REACTION, event_id=UUID(int=2), fatal_or_life_threatening=True)
    said = [REACTION, second, replace(REACTION, version=2, serious=False)]
    serious, fatal, other = (
        list(Case(said, SECTION).runs(CLOCKS[kind]))
        for kind in ("serious", "susar_fatal_or_life_threatening", "susar_other")
    )
    assert serious == [Run(0, None, 0, None)]
    assert fatal == [Run(1, None, 1, None)]
    assert other == [Run(0, 1, 0, None)]


def test_a_case_that_comes_and_goes_runs_twice_and_keeps_its_own_day_zero() -> None:
    said = [
        replace(REACTION, version=n + 1, informed_at=NOON + timedelta(days=n), suspected=n != 1)
        for n in range(3)
    ]
    case = Case(said, SECTION)
    runs = list(case.runs(CLOCKS["susar_other"]))
    assert runs == [Run(0, 1, 0, 1), Run(2, None, 2, None)]
    assert [case.day_zero(run) for run in runs] == [NOON, NOON + timedelta(days=2)]

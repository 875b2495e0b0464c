"""The section on safety: how long a clock runs at least."""

from tests.first_trial import FIRST_TRIAL

SECTION = FIRST_TRIAL.protocol.adverse_events


def test_a_clock_runs_for_its_hours_or_at_least_for_its_days() -> None:
    assert [clock.shortest_hours for clock in SECTION.clocks] == [24, 7 * 24, 15 * 24]

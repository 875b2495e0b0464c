"""Ids from a seed are good UUIDv7, and time stands."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import uuid_utils.compat

from services.api.core.making import new_id, recorded_now
from services.api.protocol.load import load
from services.api.scenarios.repeating import Repeating, StandingClock, repeating, set_out_on
from services.api.settings import MissingSetting, Settings

BEGINNING = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(ZoneInfo("Asia/Shanghai"), moment=BEGINNING)


def test_ids_are_uuids_of_version_7_in_their_order_and_before_every_later_one(
    clock: StandingClock,
) -> None:
    source = Repeating("a", clock)
    made = [source.new_id() for _ in range(2000)]
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    assert all(one < following for one, following in pairwise(made))
    assert made[-1] < uuid_utils.compat.uuid7()
    assert made[0].int >> 80 == int(BEGINNING.timestamp() * 1000) + 1
    assert len({one.int & ((1 << 62) - 1) for one in made}) == 2000


def test_a_seed_makes_the_same_ids_and_another_others(clock: StandingClock) -> None:
    first, again, other = (Repeating(seed, clock) for seed in ("a", "a", "b"))
    made = [first.new_id() for _ in range(50)]
    assert made == [again.new_id() for _ in range(50)]
    assert not set(made) & {other.new_id() for _ in range(50)}


def test_time_passes_only_when_it_is_told_to(clock: StandingClock) -> None:
    assert clock.now() == clock.now() == BEGINNING
    clock.pass_time(90)
    assert clock.now().isoformat() == "2026-03-02T00:01:30+00:00"
    assert clock.today() == date(2026, 3, 2)


def test_recording_follows_the_clock_for_a_sandbox_while_it_is_played(
    clock: StandingClock, settings: Settings
) -> None:
    with repeating(settings, Repeating("a", clock)):
        assert recorded_now() == BEGINNING
        made = new_id()
    assert made == Repeating("a", clock).new_id()
    assert recorded_now() > BEGINNING
    assert new_id() != made


def test_production_repeats_nothing(clock: StandingClock, settings: Settings) -> None:
    production = settings.model_copy(update={"sandbox": False})
    with pytest.raises(MissingSetting), repeating(production, Repeating("a", clock)):
        raise AssertionError("ids would follow a seed")
    assert recorded_now() > BEGINNING


def test_scenarios_begin_on_a_day_of_the_protocol(settings: Settings) -> None:
    begins = set_out_on(load(settings.protocol_document).protocol)
    assert (begins, begins.strftime("%A")) == (date(2026, 3, 2), "Monday")

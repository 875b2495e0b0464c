"""Clinical dates are calendar dates where the trial takes place, and may be moved on."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.core.clock import Clock

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 3, 1, 15, 59, 59, 999_999, UTC), date(2026, 3, 1)),
        (datetime(2026, 3, 1, 16, 0, 0, 0, UTC), date(2026, 3, 2)),
        (datetime(2026, 12, 31, 16, 0, 0, 0, UTC), date(2027, 1, 1)),
        (datetime(2028, 2, 28, 16, 0, 0, 0, UTC), date(2028, 2, 29)),
        (datetime(2026, 3, 2, 0, 30, 0, 0, ZoneInfo("Europe/Berlin")), date(2026, 3, 2)),
        (datetime(2026, 3, 1, 23, 30, 0, 0, ZoneInfo("America/New_York")), date(2026, 3, 2)),
    ],
)
def test_a_day_begins_at_midnight_where_the_trial_takes_place(
    moment: datetime, expected: date
) -> None:
    assert Clock(SHANGHAI).local_date(moment) == expected


@given(st.timedeltas(timedelta(0), timedelta(days=3653)))
def test_clinical_time_is_real_time_and_what_it_was_moved_by(ahead: timedelta) -> None:
    clock = Clock(SHANGHAI)
    clock.offset = ahead
    earliest = datetime.now(UTC) + ahead
    now = clock.now()
    assert earliest <= now <= datetime.now(UTC) + ahead
    assert now.tzinfo is UTC
    assert clock.local_date(earliest) <= clock.today() <= clock.local_date(clock.now())


def test_outside_the_sandbox_clinical_time_is_real_time() -> None:
    assert Clock(SHANGHAI).offset == timedelta(0)

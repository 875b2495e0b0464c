"""Study days have no day 0, and count from randomization."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from services.api.core.clock import Clock
from services.api.exports.dataset_json.domain import Participant, flag, iso
from services.api.exports.extract import Extract, Part, SubjectRecord


def participant(randomized_at: datetime | None) -> Participant:
    rows = () if randomized_at is None else (SimpleNamespace(randomized_at=randomized_at),)
    record = SubjectRecord(cast("Any", None), {Part.ALLOCATIONS: cast("Any", rows)})
    extract = SimpleNamespace(clock=Clock(ZoneInfo("Asia/Shanghai")))
    return Participant(cast("Extract", extract), record)


RANDOMIZED = datetime(2026, 3, 10, 20, tzinfo=UTC)
"""The 11th where the trial takes place."""


@pytest.mark.parametrize(
    ("day", "number"),
    [
        (date(2026, 3, 11), 1),
        (date(2026, 3, 12), 2),
        (date(2026, 3, 10), -1),
        (date(2026, 3, 1), -10),
        (None, None),
    ],
    ids=["the day itself", "the day after", "the day before", "ten days before", "no day"],
)
def test_a_study_day(day: date | None, number: int | None) -> None:
    assert participant(RANDOMIZED).study_day(day) == number


def test_without_randomization_no_day_is_numbered() -> None:
    one = participant(None)
    assert one.reference is None
    assert one.study_day(date(2026, 3, 11)) is None


def test_a_moment_is_told_where_it_happened() -> None:
    assert participant(None).moment(RANDOMIZED) == "2026-03-11T04:00:00+08:00"
    assert participant(None).moment(RANDOMIZED + timedelta(microseconds=5)).endswith("00+08:00")


def test_flags_and_days() -> None:
    assert (flag(True), flag(False), flag(None)) == ("Y", None, None)
    assert (iso(None), iso(date(2026, 3, 1))) == (None, "2026-03-01")

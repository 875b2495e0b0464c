"""Certified on a day: within the days of a certificate, both included."""

from datetime import date, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.api.certificates.rules import by_assessor, certified

ONE, OTHER = UUID(int=1), UUID(int=2)
FIRST, LAST = date(2026, 1, 12), date(2026, 9, 30)
DAY = timedelta(days=1)


def test_a_certificate_covers_its_first_and_its_last_day_and_none_outside() -> None:
    held = by_assessor([(ONE, FIRST, LAST)])
    covered = {day: certified(held, ONE, day) for day in (FIRST - DAY, FIRST, LAST, LAST + DAY)}
    assert list(covered.values()) == [False, True, True, False]


def test_a_certificate_is_nobody_elses() -> None:
    assert not certified(by_assessor([(ONE, FIRST, LAST)]), OTHER, FIRST)
    assert not certified({}, ONE, FIRST)


DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
HELD = st.lists(st.tuples(st.sampled_from([ONE, OTHER]), DAYS, DAYS), max_size=6)


@given(HELD, st.sampled_from([ONE, OTHER]), DAYS)
def test_one_valid_certificate_among_several_is_enough(
    rows: list[tuple[UUID, date, date]], assessor: UUID, day: date
) -> None:
    expected = any(who == assessor and first <= day <= last for who, first, last in rows)
    assert certified(by_assessor(rows), assessor, day) == expected

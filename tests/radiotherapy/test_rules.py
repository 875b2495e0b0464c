"""What interruptions of radiotherapy have to be."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.radiotherapy.rules import Interruption, wrong_interruptions

MONDAY = date(2028, 2, 28)
DAY = timedelta(days=1)
TODAY = MONDAY + 30 * DAY


def span(from_: int, to: int | None) -> Interruption:
    return Interruption(MONDAY + from_ * DAY, None if to is None else MONDAY + to * DAY)


def faults(
    *spans: Interruption, first: date | None = MONDAY, last: date | None = None
) -> list[tuple[str, str]]:
    found = wrong_interruptions(spans, first, last, TODAY)
    return [(one.pointer.removeprefix("/interruptions"), one.code) for one in found]


@pytest.mark.parametrize(
    "spans",
    [
        (),
        (span(0, 0),),
        (span(0, None),),
        (span(1, 2), span(3, 3), span(30, None)),
        (span(1, 30),),
    ],
)
def test_interruptions_follow_one_another_from_the_first_fraction_until_today(
    spans: tuple[Interruption, ...],
) -> None:
    assert faults(*spans) == []


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ((span(-1, 2),), [("/0/from", "before_first_fraction")]),
        ((span(31, None),), [("/0/from", "future")]),
        ((span(29, 31),), [("/0/to", "future")]),
        ((span(5, 4),), [("/0/to", "reversed")]),
        ((span(1, 5), span(5, 6)), [("/1/from", "overlap")]),
        ((span(7, 8), span(1, 2)), [("/1/from", "overlap")]),
        ((span(1, None), span(5, 6)), [("/0/to", "goes_on")]),
    ],
)
def test_each_mistake_has_its_own_code_and_place(
    spans: tuple[Interruption, ...], expected: list[tuple[str, str]]
) -> None:
    assert faults(*spans) == expected


def test_an_interruption_lies_between_the_first_and_the_last_fraction() -> None:
    assert faults(span(1, 2), first=None) == [("/0/from", "before_first_fraction")]
    last = MONDAY + 4 * DAY
    assert faults(span(1, 3), last=last) == []
    assert faults(span(1, 4), last=last) == [("/0/to", "after_last_fraction")]
    assert faults(span(1, None), last=last) == [("/0/to", "goes_on")]


days = st.integers(-5, 40)


@given(
    spans=st.lists(st.tuples(days, st.none() | days), max_size=5),
    last=st.none() | st.integers(0, 30),
)
def test_what_passes_is_ordered_apart_and_inside_the_course(
    spans: list[tuple[int, int | None]], last: int | None
) -> None:
    given_ = [span(*one) for one in spans]
    end = None if last is None else MONDAY + last * DAY
    if faults(*given_, last=end):
        return
    for one in given_:
        assert MONDAY <= one.from_ <= (one.to or TODAY) <= TODAY
        assert end is None or (one.to is not None and one.to < end)
    for before, after in pairwise(given_):
        assert before.to is not None
        assert before.to < after.from_

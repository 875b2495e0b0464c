"""Pauses: longer each time, never beyond the longest, and ended when asked."""

from threading import Event

import pytest

from services.api.connect.patience import FIRST, LONGEST, Ended, Patience, Stopped, Unavailable


class Clockless(Event):
    """Counts what it is asked to wait, and waits for nothing."""

    def __init__(self, ends_after: int) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self.ends_after = ends_after

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0)
        return len(self.pauses) >= self.ends_after


def fails(after: float | None = None) -> None:
    raise Unavailable("edc-core: answers 503", after)


def test_pauses_double_up_to_the_longest_and_an_end_is_heard() -> None:
    ended = Clockless(30)
    with pytest.raises(Ended):
        Patience(ended, lambda _: None, None).insist(fails)
    for number, pause in enumerate(ended.pauses):
        full = min(FIRST * 2**number, LONGEST)
        assert full / 2 <= pause <= full


def test_it_waits_as_long_as_it_is_asked_to_but_not_for_ever() -> None:
    ended = Clockless(2)
    asked = iter([40.0, 1e9])
    with pytest.raises(Ended):
        Patience(ended, lambda _: None, None).insist(lambda: fails(next(asked)))
    assert ended.pauses == [40, LONGEST]


def test_who_is_asked_to_end_begins_nothing_more() -> None:
    ended, begun = Event(), []
    patience = Patience(ended, lambda _: None, None)
    patience.insist(lambda: begun.append("before"))
    ended.set()
    with pytest.raises(Ended):
        patience.insist(lambda: begun.append("after"))
    assert begun == ["before"]


def test_it_gives_up_after_so_many_attempts_and_says_why() -> None:
    told: list[str] = []
    with pytest.raises(Stopped, match="answers 503; given up after 3 attempts"):
        Patience(Clockless(99), told.append, 3).insist(fails)
    assert len(told) == 2

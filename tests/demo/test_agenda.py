"""A hospital does what it noted in the order of days, and of noting on one day."""

from datetime import date, timedelta

from services.api.demo.agenda import Agenda

TODAY = date(2026, 3, 2)
TOMORROW = TODAY + timedelta(days=1)


def test_acts_are_due_by_day_then_by_noting() -> None:
    agenda, done = Agenda(), list[str]()
    agenda.note(TOMORROW, "a", lambda _: done.append("later"))
    agenda.note(TODAY, "b", lambda _: done.append("first"))
    agenda.note(TODAY, "a", lambda _: done.append("second"))
    assert agenda.next_day() == TODAY
    for _, act in agenda.due(TODAY):
        act(TODAY)
    assert done == ["first", "second"]
    assert agenda.next_day() == TOMORROW


def test_what_an_act_adds_for_today_is_done_today() -> None:
    agenda, done = Agenda(), list[str]()
    agenda.note(TODAY, "a", lambda day: agenda.note(day, "a", lambda _: done.append("added")))
    for _, act in agenda.due(TODAY):
        act(TODAY)
    assert done == ["added"]
    assert agenda.next_day() is None


def test_nothing_of_a_dropped_owner_is_left() -> None:
    agenda = Agenda()
    agenda.note(TODAY, "a", lambda _: None)
    agenda.note(TOMORROW, "b", lambda _: None)
    agenda.drop("a")
    assert [owner for owner, _ in agenda.due(TOMORROW)] == ["b"]

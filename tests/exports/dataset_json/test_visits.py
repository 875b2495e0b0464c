"""Visits are numbered in the order in which they are planned."""

from datetime import date

from services.api.exports.dataset_json.visits import visit_number
from services.api.visits.rules import Radiotherapy, schedule
from tests.first_trial import FIRST_TRIAL

VISITS = FIRST_TRIAL.protocol.visits


def test_the_numbers_follow_the_calendar_and_none_is_given_twice() -> None:
    course = Radiotherapy(planned_start=date(2026, 3, 2), planned_fractions=33)
    planned = schedule(course, VISITS, today=date(2026, 3, 2))
    numbers = [visit_number(one.code, VISITS) for one in planned]
    assert numbers == sorted(set(filter(None, numbers)))
    assert len(numbers) > 10


def test_a_repeated_visit_s_number_tells_which_one_it_is() -> None:
    assert visit_number("RT3A", VISITS) == 103.1
    assert visit_number("RT3B", VISITS) == 103.2
    assert visit_number("RT12A", VISITS) == 112.1
    assert visit_number("SCR", VISITS) == 1.0


def test_a_code_that_the_protocol_lacks_has_no_number() -> None:
    assert visit_number("XX9", VISITS) is None

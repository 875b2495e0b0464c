"""Inclusions by week and site, the target, and the forecast."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.reports.participants import Participant
from services.api.reports.recruitment import FEWEST_INCLUDED, monday, recruitment
from services.api.reports.schemas import Recruitment
from tests.reports.generated import PROTOCOL, SITES, TODAY, head, subject_id

days_included = st.lists(st.dates(date(2026, 1, 5), TODAY), max_size=60)


def included(days: list[date], site: str = "NN") -> list[Participant]:
    return [
        Participant(subject_id(number), site, "randomized", randomized_on=day)
        for number, day in enumerate(days, 1)
    ]


def told(participants: list[Participant], *, whole: bool = True) -> Recruitment:
    return recruitment(head([], []), participants, PROTOCOL.study, whole=whole)


def test_weeks_begin_on_monday_and_none_is_left_out() -> None:
    sunday = TODAY - timedelta(days=TODAY.weekday() + 15)
    report = told(included([sunday, sunday + timedelta(days=1)]))
    assert [(week.week_of.weekday(), week.included, week.cumulative) for week in report.weeks] == [
        (0, 1, 1),
        (0, 1, 2),
        (0, 0, 2),
        (0, 0, 2),
    ]


def test_every_site_is_told_also_the_one_without_subjects() -> None:
    report = told([*included([TODAY, TODAY]), *included([TODAY], "LZ")])
    assert [(one.site, one.included) for one in report.by_site] == [("LZ", 1), ("NN", 2), ("YL", 0)]
    assert report.weeks[-1].by_site == {"NN": 2, "LZ": 1}


@settings(max_examples=30, deadline=None)
@given(days_included)
def test_weeks_add_up_to_all_who_are_included(days: list[date]) -> None:
    report = told(included(days))
    assert sum(week.included for week in report.weeks) == report.included == len(days)
    assert [week.week_of for week in report.weeks] == sorted(
        {week.week_of for week in report.weeks}
    )
    if days:
        assert report.weeks[-1].cumulative == len(days)
        assert report.weeks[0].week_of == monday(min(days))
        assert report.weeks[-1].week_of == monday(TODAY)


def test_the_plan_runs_from_the_protocol_s_start_to_its_primary_completion() -> None:
    report = told([])
    assert (report.target, report.planned_from, report.planned_to) == (
        200,
        date(2026, 1, 1),
        date(2027, 6, 30),
    )
    assert report.weeks == []


def test_a_part_of_the_sites_has_no_target_and_no_forecast() -> None:
    report = told(included([TODAY - timedelta(days=n) for n in range(40)]), whole=False)
    assert (report.target, report.planned_to, report.forecast) == (None, None, None)


def test_the_forecast_rests_on_the_last_twelve_weeks() -> None:
    long_ago = [TODAY - timedelta(weeks=40)] * 50
    lately = [TODAY - timedelta(days=2 * n) for n in range(42)]
    report = told(included([*long_ago, *lately]))
    assert report.forecast is not None
    assert (report.forecast.weeks, report.forecast.included) == (12.0, 42)
    # 108 more at 3.5 a week take about 31 weeks.
    assert 29 < (report.forecast.middle - TODAY).days / 7 < 33
    assert report.forecast.earliest < report.forecast.middle < report.forecast.latest


@pytest.mark.parametrize("number", [0, 1, FEWEST_INCLUDED - 1])
def test_with_too_few_lately_nothing_is_foretold(number: int) -> None:
    long_ago = [TODAY - timedelta(weeks=40)] * 50
    assert told(included([*long_ago, *[TODAY] * number])).forecast is None


def test_when_the_target_is_reached_nothing_is_foretold() -> None:
    report = told(included([TODAY - timedelta(days=n % 60) for n in range(200)]))
    assert report.included == report.target
    assert report.forecast is None


def test_who_was_not_randomized_is_not_included() -> None:
    [one] = included([TODAY])
    assert told([replace(one, randomized_on=None)]).included == 0
    assert told([one]).sites == list(SITES)

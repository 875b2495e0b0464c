"""Inclusions against the target, by site and local week, and when the target will be reached."""

from calendar import monthrange
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from services.api.protocol.schema import Study
from services.api.reports.participants import Participant
from services.api.reports.schemas import (
    Recruitment,
    RecruitmentForecast,
    RecruitmentWeek,
    Report,
    SiteRecruitment,
)
from services.api.statistics.forecast import weeks_until

FORECAST_WEEKS = 12
"""A forecast rests on so many past weeks at most."""
FEWEST_INCLUDED = 5
"""With fewer inclusions in them nothing is foretold."""

METHODS = [
    f"Forecast: inclusions of the last {FORECAST_WEEKS} weeks as a Poisson process with a gamma"
    " distributed rate (Jeffreys' prior); 95 % prediction interval of the waiting time (Anisimov"
    " and Fedorov, Stat Med 2007, 26, 4958, for one rate).",
]
NOTES = [
    "Weeks begin on Monday and days are those of the trial's time zone.",
    "Every randomized subject counts once here, also those found later to be the same person.",
    "The planned line is straight from the first day of the planned start to the last day of the"
    " planned month of primary completion. The protocol has no recruitment plan.",
    "The forecast knows nothing of holidays, new sites, or a change of pace.",
]


def recruitment(
    head: Report, participants: Sequence[Participant], study: Study, *, whole: bool
) -> Recruitment:
    """The report; target and forecast are the trial's, so they need the `whole` of its sites."""
    included = sorted(
        (one.randomized_on, one.site) for one in participants if one.randomized_on is not None
    )
    days = [day for day, _ in included]
    target = study.target_enrolment if whole else None
    by_site = {
        site: [day for day, where in included if where == site] for site in sorted(head.sites)
    }
    return Recruitment(
        **dict(head),
        included=len(days),
        target=target,
        planned_from=_first_day(study.start) if whole else None,
        planned_to=_last_day(study.primary_completion) if whole else None,
        by_site=[
            SiteRecruitment(
                site=site,
                included=len(own),
                first_on=min(own, default=None),
                last_on=max(own, default=None),
            )
            for site, own in by_site.items()
        ],
        weeks=_weeks(included, head.as_of),
        forecast=None if target is None else _forecast(days, target, head.as_of),
    )


def monday(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def _weeks(included: Sequence[tuple[date, str]], today: date) -> list[RecruitmentWeek]:
    """Every week from the first inclusion's to this one, those without any too."""
    if not included:
        return []
    counts: dict[date, Counter[str]] = {}
    for day, site in included:
        counts.setdefault(monday(day), Counter())[site] += 1
    weeks, cumulative, week = [], 0, min(counts)
    while week <= max(today, max(counts)):
        own = counts.get(week, Counter())
        cumulative += own.total()
        weeks.append(
            RecruitmentWeek(
                week_of=week, included=own.total(), cumulative=cumulative, by_site=dict(own)
            )
        )
        week += timedelta(weeks=1)
    return weeks


def _forecast(days: Sequence[date], target: int, today: date) -> RecruitmentForecast | None:
    """What the last weeks foretell; None when they tell too little or the target is reached."""
    if not days or len(days) >= target:
        return None
    since = max(today - timedelta(weeks=FORECAST_WEEKS), min(days))
    weeks = (today - since).days / 7
    recent = sum(day > since for day in days)
    found = weeks_until(target - len(days), recent, weeks)
    if found is None or recent < FEWEST_INCLUDED:
        return None
    moments = [found.weeks, found.low, found.high]
    if max(moments) > (date.max - today).days / 7:
        return None
    middle, earliest, latest = (today + timedelta(days=round(7 * after)) for after in moments)
    return RecruitmentForecast(
        weeks=round(weeks, 1), included=recent, middle=middle, earliest=earliest, latest=latest
    )


def _first_day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _last_day(month: str) -> date:
    first = _first_day(month)
    return first.replace(day=monthrange(first.year, first.month)[1])

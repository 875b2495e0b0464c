"""How complete the records are, by site."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from services.api.reports.schemas import Completeness, Report, SiteCompleteness

METHODS = ["Every figure is a count of records in their current version."]
NOTES = [
    "A visit is due while its window is open and overdue after it, until it is recorded as done or"
    " missed.",
    "A signature, and a comparison with the source, holds for one version: a correction needs"
    " another.",
    "The age of a query counts from the day it was raised.",
]

Counted = Iterable[tuple[str, str]]
"""Of each record its site, and a figure that it counts for."""


def completeness(
    head: Report, counted: Counted, query_ages: Mapping[str, Sequence[int]]
) -> Completeness:
    """The report; `query_ages` are, by site, the days since each open query was raised."""
    figures: dict[str, Counter[str]] = {site: Counter() for site in head.sites}
    for site, figure in counted:
        figures[site][figure] += 1
    return Completeness(
        **dict(head),
        by_site=[_of_site(site, own, query_ages.get(site, ())) for site, own in figures.items()],
    )


def _of_site(site: str, figures: Mapping[str, int], ages: Sequence[int]) -> SiteCompleteness:
    """The figures that no record counted for are 0."""
    plain = {
        name: figures.get(name, 0)
        for name in SiteCompleteness.model_fields
        if name != "site" and not name.startswith("quer")
    }
    return SiteCompleteness(
        site=site,
        queries_open=len(ages),
        query_days_median=median(ages) if ages else None,
        query_days_oldest=max(ages, default=None),
        **plain,
    )

"""Completeness counts what it is given, and every figure has its place."""

from services.api.reports.completeness import completeness
from services.api.reports.schemas import SiteCompleteness
from tests.reports.generated import head


def test_every_figure_is_counted_at_its_site() -> None:
    names = [
        name
        for name in SiteCompleteness.model_fields
        if name != "site" and not name.startswith("query") and name != "queries_open"
    ]
    counted = [("NN", name) for name in names] * 2
    lz, nn, yl = completeness(head([], []), counted, {}).by_site
    assert all(getattr(nn, name) == 2 for name in names)
    assert all(getattr(other, name) == 0 for other in (lz, yl) for name in names)


def test_queries_are_told_with_their_age() -> None:
    lz, nn, _ = completeness(head([], []), [], {"NN": [1, 3, 40]}).by_site
    assert (nn.queries_open, nn.query_days_median, nn.query_days_oldest) == (3, 3, 40)
    assert (lz.queries_open, lz.query_days_median, lz.query_days_oldest) == (0, None, None)

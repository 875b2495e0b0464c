"""Figures of the reports as text, the same in each of them."""

from collections.abc import Iterator, Sequence
from datetime import date

from services.api.reports.schemas import Estimate, Flow

NONE = "–"
"""Stands where there is no figure."""


def estimated(one: Estimate | None, form: str = ".2f") -> str:
    """An estimate with its interval."""
    if one is None:
        return "cannot be computed"
    return _signs(f"{one.estimate:{form}} ({one.low:{form}} to {one.high:{form}})")


def percent(one: Estimate | None) -> str:
    """A share, or a difference of shares, with its interval."""
    if one is None:
        return NONE
    return _signs(f"{one.estimate:.1%} ({one.low:.1%} to {one.high:.1%})")


def _signs(text: str) -> str:
    return text.replace("-", "−")


def p_value(p: float) -> str:
    """What follows the letter p."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def number(value: float | None) -> str:
    """A figure without digits that say nothing."""
    return NONE if value is None else f"{value:g}"


def told_day(day: date | None) -> str:
    """A day as ISO 8601."""
    return NONE if day is None else str(day)


def words(name: str) -> str:
    """A code as words."""
    return name.replace("_", " ")


def lowered(text: str) -> str:
    """A sentence that goes on another."""
    return text[:1].lower() + text[1:]


def flow_rows(flows: Sequence[Flow]) -> Iterator[list[str]]:
    """Lines with a figure for each flow."""
    for said, name in (
        ("Randomized", "randomized"),
        ("Later allocations of the same person, left out below", "not_retained"),
        ("Analysed by intention to treat", "analysed"),
        ("Started radiotherapy", "started_radiotherapy"),
    ):
        yield [said, *(str(getattr(flow, name)) for flow in flows)]
    for said, name in (
        ("Ended treatment", "treatment_ended"),
        ("Left the study", "study_left"),
    ):
        counts = [{one.cause: one.subjects for one in getattr(flow, name)} for flow in flows]
        yield [said, *(str(sum(count.values())) for count in counts)]
        for cause in sorted({cause for count in counts for cause in count}):
            yield [f"    {words(cause)}", *(str(count.get(cause, 0)) for count in counts)]
    for said, name in (
        ("Primary outcome known at the end of observation", "evaluable"),
        ("Not evaluable at its end", "not_evaluable"),
        ("Still observed", "under_observation"),
    ):
        yield [said, *(str(getattr(flow, name)) for flow in flows)]

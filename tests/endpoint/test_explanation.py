"""The outcome in sentences: what decided it, what is missing, and nothing that is not so."""

from datetime import date, timedelta

from services.api.endpoint.explanation import explain
from services.api.gradings.rules import Assessment
from services.api.visits.rules import Radiotherapy
from tests.endpoint.test_rules import (
    AFTER_CLOSE,
    COURSE,
    LAST,
    MONDAY,
    RULE,
    UNDER_WAY,
    derived,
    graded,
    kept,
    unresolved,
)

DAY = timedelta(days=1)


def said(
    assessments: list[Assessment],
    rt: Radiotherapy = COURSE,
    today: date = AFTER_CLOSE,
    left_on: date | None = None,
) -> str:
    outcome = derived(assessments, rt, today, left_on=left_on)
    return " ".join(explain(outcome, RULE, left_on=left_on))


def test_before_the_first_fraction_there_is_nothing_to_explain() -> None:
    planned = Radiotherapy(MONDAY, 20)
    assert said([], planned) == "No fraction of radiotherapy is recorded, so nothing counts yet."


def test_an_event_names_its_visit_day_and_grade() -> None:
    text = said([graded(MONDAY + 8 * DAY, 3, "RT2A")], UNDER_WAY, MONDAY + 9 * DAY)
    assert "Assessments count from 2026-03-02; the last fraction is not recorded." in text
    assert "Primary: event, for the grade at RT2A on 2026-03-10 was 3 by one assessor" in text


def test_an_outcome_without_event_tells_coverage_and_gaps() -> None:
    text = said(kept(missing=["RT2A", "FU90", "RT3B"]))
    assert "Primary: not evaluable" in text
    assert "7 of 10 scheduled assessments were made; 80% are needed" in text
    assert "Missing: RT2A, RT3B, FU90." in text
    assert "no event in a window that was covered" in said(kept())


def test_an_open_grade_and_a_departure_are_told() -> None:
    text = said([unresolved(MONDAY, "RT1A")], today=LAST, left_on=LAST)
    assert "The subject left the study on 2026-03-27." in text
    assert "The grade is open until adjudicated at RT1A." in text
    assert "Primary: pending" in text

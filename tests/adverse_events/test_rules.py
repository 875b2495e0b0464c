"""What makes a report of an adverse event consistent, each rule by name."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.adverse_events.rules import Report, mistakes
from services.api.protocol.terms import OTHER, Term, load_terms
from tests.first_trial import FIRST_TRIAL

SECTION = FIRST_TRIAL.protocol.adverse_events
TERMS = tuple(load_terms("5.0"))
CONSENTED, TODAY = date(2026, 3, 1), date(2026, 6, 30)
NOW = datetime(2026, 6, 30, 4, tzinfo=UTC)
NAUSEA = Term("10028813", "Nausea", "Gastrointestinal disorders", (1, 2, 3))
PNEUMONITIS = Term("10035742", "Pneumonitis", "Respiratory disorders", (1, 2, 3, 4, 5))
CRITERIA = ("death", "life_threatening", "hospitalisation", "disability")

REPORT = Report(
    grade=2,
    term_detail=None,
    onset_on=date(2026, 4, 10),
    resolved_on=None,
    aware_at=datetime(2026, 4, 11, 1, tzinfo=UTC),
    aware_on=date(2026, 4, 11),
    informed_at=datetime(2026, 4, 11, 1, tzinfo=UTC),
    serious=False,
    seriousness=(),
    outcome="recovering",
)


def found(
    term: Term = PNEUMONITIS, died_on: date | None = None, **changed: Any
) -> list[tuple[str, str]]:
    """Pointer and code of every mistake in an otherwise consistent report."""
    informed = {"informed_at": changed["aware_at"]} if "aware_at" in changed else {}
    report = replace(REPORT, **{**informed, **changed})
    noted = mistakes(
        report, term, SECTION, consented_on=CONSENTED, now=NOW, today=TODAY, died_on=died_on
    )
    assert all(one.detail for one in noted)
    return [(one.pointer, one.code) for one in noted]


def test_a_consistent_report_has_no_mistake() -> None:
    assert found() == []


def test_every_mistake_is_named_at_once_in_the_order_of_the_fields() -> None:
    assert found(
        NAUSEA, grade=4, onset_on=date(2026, 7, 1), resolved_on=date(2026, 6, 1), serious=True
    ) == [
        ("/grade", "no_such_grade"),
        ("/onset_on", "future"),
        ("/resolved_on", "before_onset"),
        ("/aware_at", "before_onset"),
        ("/seriousness", "missing"),
    ]


# --- the term ---------------------------------------------------------------------------


@given(term=st.sampled_from(TERMS), grade=st.integers(1, 5))
def test_a_grade_is_accepted_exactly_where_the_term_has_it(term: Term, grade: int) -> None:
    fatal = grade == 5
    noted = found(
        term,
        grade=grade,
        term_detail="What it is",
        serious=True,
        seriousness=("death",) if fatal else ("hospitalisation",),
        outcome="fatal" if fatal else "recovering",
    )
    assert noted == ([] if grade in term.grades else [("/grade", "no_such_grade")])


@given(term=st.sampled_from(TERMS))
def test_other_specify_and_nothing_else_needs_a_text(term: Term) -> None:
    noted = found(term, grade=term.grades[0], serious=True, seriousness=("disability",))
    assert (("/term_detail", "missing") in noted) == term.term.endswith(OTHER)


@pytest.mark.parametrize(
    ("serious", "expected"), [(True, []), (False, [("/term", "graded_instead")])]
)
def test_oral_mucositis_is_an_adverse_event_only_when_serious(
    serious: bool, expected: list[tuple[str, str]]
) -> None:
    mucositis = load_terms("5.0").named("Mucositis oral")
    assert mucositis is not None
    criteria = ("hospitalisation",) if serious else ()
    assert found(mucositis, serious=serious, seriousness=criteria) == expected


# --- dates ------------------------------------------------------------------------------


@given(onset=st.dates(CONSENTED - timedelta(days=3), TODAY + timedelta(days=3)))
def test_an_event_begins_between_consent_and_today(onset: date) -> None:
    aware = datetime.combine(max(onset, REPORT.aware_on), NOW.time(), UTC)
    codes = {
        code
        for pointer, code in found(onset_on=onset, aware_at=aware, aware_on=aware.date())
        if pointer == "/onset_on"
    }
    expected = set()
    if onset < CONSENTED:
        expected = {"before_consent"}
    if onset > TODAY:
        expected = {"future"}
    assert codes == expected


@given(resolved=st.dates(REPORT.onset_on - timedelta(days=3), TODAY + timedelta(days=3)))
def test_an_event_ends_between_its_onset_and_today(resolved: date) -> None:
    expected = []
    if resolved < REPORT.onset_on:
        expected = [("/resolved_on", "before_onset")]
    if resolved > TODAY:
        expected = [("/resolved_on", "future")]
    assert found(resolved_on=resolved) == expected


@pytest.mark.parametrize(
    ("aware_on", "seconds", "expected"),
    [
        (REPORT.onset_on, 0, []),
        (REPORT.onset_on - timedelta(days=1), 0, [("/aware_at", "before_onset")]),
        (TODAY, 0, []),
        (TODAY, 1, [("/aware_at", "future")]),
    ],
)
def test_awareness_lies_between_onset_and_now(
    aware_on: date, seconds: int, expected: list[tuple[str, str]]
) -> None:
    aware_at = datetime.combine(aware_on, NOW.timetz()) + timedelta(seconds=seconds)
    assert found(aware_on=aware_on, aware_at=aware_at) == expected


@pytest.mark.parametrize(
    ("informed_at", "expected"),
    [
        (REPORT.aware_at - timedelta(seconds=1), [("/informed_at", "before_awareness")]),
        (REPORT.aware_at, []),
        (NOW, []),
        (NOW + timedelta(seconds=1), [("/informed_at", "future")]),
    ],
)
def test_a_follow_up_is_learnt_between_awareness_and_now(
    informed_at: datetime, expected: list[tuple[str, str]]
) -> None:
    assert found(informed_at=informed_at) == expected


@given(
    onset=st.dates(CONSENTED, TODAY),
    lasted=st.integers(0, 30),
    lived=st.integers(-30, 60),
)
def test_nothing_begins_or_resolves_after_the_day_of_death(
    onset: date, lasted: int, lived: int
) -> None:
    resolved = min(onset + timedelta(days=lasted), TODAY)
    died = onset + timedelta(days=lived)
    aware = datetime.combine(TODAY, NOW.time(), UTC)
    noted = found(
        onset_on=onset, resolved_on=resolved, aware_at=aware, aware_on=TODAY, died_on=died
    )
    expected = [("/onset_on", "after_death")] if onset > died else []
    expected += [("/resolved_on", "after_death")] if resolved > died else []
    assert noted == expected


# --- seriousness ------------------------------------------------------------------------


@given(serious=st.booleans(), criteria=st.sets(st.sampled_from(CRITERIA[1:])))
def test_an_event_is_serious_exactly_when_a_criterion_is_named(
    serious: bool, criteria: set[str]
) -> None:
    expected = []
    if serious and not criteria:
        expected = [("/seriousness", "missing")]
    if criteria and not serious:
        expected = [("/serious", "contradiction")]
    assert found(serious=serious, seriousness=tuple(criteria)) == expected


@given(grade=st.integers(1, 4), criteria=st.sets(st.sampled_from(CRITERIA[1:])))
def test_severity_and_seriousness_are_independent(grade: int, criteria: set[str]) -> None:
    assert found(grade=grade, serious=bool(criteria), seriousness=tuple(criteria)) == []


@given(grade_5=st.booleans(), fatal=st.booleans(), death=st.booleans())
def test_grade_5_a_fatal_outcome_and_the_criterion_death_go_together(
    grade_5: bool, fatal: bool, death: bool
) -> None:
    noted = found(
        grade=5 if grade_5 else 4,
        outcome="fatal" if fatal else "not_recovered",
        serious=True,
        seriousness=("death",) if death else ("life_threatening",),
    )
    agree = grade_5 == fatal == death
    assert noted == ([] if agree else [("/outcome", "contradiction")])


def test_a_criterion_is_named_once() -> None:
    twice = ("hospitalisation", "hospitalisation")
    assert found(serious=True, seriousness=twice) == [("/seriousness", "repeated")]

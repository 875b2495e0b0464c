"""The stopping rule itself: whom it counts, its boundary, and how often it is reached."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from services.api.protocol.safety import CountedEvents, Prior, StoppingRule
from services.api.stopping_rules.rules import Event, boundary, counted, judge, steps
from tests.first_trial import FIRST_TRIAL

RULE = FIRST_TRIAL.protocol.adverse_events.stopping_rules[0]
RELATED = FIRST_TRIAL.protocol.adverse_events.related
DAY = date(2026, 5, 4)
ONE, OTHER = UUID(int=1), UUID(int=2)


@st.composite
def stopping_rules(draw: st.DrawFn) -> StoppingRule:
    """Rules with numbers that a protocol may have."""
    weight = draw(st.integers(2, 40))
    return StoppingRule(
        id="generated",
        label="Generated",
        arm="experimental",
        counts=CountedEvents(grade_at_least=draw(st.integers(1, 5)), related_only=True),
        method="beta_binomial",
        prior=Prior(events=draw(st.integers(1, weight - 1)), subjects=weight),
        threshold=draw(st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.5])),
        certainty=draw(st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.975])),
        minimum_subjects=draw(st.integers(1, 15)),
        source="Generated",
    )


def event(
    subject: UUID = ONE,
    grade: int = 4,
    onset_on: date = DAY,
    site: str = "possibly",
    sponsor: str | None = None,
) -> Event:
    return Event(subject, grade, onset_on, (site, sponsor))


def counts(*events: Event, rule: StoppingRule = RULE) -> set[UUID]:
    return counted(rule, {ONE: DAY, OTHER: DAY}, events, RELATED)


# --- whom it counts ------------------------------------------------------------------------


def test_a_subject_counts_once_however_many_events_they_had() -> None:
    assert counts(event(), event(grade=5), event(OTHER)) == {ONE, OTHER}


@pytest.mark.parametrize("grade", [1, 2, 3])
def test_a_grade_below_the_rule_s_does_not_count(grade: int) -> None:
    assert counts(event(grade=grade)) == set()


@pytest.mark.parametrize(
    ("site", "sponsor", "does"),
    [
        ("possibly", None, True),
        ("unlikely", "probably", True),
        ("related", "not_related", True),
        ("unlikely", None, False),
        ("not_assessable", "not_related", False),
    ],
)
def test_either_s_judgment_of_related_counts(site: str, sponsor: str | None, does: bool) -> None:
    assert bool(counts(event(site=site, sponsor=sponsor))) is does


def test_a_rule_of_any_cause_asks_nobody_s_judgment() -> None:
    any_cause = RULE.counts.model_copy(update={"related_only": False})
    rule = RULE.model_copy(update={"counts": any_cause})
    assert counts(event(site="not_related"), rule=rule) == {ONE}


def test_what_began_before_randomization_does_not_count() -> None:
    assert counts(event(onset_on=DAY - timedelta(days=1))) == set()


def test_another_arm_s_subjects_do_not_count() -> None:
    assert counts(event(UUID(int=3))) == set()


# --- the boundary --------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(stopping_rules(), st.data())
def test_the_boundary_is_the_rule(rule: StoppingRule, data: st.DataObject) -> None:
    subjects = data.draw(st.integers(0, 90))
    events = data.draw(st.integers(0, subjects))
    verdict = judge(rule, subjects, events)
    probable = verdict.probability >= Fraction(repr(rule.certainty))
    assert verdict.reached is (probable and subjects >= rule.minimum_subjects)


@settings(max_examples=80, deadline=None)
@given(stopping_rules(), st.data())
def test_the_probability_is_the_one_that_scipy_computes(
    rule: StoppingRule, data: st.DataObject
) -> None:
    subjects = data.draw(st.integers(0, 90))
    events = data.draw(st.integers(0, subjects))
    without = rule.prior.subjects - rule.prior.events + subjects - events
    expected = beta.sf(rule.threshold, rule.prior.events + events, without)
    found = judge(rule, subjects, events).probability
    assert float(found) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(stopping_rules())
def test_more_events_never_take_a_reached_rule_back(rule: StoppingRule) -> None:
    verdicts = [judge(rule, 40, events) for events in range(41)]
    assert [one.reached for one in verdicts] == sorted(one.reached for one in verdicts)
    probabilities = [one.probability for one in verdicts]
    assert probabilities == sorted(probabilities)


@settings(max_examples=40, deadline=None)
@given(stopping_rules())
def test_with_more_subjects_it_takes_no_fewer_events(rule: StoppingRule) -> None:
    limits = [boundary(rule, subjects) for subjects in range(91)]
    known = [limit for limit in limits if limit is not None]
    assert known == sorted(known)
    assert limits[: rule.minimum_subjects] == [None] * rule.minimum_subjects


@settings(max_examples=40, deadline=None)
@given(stopping_rules())
def test_the_table_says_what_the_boundary_says(rule: StoppingRule) -> None:
    told = {
        subjects: step.events
        for step in steps(rule, 90)
        for subjects in range(step.from_subjects, step.to_subjects + 1)
    }
    assert told == {
        subjects: limit for subjects in range(91) if (limit := boundary(rule, subjects)) is not None
    }


# --- what the documentation says ------------------------------------------------------------


def tables() -> list[list[list[str]]]:
    """The tables of docs/stopping-rules.md, without their heads."""
    text = Path("docs/stopping-rules.md").read_text()
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    rows = [[line.strip("|").split("|") for line in block.splitlines()[2:]] for block in blocks]
    return [[[cell.strip() for cell in row] for row in block] for block in rows]


def test_the_documented_boundary_is_the_trial_s() -> None:
    shown = [(row[0], row[1]) for row in tables()[0]]
    assert shown == [
        (f"{step.from_subjects} to {step.to_subjects}", str(step.events))
        for step in steps(RULE, 100)
    ]


def reached(rule: StoppingRule, upto: int, rate: float) -> Iterator[float]:
    """The chance that the rule was reached by each number of subjects, if that is the true rate."""
    going, over = {0: 1.0}, 0.0
    for subjects in range(1, upto + 1):
        ways: dict[int, float] = {}
        for events, chance in going.items():
            ways[events] = ways.get(events, 0.0) + chance * (1 - rate)
            ways[events + 1] = ways.get(events + 1, 0.0) + chance * rate
        limit = boundary(rule, subjects)
        going = {events: one for events, one in ways.items() if limit is None or events < limit}
        over += sum(ways.values()) - sum(going.values())
        yield over


def test_the_documented_chances_of_reaching_it_are_exact() -> None:
    shown = [[float(cell.removesuffix(" %")) for cell in row] for row in tables()[1]]
    expected = []
    for rate in (0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2):
        chances = list(reached(RULE, 100, rate))
        by = [round(100 * chances[subjects - 1], 1) for subjects in (25, 50, 100)]
        expected.append([round(100 * rate), *by])
    assert shown == expected

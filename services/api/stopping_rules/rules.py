"""Whom a stopping rule counts, and how many events reach it: exact, and nothing else than data.

Source: protocol, adverse_events.stopping_rules; Thall and Simon, Biometrics
1994, 50, 337.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from uuid import UUID

from services.api.protocol.safety import StoppingRule
from services.api.statistics.beta import above


@dataclass(frozen=True, slots=True)
class Event:
    """One adverse event in its current version; `causalities` are those given of the study drug."""

    subject_id: UUID
    grade: int
    onset_on: date
    causalities: Collection[str | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a rule stands: `boundary` is the number of events that reaches it, if any does yet."""

    subjects: int
    events: int
    probability: Fraction
    boundary: int | None
    reached: bool


@dataclass(frozen=True, slots=True)
class Step:
    """From so many subjects through so many, this number of events reaches the rule."""

    from_subjects: int
    to_subjects: int
    events: int


def counted(
    rule: StoppingRule,
    randomized_on: Mapping[UUID, date],
    events: Iterable[Event],
    related: Collection[str],
) -> set[UUID]:
    """The subjects with an event that the rule counts, each once however many they had.

    `randomized_on` are the subjects of the rule's arm, with the local day;
    `related` are the causalities that count, whoever judged so.
    """
    return {
        event.subject_id
        for event in events
        if event.subject_id in randomized_on
        and event.grade >= rule.counts.grade_at_least
        and event.onset_on >= randomized_on[event.subject_id]
        and (not rule.counts.related_only or any(one in related for one in event.causalities))
    }


def judge(rule: StoppingRule, subjects: int, events: int) -> Verdict:
    """How the rule stands with so many subjects of its arm, and so many of them with an event."""
    limit = boundary(rule, subjects)
    reached = limit is not None and events >= limit
    return Verdict(subjects, events, _probability(rule, subjects, events), limit, reached)


def _probability(rule: StoppingRule, subjects: int, events: int) -> Fraction:
    prior = rule.prior
    return above(_exactly(rule.threshold), events, subjects, prior.events, prior.subjects)


def _exactly(share: float) -> Fraction:
    """A share as it is written in the document: 0.05 is one twentieth."""
    return Fraction(repr(share))


def boundary(rule: StoppingRule, subjects: int) -> int | None:
    """The smallest number of events that reaches the rule among so many subjects.

    None before the least number of subjects, and where not even events in all
    of them would reach it.
    """
    return _boundaries(rule, subjects)[subjects]


@lru_cache(maxsize=64)
def _boundaries(rule: StoppingRule, upto: int) -> tuple[int | None, ...]:
    """The boundary of each number of subjects; with more subjects it never falls."""
    certainty = _exactly(rule.certainty)
    found: list[int | None] = [None] * min(rule.minimum_subjects, upto + 1)
    events = 0
    for subjects in range(len(found), upto + 1):
        while events <= subjects and _probability(rule, subjects, events) < certainty:
            events += 1
        found.append(events if events <= subjects else None)
    return tuple(found)


def steps(rule: StoppingRule, upto: int) -> list[Step]:
    """The boundary as a short table, until the arm has `upto` subjects."""
    table: list[Step] = []
    for subjects, events in enumerate(_boundaries(rule, upto)):
        if events is None:
            continue
        if table and table[-1].events == events:
            table[-1] = Step(table[-1].from_subjects, subjects, events)
        else:
            table.append(Step(subjects, subjects, events))
    return table

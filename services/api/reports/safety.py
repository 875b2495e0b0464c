"""Adverse events by arm, of everyone who was randomized."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.api.adverse_events.rules import FATAL_GRADE
from services.api.protocol.schema import Protocol
from services.api.reports.agreement import estimate
from services.api.reports.arm_schemas import ArmEvents, EventRow, SafetyByArm
from services.api.reports.participants import Participant, analysis_set
from services.api.reports.schemas import Report
from services.api.statistics.proportions import miettinen_nurminen

FREQUENT = 0.05
"""Terms that this share of an arm had, or more, have a difference."""

METHODS = [
    "Difference of shares of subjects: Miettinen and Nurminen, Stat Med 1985, 4, 213.",
    "A subject counts once for each term, with the worst grade.",
]
NOTES = [
    "Every randomized subject in the arm they were allocated to, each person once.",
    "Events that began before the day of randomization are counted apart and belong to no arm.",
    f"Terms have a difference if at least {FREQUENT:.0%} of an arm had them. With so many"
    " comparisons some intervals leave out zero by chance alone: nothing is adjusted, and the"
    " trial is too small to find rare harms.",
    "The trial is open: events that a subject or investigator connects with the spray may be"
    " reported more readily in the arm that has it.",
    "Oral mucositis is the endpoint, and an adverse event only when it is serious.",
    "Subjects are counted over times of observation that may differ between arms.",
]


@dataclass(frozen=True, slots=True)
class Event:
    """One adverse event in its current version."""

    subject_id: UUID
    term: str
    grade: int
    onset_on: date
    serious: bool
    drug_related: bool
    radiotherapy_related: bool


def safety(
    head: Report, participants: Sequence[Participant], events: Sequence[Event], protocol: Protocol
) -> SafetyByArm:
    """The report."""
    arms = {
        arm.code: {one.id for one in analysis_set(participants) if one.arm == arm.code}
        for arm in protocol.arms
    }
    began = {one.id: one.randomized_on for one in analysis_set(participants)}
    own = [one for one in events if one.subject_id in began]
    since = [one for one in own if one.onset_on >= (began[one.subject_id] or one.onset_on)]
    groups = {
        "Any": since,
        "Serious": [one for one in since if one.serious],
        "Related to the study drug": [one for one in since if one.drug_related],
        "Serious and related to the study drug": [
            one for one in since if one.serious and one.drug_related
        ],
        "Related to radiotherapy": [one for one in since if one.radiotherapy_related],
        "Fatal": [one for one in since if one.grade == FATAL_GRADE],
    }
    rows = [
        _row(term, [one for one in since if one.term == term], arms, always=False)
        for term in sorted({one.term for one in since})
    ]
    return SafetyByArm(
        **dict(head),
        arms={arm.code: arm.label for arm in protocol.arms},
        subjects={arm: len(subjects) for arm, subjects in arms.items()},
        before_randomization=len(own) - len(since),
        groups=[_row(kind, each, arms, always=True) for kind, each in groups.items()],
        terms=sorted(rows, key=lambda row: (-sum(arm.subjects for arm in row.arms), row.kind)),
    )


def _row(
    kind: str, events: Sequence[Event], arms: Mapping[str, Collection[UUID]], *, always: bool
) -> EventRow:
    told = [_of_arm(arm, subjects, events) for arm, subjects in arms.items()]
    first, second = (len(subjects) for subjects in list(arms.values())[:2])
    difference = None
    if always or any((arm.share or 0) >= FREQUENT for arm in told):
        difference = miettinen_nurminen(told[0].subjects, first, told[1].subjects, second)
    return EventRow(kind=kind, arms=told, difference=estimate(difference))


def _of_arm(arm: str, subjects: Collection[UUID], events: Sequence[Event]) -> ArmEvents:
    own = [one for one in events if one.subject_id in subjects]
    worst: dict[UUID, int] = {}
    for one in own:
        worst[one.subject_id] = max(one.grade, worst.get(one.subject_id, 0))
    counts = Counter(worst.values())
    return ArmEvents(
        arm=arm,
        subjects=len(worst),
        share=len(worst) / len(subjects) if subjects else None,
        events=len(own),
        worst=[counts[grade] for grade in range(1, FATAL_GRADE + 1)],
    )

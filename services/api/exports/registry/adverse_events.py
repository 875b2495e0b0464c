"""Adverse events: deaths, serious events, and others that are frequent enough."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from services.api.exports.registry.people import Happened, Person, analysed
from services.api.exports.registry.tables import Group, by_arm
from services.api.protocol.schema import Json, Protocol
from services.api.reports.safety import FREQUENT

ORGAN_SYSTEMS: Mapping[str, str] = MappingProxyType(
    {"General disorders and administration site conditions": "General disorders"}
)
"""Where the registry names a class otherwise than CTCAE."""


def adverse_events(everybody: Sequence[Person], protocol: Protocol) -> Json:
    """The module; a subject counts once for each term, and every case as one event."""
    groups = by_arm("EG", analysed(everybody), protocol)
    serious, others = _kinds(groups, serious=True), _frequent(groups)
    until = protocol.adverse_events.collected_until_days_after_rt_end
    instead = ", ".join(protocol.adverse_events.graded_instead)
    return {
        "frequencyThreshold": f"{FREQUENT * 100:g}",
        "timeFrame": f"From randomization until {until} days after radiotherapy; what was reported"
        " of later days counts too.",
        "description": "Everybody who was randomized, in the arm they were allocated to, each"
        " person once. An event that changes its grade stays one event, serious if it ever was."
        " Deaths are those of any cause. What is graded for the outcomes is an adverse"
        f" event only when it is serious: {instead}.",
        "eventGroups": [_event_group(group, others) for group in groups],
        "seriousEvents": [_event(one, groups) for one in serious],
        "otherEvents": [_event(one, groups) for one in others],
    }


def _kinds(groups: Sequence[Group], *, serious: bool) -> list[Happened]:
    """Each term that anybody had, by organ system and name."""
    found = {
        event
        for group in groups
        for one in group.people
        for event in one.events
        if event.serious is serious
    }
    return sorted(found, key=lambda one: (one.organ_system, one.term, one.vocabulary))


def _frequent(groups: Sequence[Group]) -> list[Happened]:
    """The terms that more than the threshold of some group had, of events that are not serious."""
    return [
        kind
        for kind in _kinds(groups, serious=False)
        if any(_affected(group, [kind]) > FREQUENT * len(group.people) for group in groups)
    ]


def _event_group(group: Group, others: Collection[Happened]) -> Json:
    serious = {event for one in group.people for event in one.events if event.serious}
    at_risk = len(group.people)
    return group.told() | {
        "deathsNumAffected": sum(one.died for one in group.people),
        "deathsNumAtRisk": at_risk,
        "seriousNumAffected": _affected(group, serious),
        "seriousNumAtRisk": at_risk,
        "otherNumAffected": _affected(group, others),
        "otherNumAtRisk": at_risk,
    }


def _affected(group: Group, kinds: Collection[Happened]) -> int:
    """How many subjects of the group had one of these."""
    wanted = set(kinds)
    return sum(any(event in wanted for event in one.events) for one in group.people)


def _event(kind: Happened, groups: Sequence[Group]) -> Json:
    return {
        "term": kind.term,
        "organSystem": ORGAN_SYSTEMS.get(kind.organ_system, kind.organ_system),
        "sourceVocabulary": kind.vocabulary,
        "stats": [
            {
                "groupId": group.id,
                "numEvents": sum(one.events.count(kind) for one in group.people),
                "numAffected": _affected(group, [kind]),
                "numAtRisk": len(group.people),
            }
            for group in groups
        ],
    }

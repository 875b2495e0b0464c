"""The parts of which the registry's result tables are made: groups, denominators, cells.

Every number is text there. Source: ClinicalTrials.gov, API v2, study data structure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.api.exports.registry.people import Person
from services.api.protocol.schema import Arm, Json, Protocol

PARTICIPANTS = "Participants"


@dataclass(frozen=True, slots=True)
class Group:
    """A column of a table, and the subjects that it counts."""

    id: str
    title: str
    description: str
    people: Sequence[Person]

    def told(self) -> Json:
        """The group as a table lists it."""
        return {"id": self.id, "title": self.title, "description": self.description}


def by_arm(prefix: str, people: Sequence[Person], protocol: Protocol) -> list[Group]:
    """A group for each arm, of those who were allocated to it; `FG000` and so on."""
    return [
        _group(prefix, number, arm, [one for one in people if one.participant.arm == arm.code])
        for number, arm in enumerate(protocol.arms)
    ]


def with_total(groups: Sequence[Group]) -> list[Group]:
    """The groups, and all of them together."""
    everybody = [one for group in groups for one in group.people]
    own_id = f"{groups[0].id[:2]}{len(groups):03}"
    return [*groups, Group(own_id, "Total", "Total of all reporting groups", everybody)]


def denominators(counts: Mapping[str, int]) -> list[Json]:
    """Out of how many each group's figures are, by the group's id."""
    return [
        {
            "units": PARTICIPANTS,
            "counts": [{"groupId": group, "value": str(count)} for group, count in counts.items()],
        }
    ]


def cells(values: Mapping[str, int]) -> list[Json]:
    """One number of each group."""
    return [{"groupId": group, "value": str(value)} for group, value in values.items()]


def number(value: float) -> str:
    """A computed value: four figures are more than any of the trial's is precise to."""
    return f"{value:.4g}"


def _group(prefix: str, index: int, arm: Arm, people: Sequence[Person]) -> Group:
    return Group(f"{prefix}{index:03}", arm.label, arm.description, people)

"""Adverse events: subjects and events, out of how many."""

from services.api.exports.registry.adverse_events import adverse_events
from tests.exports.registry.persons import (
    FATIGUE,
    NAUSEA,
    PROTOCOL,
    SERIOUS_NAUSEA,
    person,
)
from tests.make import Json

PEOPLE = [
    person(1, events=(NAUSEA, NAUSEA, SERIOUS_NAUSEA)),
    person(2, events=(NAUSEA,), status="died"),
    *(person(10 + n) for n in range(18)),
    person(50, "control", events=(FATIGUE,)),
    *(person(60 + n, "control") for n in range(19)),
    person(99, "control", retained=False, events=(SERIOUS_NAUSEA,)),
]


def stats(event: Json) -> list[tuple[int, int, int]]:
    """Events, subjects and out of how many, group by group."""
    return [(one["numEvents"], one["numAffected"], one["numAtRisk"]) for one in event["stats"]]


def test_a_subject_counts_once_and_every_event_counts() -> None:
    told = adverse_events(PEOPLE, PROTOCOL)
    assert [(one["term"], stats(one)) for one in told["seriousEvents"]] == [
        ("Nausea", [(1, 1, 20), (0, 0, 20)])
    ]
    assert [(one["term"], stats(one)) for one in told["otherEvents"]] == [
        ("Nausea", [(3, 2, 20), (0, 0, 20)])
    ]


def test_only_terms_above_the_threshold_of_some_group_are_told_as_others() -> None:
    told = adverse_events(PEOPLE, PROTOCOL)
    assert told["frequencyThreshold"] == "5"
    # One of 20 is 5 %, which is not above it.
    assert "Fatigue" not in {one["term"] for one in told["otherEvents"]}
    one_more = [*PEOPLE[:-1], person(98, "control", events=(FATIGUE,))]
    others = {one["term"]: one for one in adverse_events(one_more, PROTOCOL)["otherEvents"]}
    assert stats(others["Fatigue"]) == [(0, 0, 20), (2, 2, 21)]
    assert others["Fatigue"]["organSystem"] == "General disorders"


def test_a_group_tells_its_deaths_and_how_many_had_what_is_listed() -> None:
    experimental, control = adverse_events(PEOPLE, PROTOCOL)["eventGroups"]
    assert (experimental["deathsNumAffected"], experimental["deathsNumAtRisk"]) == (1, 20)
    assert (experimental["seriousNumAffected"], experimental["otherNumAffected"]) == (1, 2)
    assert (control["seriousNumAffected"], control["otherNumAffected"]) == (0, 0)
    assert control["otherNumAtRisk"] == 20


def test_without_anybody_there_is_nothing_to_list() -> None:
    told = adverse_events([], PROTOCOL)
    assert (told["seriousEvents"], told["otherEvents"]) == ([], [])

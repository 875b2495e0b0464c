"""The resources of the trial in which everything has happened."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping

import pytest

from services.api.exports.extract import Extract, Options
from services.api.exports.fhir import writing
from services.api.exports.fhir.elements import Names
from tests.make import Json


class Exported:
    """What an export holds, by type of resource and id."""

    def __init__(self, resources: list[Json]) -> None:
        self.all = resources
        self._by_type: dict[str, dict[str, Json]] = defaultdict(dict)
        for one in resources:
            own = self._by_type[one["resourceType"]]
            assert one["id"] not in own
            own[one["id"]] = one

    def of(self, kind: str) -> Mapping[str, Json]:
        """The resources of a type by their ids."""
        return self._by_type[kind]

    def one(self, kind: str, resource_id: object) -> Json:
        """One resource."""
        return self._by_type[kind][str(resource_id)]

    def assessed(self, assessment: str) -> list[Json]:
        """The observations of a kind."""
        return [
            one for one in self.of("Observation").values() if own_code(one["code"]) == assessment
        ]


def own_code(concept: Json) -> str:
    """The trial's own code among a concept's codes."""
    return own_codes(concept)[0]


def own_codes(concept: Json) -> list[str]:
    """The trial's own codes among a concept's codes."""
    return [str(one["code"]) for one in concept["coding"] if ".invalid/" in one["system"]]


def components(observation: Json) -> dict[str, object]:
    """The values of an observation's components by their own codes."""
    found: dict[str, object] = {}
    for one in observation["component"]:
        name = next(key for key in one if key.startswith("value"))
        value = one[name]
        found[own_code(one["code"])] = own_code(value) if "coding" in value_of(value) else value
    return found


def value_of(value: object) -> dict[str, object]:
    """The value's members, if it has any."""
    return value if isinstance(value, dict) else {}


def walked(value: object) -> Iterator[Json]:
    """Every object inside a value."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from walked(part)
    elif isinstance(value, list):
        for part in value:
            yield from walked(part)


@pytest.fixture
def exported(extract: Extract) -> Exported:
    """Every resource, read from the lines as a receiver reads them."""
    lines = b"".join(writing.ndjson(extract, Options())).decode().splitlines()
    return Exported([json.loads(line) for line in lines])


@pytest.fixture
def names(extract: Extract) -> Names:
    """What the trial calls its own."""
    return Names(extract.protocol.study.nct_id)

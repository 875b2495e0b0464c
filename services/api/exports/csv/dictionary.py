"""What the columns of the CSV export mean, and the values they may have; as files of their own."""

from collections.abc import Iterator, Mapping

from services.api.exports.csv.files import FILES
from services.api.language.catalogue import enumerations
from services.api.language.tags import Language
from services.api.protocol.schema import Protocol

DICTIONARY, CODELISTS = "dictionary", "codelists"

HEADING = ["file", "column", "type", "unit", "label", "codelist", "source", "lines"]


def dictionary() -> Iterator[list[str]]:
    """A line for each column of each file."""
    yield HEADING
    for file in FILES:
        for one in file.columns:
            yield [
                file.name,
                one.name,
                one.kind.value,
                one.unit or "",
                one.label,
                one.codes or "",
                one.source,
                file.meaning,
            ]


def used() -> tuple[str, ...]:
    """The codelists that columns name, in their order."""
    return tuple(sorted({one.codes for file in FILES for one in file.columns if one.codes}))


def of_protocol(protocol: Protocol) -> Mapping[str, Mapping[str, str]]:
    """The codelists that a trial has of its own, with the words of its document."""
    return {
        "Arm": {one.code: one.label for one in protocol.arms},
        "Clock": {one.id: one.label for one in protocol.adverse_events.clocks},
        "Criterion": {one.id: one.text for one in protocol.eligibility.criteria},
        "Fact": {one.id: one.question for one in protocol.eligibility.facts},
        "Site": {one.code: one.name for one in protocol.sites},
        "Visit": {one.code: one.label for one in protocol.visits.schedule},
    }


def codelists(protocol: Protocol) -> Iterator[list[str]]:
    """A line for each value of each codelist; `{n}` in a visit's code counts from 1."""
    yield ["codelist", "value", "label", "meaning"]
    own, shared = of_protocol(protocol), enumerations(Language.ENGLISH)
    for name in used():
        if name in own:
            for value, label in own[name].items():
                yield [name, value, label, ""]
        else:
            for value, told in shared[name].items():
                yield [name, value, told.label, told.meaning]

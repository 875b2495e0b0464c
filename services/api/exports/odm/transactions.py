"""From versions to transactions: what a version says first, and what each one after it changes."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from services.api.exports.csv.column import Line
from services.api.exports.extract import Extract, SubjectRecord
from services.api.exports.odm.groups import Group
from services.api.exports.odm.items import told
from services.api.exports.odm.versions import Made, Place

Values = Mapping[str, str | None]


class Transaction(NamedTuple):
    """One change of an item group: `Insert`, `Update` or `Remove`.

    `values` are the items that it sets, by their names; None says that an item
    has no value any more.
    """

    place: Place
    key: str | None
    kind: str
    made: Made
    values: Values
    signature: Any | None


def transactions(group: Group, extract: Extract, record: SubjectRecord) -> Iterator[Transaction]:
    """Everything that happened to a subject's groups of a kind, each in the order of time."""
    before: dict[tuple[Place, str | None], dict[str | None, Values]] = {}
    for place, key, made, rows, signature in group.versions(extract, record):
        now: dict[str | None, Values] = {
            part: {
                item.name: told(item.column.kind, item.column.read(Line(extract, record, row)))
                for item in group.items
            }
            for part, row in rows
        }
        past = before.get((place, key), {})
        for part, values in now.items():
            kind, changed = _change(past.get(part), values)
            if kind == "Insert" or changed or not group.part_of_record:
                yield Transaction(place, part or key, kind, made, changed, signature)
        for part in sorted(part or "" for part in past.keys() - now.keys()):
            yield Transaction(place, part or key, "Remove", made, {}, None)
        before[place, key] = now


def _change(past: Values | None, now: Values) -> tuple[str, Values]:
    if past is None:
        return "Insert", {name: value for name, value in now.items() if value is not None}
    return "Update", {name: value for name, value in now.items() if past[name] != value}

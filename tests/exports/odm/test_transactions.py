"""What one version after another becomes: only what changed, and what is no more."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from services.api.exports.csv.column import Column, Kind
from services.api.exports.extract import Extract, SubjectRecord
from services.api.exports.odm.groups import Group
from services.api.exports.odm.items import Item
from services.api.exports.odm.transactions import transactions
from services.api.exports.odm.versions import Made, Place, Version

PLACE = Place("BL")
MADE = Made(None, "NN", datetime(2026, 4, 9, tzinfo=UTC), None, "thing/1")
Rows = Mapping[str | None, Mapping[str, object]]


def item(name: str) -> Item:
    return Item(Column(name, Kind.INTEGER, name, name, lambda line: line.row.get(name)), None)


def told(
    extract: Extract, *versions: Rows, part: bool = False
) -> list[tuple[str | None, str, Any]]:
    def history(_: Extract, __: SubjectRecord) -> Iterator[Version]:
        for rows in versions:
            yield Version(PLACE, "1", MADE, list(rows.items()))

    group = Group("things", "things", "", (item("a"), item("b")), (), history, part_of_record=part)
    record = next(iter(extract.subjects([])))
    return [(one.key, one.kind, dict(one.values)) for one in transactions(group, extract, record)]


@pytest.mark.parametrize("part", [False, True], ids=["record", "part"])
def test_a_correction_tells_what_it_changed(extract: Extract, part: bool) -> None:
    found = told(extract, {None: {"a": 1}}, {None: {"a": 1, "b": 2}}, {None: {"b": 2}}, part=part)
    assert found == [
        ("1", "Insert", {"a": "1"}),
        ("1", "Update", {"b": "2"}),
        ("1", "Update", {"a": None}),
    ]


def test_a_version_that_changes_no_item_is_still_told_of_its_record_once(
    extract: Extract,
) -> None:
    same: Rows = {None: {"a": 1}}
    assert told(extract, same, same)[1:] == [("1", "Update", {})]
    assert told(extract, same, same, part=True)[1:] == []


def test_what_a_later_version_lacks_is_removed(extract: Extract) -> None:
    found = told(extract, {"x": {"a": 1}, "y": {"a": 2}}, {"y": {"a": 3}}, part=True)
    assert found == [
        ("x", "Insert", {"a": "1"}),
        ("y", "Insert", {"a": "2"}),
        ("y", "Update", {"a": "3"}),
        ("x", "Remove", {}),
    ]

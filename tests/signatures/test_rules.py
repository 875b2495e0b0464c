"""What a signature covers: everything of one version of one record, and nothing else."""

from datetime import UTC, date, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.api.adverse_events.models import AdverseEvent
from services.api.gradings.models import Grading
from services.api.signatures.models import Signable
from services.api.signatures.rules import SignatureMeaning, canonical, content_hash, sha256_of

ID = UUID("019c8a55-1b77-7e0a-8c54-7a3f9b2d6e18")
AT = datetime(2026, 4, 7, 2, 30, tzinfo=UTC)

TEXT = st.text(max_size=20)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    str | None: st.none() | TEXT,
    list[str]: st.lists(TEXT, max_size=3),
    int: st.integers(-9, 99),
    int | None: st.none() | st.integers(-9, 99),
    bool: st.booleans(),
    bool | None: st.none() | st.booleans(),
    UUID: st.uuids(),
    UUID | None: st.none() | st.uuids(),
    date: st.dates(),
    date | None: st.none() | st.dates(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    datetime | None: st.none() | st.datetimes(timezones=st.just(UTC)),
}
"""What a field of each type may hold."""

FIELDS: dict[type[Signable], dict[str, st.SearchStrategy[Any]]] = {
    table: {name: VALUES[field.annotation] for name, field in table.model_fields.items()}
    for table in (Grading, AdverseEvent)
}
VERSIONS = {table: st.fixed_dictionaries(fields) for table, fields in FIELDS.items()}


@pytest.mark.parametrize(
    ("table", "field"), [(table, field) for table, fields in FIELDS.items() for field in fields]
)
@settings(max_examples=10)
@given(data=st.data())
def test_any_change_of_any_field_changes_the_hash(
    table: type[Signable], field: str, data: Any
) -> None:
    content, value = data.draw(VERSIONS[table]), data.draw(FIELDS[table][field])
    assume(value != content[field])
    signed = table(**content).content_hash
    assert table(**{**content, field: value}).content_hash != signed
    assert table(**content).content_hash == signed


def test_an_event_cannot_pass_for_a_grading() -> None:
    content = {"id": ID, "version": 1}
    assert content_hash("grading", content) != content_hash("adverse_event", content)


def test_a_column_added_later_changes_no_hash_of_before() -> None:
    content = {"id": ID, "grade": 2}
    assert content_hash("grading", {**content, "colour": None}) == content_hash("grading", content)
    assert content_hash("grading", {**content, "colour": ""}) != content_hash("grading", content)


def test_the_hash_is_sha_256_of_canonical_json_so_that_anyone_can_compute_it() -> None:
    content = {"version": 2, "id": ID, "assessed_at": AT, "assessed_on": AT.date(), "reason": "é"}
    text = (
        '{"content":{"assessed_at":"2026-04-07T02:30:00Z","assessed_on":"2026-04-07",'
        '"id":"019c8a55-1b77-7e0a-8c54-7a3f9b2d6e18","reason":"\\u00e9","version":2},'
        '"record":"grading"}'
    )
    assert content_hash("grading", content) == sha256(text.encode()).hexdigest()


def test_the_same_value_written_otherwise_has_the_same_hash() -> None:
    in_nanning = AT.astimezone(timezone(timedelta(hours=8)))
    given = {"a": 4, "b": [1.0, {"c": 2}], "at": AT}
    again = {"at": in_nanning, "b": [1, {"c": 2.0}], "a": 4.0}
    assert sha256_of(given) == sha256_of(again)


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), (4, "4"), (4.5, 4), ([1, 2], [2, 1]), ({}, []), (None, "null")]
)
def test_different_values_stay_different(one: object, other: object) -> None:
    assert sha256_of({"value": one}) != sha256_of({"value": other})


def test_what_has_no_place_in_json_is_refused() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON"):
            sha256_of({"value": value})
    with pytest.raises(TypeError):
        sha256_of({"value": canonical(object())})


def test_the_meanings_are_these() -> None:
    assert [meaning.value for meaning in SignatureMeaning] == [
        "I confirm eligibility",
        "I confirm ineligibility",
        "I confirm the grading",
        "I have reviewed the adverse event",
    ]

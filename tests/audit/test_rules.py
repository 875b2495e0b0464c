"""The hash of an event: no two different events have the same bytes."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from services.api.audit.rules import BEGINNING, FIELDS, event_hash

Fields = st.lists(st.none() | st.text(), min_size=1, max_size=5)


def test_the_bytes_are_those_that_the_documentation_tells() -> None:
    written = bytes(32) + b"\x01\x00\x00\x00\x02\xc3\xa9" + b"\x00" + b"\x01\x00\x00\x00\x00"
    assert event_hash(BEGINNING, ["é", None, ""]) == sha256(written).digest()


@given(Fields, Fields)
def test_different_fields_have_different_hashes(
    one: list[str | None], two: list[str | None]
) -> None:
    same = event_hash(BEGINNING, one) == event_hash(BEGINNING, two)
    assert same == (one == two)


@given(Fields)
def test_the_hash_before_counts(fields: list[str | None]) -> None:
    assert event_hash(BEGINNING, fields) != event_hash(bytes([1] * 32), fields)


def test_a_text_cannot_run_into_the_next() -> None:
    assert event_hash(BEGINNING, ["ab", "c"]) != event_hash(BEGINNING, ["a", "bc"])
    assert len(set(FIELDS)) == len(FIELDS)

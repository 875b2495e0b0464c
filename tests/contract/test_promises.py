"""A newer schema keeps what the older one promised exactly where no value tells the two apart."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.api.contract.promises import Fault, Promises, Way
from services.api.core.openapi import GROWS

Json = dict[str, Any]

TEXT = {"type": "string"}
DIETS = {"type": "string", "enum": ["solid", "soft"]}
NAMED: Json = {
    "Diet": DIETS,
    "SameDiet": DIETS,
    "Kind": {"type": "string", "enum": ["a"], "description": f"What it is.\n\n{GROWS}"},
    "MoreKinds": {"type": "string", "enum": ["a", "b"]},
    "Tree": {"type": "object", "properties": {"inner": {"$ref": "#/components/schemas/Tree"}}},
    "Bush": {
        "type": "object",
        "properties": {"inner": {"$ref": "#/components/schemas/Bush"}, "size": TEXT},
    },
}


def named(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def holding(required: bool = False, **members: Json) -> Json:
    """An object with these members."""
    return {
        "type": "object",
        "properties": members,
        "required": sorted(members) if required else [],
        "additionalProperties": False,
    }


def broken(way: Way, old: Json, new: Json) -> list[Fault]:
    return list(Promises(NAMED, NAMED, way).broken(old, new))


ASKS_MORE: dict[str, tuple[Json, Json]] = {
    "another type": (TEXT, {"type": "integer"}),
    "whole numbers only": ({"type": "number"}, {"type": "integer"}),
    "fewer values": (DIETS, {"type": "string", "enum": ["solid"]}),
    "only some values": (TEXT, DIETS),
    "one value": (DIETS, {"type": "string", "const": "soft"}),
    "higher least": ({"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 1}),
    "a least": ({"type": "integer"}, {"type": "integer", "minimum": 0}),
    "lower most": ({"type": "integer", "maximum": 10}, {"type": "integer", "maximum": 4}),
    "excluded end": (
        {"type": "number", "minimum": 0},
        {"type": "number", "minimum": 0, "exclusiveMinimum": 0},
    ),
    "longer": ({"type": "string", "minLength": 1}, {"type": "string", "minLength": 3}),
    "shorter": ({"type": "string", "maxLength": 500}, {"type": "string", "maxLength": 200}),
    "a pattern": (TEXT, {"type": "string", "pattern": "^N"}),
    "another pattern": ({"type": "string", "pattern": "^N"}, {"type": "string", "pattern": "^L"}),
    "a format": (TEXT, {"type": "string", "format": "date"}),
    "fewer items": ({"type": "array"}, {"type": "array", "maxItems": 3}),
    "each once": ({"type": "array"}, {"type": "array", "uniqueItems": True}),
    "items": (
        {"type": "array", "items": {"type": ["string", "null"]}},
        {"type": "array", "items": TEXT},
    ),
    "any items": ({"type": "array"}, {"type": "array", "items": TEXT}),
    "no null": ({"type": ["string", "null"]}, TEXT),
    "no null where named": ({"anyOf": [named("Diet"), {"type": "null"}]}, named("Diet")),
    "one choice less": ({"anyOf": [TEXT, {"type": "integer"}]}, TEXT),
    "a member needed": (holding(a=TEXT), holding(required=True, a=TEXT)),
    "a member inside": (holding(a=holding(b=TEXT)), holding(a=holding(b=DIETS))),
    "values of a map": (
        {"type": "object", "additionalProperties": TEXT},
        {"type": "object", "additionalProperties": DIETS},
    ),
    "a name of the map": (
        {"type": "object", "additionalProperties": TEXT},
        {"type": "object", "additionalProperties": TEXT, "properties": {"a": DIETS}},
    ),
    "what nobody weighed": (TEXT, {"type": "string", "contentEncoding": "base64"}),
    "another schema": (named("MoreKinds"), named("Diet")),
}
"""Pairs of which the second allows less."""


@pytest.mark.parametrize("what", ASKS_MORE)
def test_less_is_a_break_for_who_sends_and_none_for_who_reads(what: str) -> None:
    wide, narrow = ASKS_MORE[what]
    assert broken(Way.SENT, wide, narrow)
    assert broken(Way.READ, narrow, wide)
    either = {"another type", "what nobody weighed", "another pattern", "another schema"}
    missed = {"fewer values", "one value"}
    if what not in either | {"a name of the map"}:
        assert not broken(Way.SENT, narrow, wide)
    if what not in either | missed:
        assert not broken(Way.READ, wide, narrow)


@pytest.mark.parametrize("way", Way)
def test_what_has_a_name_is_missed(way: Way) -> None:
    assert broken(way, holding(a=TEXT, b=TEXT), holding(a=TEXT)) == [Fault("/b", "is gone")]


def test_a_reader_misses_a_value_and_a_sender_does_not() -> None:
    fewer = {"type": "string", "enum": ["solid"]}
    assert broken(Way.READ, DIETS, fewer) == [Fault("", "is never `soft` any more")]
    assert broken(Way.SENT, fewer, DIETS) == []


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TEXT, {**TEXT, "description": "More.", "examples": ["a"], "title": "Text"}),
        (holding(a=TEXT), {**holding(a=TEXT), "description": "More."}),
        (named("Diet"), {**named("Diet"), "description": "What is eaten."}),
        (named("Diet"), named("SameDiet")),
        (DIETS, named("Diet")),
        ({"type": ["string", "null"]}, {"anyOf": [{"type": "null"}, TEXT]}),
        (DIETS, {"type": "string", "enum": ["soft", "solid"]}),
        ({"type": "string", "const": "a"}, {"type": "string", "enum": ["a"]}),
        (named("Tree"), named("Tree")),
    ],
)
def test_words_order_and_ways_of_writing_break_nothing(way: Way, old: Json, new: Json) -> None:
    assert broken(way, old, new) == []
    assert broken(way, new, old) == []


def test_an_answer_may_gain_members_and_a_request_members_that_may_be_left_out() -> None:
    assert broken(Way.READ, holding(a=TEXT), holding(required=True, a=TEXT, b=TEXT)) == []
    assert broken(Way.SENT, holding(a=TEXT), holding(a=TEXT, b=TEXT)) == []
    needed = holding(required=True, b=TEXT)
    assert broken(Way.SENT, holding(), needed) == [Fault("/b", "must now be sent")]


def test_a_closed_enumeration_is_not_opened_first_to_grow_later() -> None:
    closed: Json = {"type": "string", "enum": ["a"], "description": "What it is."}
    assert broken(Way.READ, closed, NAMED["Kind"])
    assert not broken(Way.READ, NAMED["Kind"], closed)
    assert not broken(Way.SENT, closed, NAMED["Kind"])


def test_an_enumeration_that_may_grow_grows() -> None:
    assert broken(Way.READ, named("Kind"), named("MoreKinds")) == []
    assert broken(Way.READ, named("MoreKinds"), named("Kind")) == [
        Fault("", "is never `b` any more"),
        Fault("", "is closed no longer: it may grow"),
    ]


def test_another_default_changes_what_is_meant_by_nothing() -> None:
    old, new = ({"type": "integer", "default": number} for number in (50, 20))
    assert broken(Way.SENT, old, new) == [Fault("", "left out, it no longer means `50`")]
    assert broken(Way.SENT, old, {"type": "integer"})
    assert broken(Way.READ, old, new) == []
    assert broken(Way.SENT, {"type": "integer"}, new) == []


def test_schemas_inside_themselves_are_compared_to_their_end() -> None:
    assert broken(Way.READ, named("Tree"), named("Bush")) == []
    for way in Way:
        assert broken(way, named("Bush"), named("Tree")) == [Fault("/size", "is gone")]


# --- of any schema ------------------------------------------------------------------------

LIMIT = st.integers(0, 3)


def some(**choices: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """An object of which any member may be missing."""
    return st.fixed_dictionaries({}, optional=choices)


def typed(kind: str, **choices: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return some(**choices).map(lambda rest: {"type": kind, **rest})


LETTERS = st.sampled_from("abc")
SIMPLE = st.one_of(
    st.just({}),
    typed("integer", minimum=LIMIT, maximum=LIMIT, exclusiveMinimum=LIMIT),
    typed("number", minimum=LIMIT, exclusiveMaximum=LIMIT, multipleOf=st.integers(1, 2)),
    typed("string", minLength=LIMIT, maxLength=LIMIT, pattern=st.sampled_from(["^a", "b$"])),
    typed("string", enum=st.lists(LETTERS, min_size=1, unique=True)),
    typed("boolean", const=st.booleans()),
)


def composed(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.one_of(
        typed("array", items=inner, minItems=LIMIT, maxItems=LIMIT, uniqueItems=st.booleans()),
        typed(
            "object",
            properties=st.dictionaries(LETTERS, inner, max_size=2),
            required=st.lists(LETTERS, max_size=2, unique=True),
            additionalProperties=st.one_of(st.booleans(), inner),
        ),
        st.lists(inner, min_size=1, max_size=2).map(lambda kinds: {"anyOf": kinds}),
        inner.map(lambda kind: {"anyOf": [kind, {"type": "null"}]}),
    )


SCHEMAS = st.recursive(SIMPLE, composed, max_leaves=4)
PAIRS = st.one_of(
    st.tuples(SCHEMAS, SCHEMAS),
    st.builds(
        lambda old, other, left_out: (
            old,
            {key: part for key, part in {**old, **other}.items() if key not in left_out},
        ),
        SCHEMAS,
        SCHEMAS,
        st.sets(st.sampled_from(["minimum", "maxLength", "items", "required", "enum"])),
    ),
)
SCALARS: list[Any] = [None, True, False, 0, 1, 2, 3, 4, 0.5, 2.5, "", "a", "b", "c", "ab", "caaa"]
VALUES = [
    *SCALARS,
    *([], ["a"], [None], [1, 1], ["a", "b", 3], [{}], [["b"], ["b"], [0]], [{"a": 1}, "a"]),
    *({}, {"a": 1}, {"a": "b"}, {"b": None}, {"a": [], "b": True}, {"c": {}, "a": 3}),
    *({"a": {"b": "a"}}, {"a": {"a": 2, "c": "c"}, "b": 0}, {"a": 1, "b": 2, "c": 3}),
]


def allowed(schema: Json) -> list[Any]:
    """The values that a schema allows."""
    checks = Draft202012Validator(schema)
    return [value for value in VALUES if checks.is_valid(value)]


@settings(max_examples=150)
@given(PAIRS)
def test_what_was_sent_is_taken_where_no_break_is_found(pair: tuple[Json, Json]) -> None:
    old, new = pair
    if not broken(Way.SENT, old, new):
        checks = Draft202012Validator(new)
        assert [value for value in allowed(old) if not checks.is_valid(value)] == []


@settings(max_examples=150)
@given(PAIRS)
def test_what_is_read_was_promised_where_no_break_is_found(pair: tuple[Json, Json]) -> None:
    old, new = pair
    if not broken(Way.READ, old, new):
        checks = Draft202012Validator(_open(old))
        assert [value for value in allowed(new) if not checks.is_valid(value)] == []


@settings(max_examples=50)
@given(SCHEMAS, st.sampled_from(Way))
def test_a_schema_keeps_its_own_promises(schema: Json, way: Way) -> None:
    words = {**schema, "description": "The same, in other words."}
    assert broken(way, schema, words) == []


def _open(schema: Any) -> Any:
    """The schema as a reader has it, who passes over members that are not known."""
    if isinstance(schema, list):
        return [_open(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: True if key == "additionalProperties" and part is False else _open(part)
        for key, part in schema.items()
    }

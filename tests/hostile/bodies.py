"""Bad bodies made from a good one and its schema.

Each carries a value, where it can, that no answer may repeat.
"""

import json
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tests.hostile.operations import alternatives, resolved

Json = dict[str, Any]
Place = tuple[str, ...]

PLANT = "Vn4xPlantedx7Kq"
PLANTED_NUMBER = 918273645546372819
"""Within int8, so a number that a careless service could store or repeat."""

MARK = "@@here@@"


@dataclass(frozen=True)
class Bad:
    """A body to be refused, and how."""

    name: str
    content: bytes
    status: int = 422
    pointer: str | None = None


def bodies(good: Json, schema: Json, optional: frozenset[str] = frozenset()) -> Iterator[Bad]:
    """Every way in which the good body is made bad; null is no value for `optional` fields."""
    yield from _without_required(good, schema)
    yield from _with_unknown(good, schema)
    for place in places(good, schema):
        nothing = [None] if place[-1] in optional else []
        yield from _of_a_wrong_kind(good, schema, place, nothing)
        yield from _unstorable(good, place)
        yield from _twice(good, place)
    yield from _not_an_object()
    yield from _not_json(good)


# --- places --------------------------------------------------------------------------


def places(good: Json, schema: Json) -> Iterator[Place]:
    """The path to each field that the schema knows, in nested objects too."""
    for name, field in schema["properties"].items():
        yield (name,)
        inner = resolved(field)
        if "properties" in inner and isinstance(good.get(name), dict):
            yield from ((name, *rest) for rest in places(good[name], inner))


def schema_at(schema: Json, place: Place) -> Json:
    """The schema of the field at that place."""
    for name in place:
        schema = resolved(schema)["properties"][name]
    return schema


def with_value(good: Json, place: Place, value: object) -> Json:
    """A copy with another value at that place."""
    changed = deepcopy(good)
    inside = changed
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    return changed


def with_text(good: Json, place: Place, text: str) -> bytes:
    """The body's JSON with raw text in the place of a value."""
    return json.dumps(with_value(good, place, MARK)).replace(f'"{MARK}"', text).encode()


def _pointer(place: Place) -> str:
    return "".join(f"/{name}" for name in place)


# --- values that the schema forbids -----------------------------------------------------

ANYTHING: tuple[object, ...] = (
    None,
    True,
    PLANT,
    PLANT * 3000,
    "",
    "\u0661\u0662.\u0663",  # digits, but not ASCII ones
    PLANTED_NUMBER,
    -PLANTED_NUMBER,
    PLANTED_NUMBER * 10**30,
    0.918273645546372,
    [],
    [PLANT],
    [PLANT] * 300,
    {},
    {"unknown": PLANT},
)

BAD_DATES = (
    "0001-01-01",
    "1899-12-31",
    "2200-01-01",
    "9999-12-31",
    "2026-02-30",
    "2026-W15-2",
    "20260407",
    "2026-04-07T00:00:00",
    "1775527200",
    "0",
    PLANT,
)
BAD_MOMENTS = (
    "2026-04-07T02:30:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "1899-12-31T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-04-07T25:00:00Z",
    "2026-04-07T02:30:00+99:00",
    "2026-04-07",
    "1775527200",
    PLANT,
)
FORMATS = {"date": BAD_DATES, "date-time": BAD_MOMENTS}


def _of_a_wrong_kind(
    good: Json, schema: Json, place: Place, fine: Sequence[object]
) -> Iterator[Bad]:
    field = schema_at(schema, place)
    allowed = list(alternatives(field))
    values = [
        value
        for value in ANYTHING
        if value not in fine and not any(allows(one, value) for one in allowed)
    ]
    values += [value for one in allowed for value in FORMATS.get(one.get("format", ""), ())]
    for value in values:
        content = json.dumps(with_value(good, place, value)).encode()
        yield Bad(f"{_pointer(place)} = {value!r:.40}", content, pointer=_pointer(place))


def allows(schema: Json, value: object) -> bool:
    """Whether a schema without references or alternatives allows a JSON value."""
    if "enum" in schema:
        return value in schema["enum"]
    if "const" in schema:
        return bool(value == schema["const"])
    return _KINDS[schema["type"]](schema, value)


def _text(schema: Json, value: object) -> bool:
    return (
        isinstance(value, str)
        and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9)
        and re.search(_in_python(schema.get("pattern", "")), value) is not None
        and "format" not in schema  # bad dates are listed
    )


def _in_python(pattern: str) -> str:
    """A JSON Schema pattern, whose classes are ASCII (ECMA-262)."""
    return f"(?a:{pattern})"


def _number(schema: Json, value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and schema.get("minimum", value) <= value <= schema.get("maximum", value)
    )


def _integer(schema: Json, value: object) -> bool:
    return isinstance(value, int) and _number(schema, value)


def _array(schema: Json, value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= schema.get("maxItems", len(value))
        and all(any(allows(one, item) for one in alternatives(schema["items"])) for item in value)
    )


def _object(schema: Json, value: object) -> bool:
    return isinstance(value, dict) and set(schema.get("required", ())) <= value.keys()


_KINDS = {
    "string": _text,
    "number": _number,
    "integer": _integer,
    "boolean": lambda _, value: isinstance(value, bool),
    "null": lambda _, value: value is None,
    "array": _array,
    "object": _object,
}


# --- fields --------------------------------------------------------------------------


def _without_required(good: Json, schema: Json) -> Iterator[Bad]:
    for name in schema.get("required", ()):
        left = {key: value for key, value in good.items() if key != name}
        yield Bad(f"without {name}", json.dumps(left).encode(), pointer=f"/{name}")


def _with_unknown(good: Json, schema: Json) -> Iterator[Bad]:
    names = {"name", "id", "version_", "__proto__", "a/b~c", "\u202e", ""}
    for name in sorted(names - schema["properties"].keys()):
        yield Bad(f"unknown {name!r}", json.dumps({**good, name: PLANT}).encode())


def _twice(good: Json, place: Place) -> Iterator[Bad]:
    """A field given twice: with the same value, and with another."""
    if len(place) > 1 or place[0] not in good:
        return
    text = json.dumps(good)
    for value in (good[place[0]], PLANT):
        again = f'{{"{place[0]}": {json.dumps(value)}, {text[1:]}'
        yield Bad(f"{place[0]} twice", again.encode())


# --- what JSON can say and the database cannot store ----------------------------------------

RAW_VALUES = (
    "NaN",
    "-Infinity",
    "1e999",
    f'"{PLANT}\\u0000"',
    f'"\\ud800{PLANT}"',
    f'{{"{PLANT}\\udc00": 1}}',
    f'{{"{PLANT}": 1, "{PLANT}": 1}}',
    "[" * 40 + "]" * 40,
)


def _unstorable(good: Json, place: Place) -> Iterator[Bad]:
    for text in RAW_VALUES:
        yield Bad(f"{_pointer(place)} = {text:.40}", with_text(good, place, text))


def _not_an_object() -> Iterator[Bad]:
    for text in ("[]", "null", "true", "0", f'"{PLANT}"', f'["{PLANT}"]', "NaN", "[" * 100_000):
        yield Bad(f"top level {text:.20}", text.encode())
    yield Bad("nested deeply", ("[" * 100_000 + "]" * 100_000).encode())


def _not_json(good: Json) -> Iterator[Bad]:
    text = json.dumps(good)
    malformed = {
        "cut short": text[:-1],
        "with more behind": text + "{}",
        "trailing comma": text[:-1] + ",}",
        "single quotes": text.replace('"', "'"),
        "a comment": f"/* {PLANT} */ {text}",
        "bare word": PLANT,
        "a form": f"site={PLANT}",
        "byte order mark": "\ufeff" + text,
        "control character": text[:-1] + f', "{PLANT}\n": 1}}',
        "an integer of 5000 digits": text[:-1] + f', "x": {"9" * 5000}}}',
        "blank": "  \n",
        "empty": "",
    }
    for name, bad in malformed.items():
        yield Bad(name, bad.encode(), 400)
    for name, junk in {
        "a lone continuation byte": b"\x80",
        "an overlong NUL": b"\xc0\x80",
        "an encoded surrogate": b"\xed\xa0\x80",
        "beyond Unicode": b"\xf5\x80\x80\x80",
    }.items():
        yield Bad(name, text[:-1].encode() + b', "x": "' + junk + b'"}', 400)
    yield Bad("UTF-16", text.encode("utf-16"), 400)

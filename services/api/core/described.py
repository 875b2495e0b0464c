"""Schemas and parameters as a reader and a generated client want them.

The generator repeats each name as a title, writes «or null» as a choice of two
schemas, calls a null a default, and shows an answer's reader the defaults of the
code. Here the document says what is true on the wire, in the shortest form, and
each field has its meaning.
"""

from collections.abc import Collection, Iterator
from typing import Any

from services.api.core import fields

Json = dict[str, Any]

NULL = {"type": "null"}
_LIMITS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
_MOVED_UP = ("description", "examples")


def tidy(document: Json) -> None:
    """Rewrite the document's schemas and parameters in place."""
    schemas: Json = document["components"]["schemas"]
    asked = set(_reached(_asked(document), schemas))
    for name, schema in schemas.items():
        _tidy_schema(schema, fields.ASKED if name in asked else {})
        if name not in asked:
            _without_defaults(schema)
    for operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            _tidy_parameter(parameter)
        for content in _bodies(operation):
            _without_title(content.get("schema", {}))


def _operations(document: Json) -> Iterator[Json]:
    for path in document["paths"].values():
        yield from path.values()


def _bodies(operation: Json) -> Iterator[Json]:
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for answer in operation["responses"].values():
        yield from answer.get("content", {}).values()


def _asked(document: Json) -> Iterator[Json]:
    """What callers send."""
    for operation in _operations(document):
        yield from operation.get("parameters", ())
        yield operation.get("requestBody", {})


def _reached(from_: Iterator[Json], schemas: Json) -> Iterator[str]:
    """The names of all schemas that these parts refer to, and those refer to."""
    waiting = [name for part in from_ for name in _references(part)]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            yield name
            waiting.extend(_references(schemas[name]))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rpartition("/")[2]
        for part in node.values():
            yield from _references(part)
    elif isinstance(node, list):
        for part in node:
            yield from _references(part)


def _tidy_schema(schema: Json, meanings: dict[str, str] | Any) -> None:
    _without_title(schema)
    for name, field in schema.get("properties", {}).items():
        _tidy_field(field)
        if "description" not in field:
            meaning = meanings.get(name) or fields.EVERYWHERE.get(name)
            if meaning is not None:
                field["description"] = meaning


def _tidy_field(field: Json) -> None:
    _without_title(field)
    _write_whole_numbers(field)
    _say_null_shortly(field)
    if "default" in field and field["default"] is None:
        del field["default"]  # absent means absent, or that nothing changes
    for inner in (field.get("items"), field.get("additionalProperties")):
        if isinstance(inner, dict):
            _without_title(inner)


def _write_whole_numbers(field: Json) -> None:
    """Write a limit of 5.0 as 5."""
    for one in (field, *field.get("anyOf", ())):
        for limit in _LIMITS & one.keys():
            if isinstance(one[limit], float) and one[limit].is_integer():
                one[limit] = int(one[limit])


def _without_title(schema: Json) -> None:
    """A title that only repeats the name is no help, and names types in generated clients."""
    schema.pop("title", None)


def _say_null_shortly(field: Json) -> None:
    """Write «this type or null» as one schema with two types, where one type is all it has."""
    choices = field.get("anyOf", [])
    if len(choices) != 2 or NULL not in choices:
        return
    (given,) = (one for one in choices if one != NULL)
    for key in _MOVED_UP:
        if key in given and "$ref" not in given:
            field.setdefault(key, given.pop(key))
    if isinstance(given.get("type"), str) and "const" not in given and "enum" not in given:
        del field["anyOf"]
        described = {key: field.pop(key) for key in tuple(field)}
        field |= {**given, "type": [given["type"], "null"], **described}


def _without_defaults(schema: Json) -> None:
    """What the code puts into an answer's field is no promise to its reader."""
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


def _tidy_parameter(parameter: Json) -> None:
    """A parameter is left out or given, and never null; it is described beside its schema."""
    schema: Json = parameter["schema"]
    _without_title(schema)
    choices: Collection[Json] = schema.get("anyOf", ())
    given = [one for one in choices if one != NULL]
    if len(given) == 1:
        del schema["anyOf"]
        schema |= {**given[0], **schema}
    if schema.get("default", ...) is None:
        del schema["default"]
    described = schema.pop("description", None)
    if described is not None:
        parameter.setdefault("description", described)

"""Whether a schema keeps what an older one promised, for callers who send by it or read by it.

What callers send must be taken as before: a schema of requests may only allow
more. What they read must be what they were told to expect: a schema of answers
may only allow less. Both ask the same question, whether one schema covers
another, with the two in either order. A keyword that nobody weighed here counts
as broken when it changes at all.

Beyond covering, a caller who reads counts on what has a name: a member or a
value that disappears is missed. Members that are new are no break in an answer:
clients ignore what they do not know (docs/guides/versioning.md).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from services.api.core.openapi import GROWS

Json = dict[str, Any]


class Way(Enum):
    """In which direction values of a schema travel."""

    SENT = "sent by callers"
    READ = "read by callers"


@dataclass(frozen=True)
class Fault:
    """A promise that is not kept: where in the value, as a pointer, and how."""

    place: str
    what: str


@dataclass(frozen=True)
class _Choice:
    """One of the types that a value may have; with the name of its schema, where it has one."""

    schema: Json
    name: str | None


_ANNOTATIONS = frozenset(
    {
        "description",
        "title",
        "examples",
        "example",
        "default",
        "deprecated",
        "readOnly",
        "writeOnly",
    }
)
"""What changes no value; a default is looked at beside the member that it belongs to."""
_WEIGHED = frozenset({"type", "enum", "const", "format", "pattern", "uniqueItems", "items"})
_OF_OBJECTS = frozenset({"properties", "required", "additionalProperties"})
_LOWEST = ("minimum", "minLength", "minItems", "minProperties", "exclusiveMinimum")
_HIGHEST = ("maximum", "maxLength", "maxItems", "maxProperties", "exclusiveMaximum")
_KNOWN = _ANNOTATIONS | _WEIGHED | _OF_OBJECTS | {*_LOWEST, *_HIGHEST}
_NOTHING = object()


class Promises:
    """Compares schemas of two documents for callers of one way.

    Schemas of the same name are taken to be compared by themselves.
    """

    def __init__(self, old: Mapping[str, Json], new: Mapping[str, Json], way: Way) -> None:
        self._old, self._new, self._way = old, new, way
        self._under_way: list[tuple[str, str]] = []

    def broken(self, old: Json, new: Json, place: str = "") -> Iterator[Fault]:
        """What values of the newer schema do not keep of the older one."""
        if old == new:
            return
        before, after = list(_choices(old, self._old)), list(_choices(new, self._new))
        if self._sent and "default" in old and old["default"] != new.get("default"):
            yield Fault(place, f"left out, it no longer means {_shown(old['default'])}")
        wide, narrow = self._ordered(_nullable(before), _nullable(after))
        if narrow and not wide:
            yield Fault(place, "takes no null" if self._sent else "may now be null")
        before, after = _without_null(before), _without_null(after)
        if len(before) == len(after) == 1:
            yield from self._pair(before[0], after[0], place)
            return
        wide, narrow = self._ordered(before, after)
        for choice in narrow:
            if not any(self._covers(other, choice) for other in wide):
                said = "takes no" if self._sent else "may now be"
                yield Fault(place, f"{said} {choice.name or _typed(choice.schema)}")

    @property
    def _sent(self) -> bool:
        return self._way is Way.SENT

    def _ordered(self, old: Any, new: Any) -> tuple[Any, Any]:
        """What must cover, and what must be covered."""
        return (new, old) if self._sent else (old, new)

    def _covers(self, wide: _Choice, narrow: _Choice) -> bool:
        new, old = self._ordered(narrow, wide)
        return not list(self._pair(old, new, ""))

    def _pair(self, old: _Choice, new: _Choice, place: str) -> Iterator[Fault]:
        if old.name is not None and old.name == new.name:
            return
        names = (old.name or "", new.name or "")
        if names in self._under_way:
            return  # inside itself: what differs is found where it began
        wide, narrow = self._ordered(old.schema.get("type"), new.schema.get("type"))
        if wide not in {None, narrow} and (wide, narrow) != ("number", "integer"):
            yield Fault(place, f"was {_typed(old.schema)} and is {_typed(new.schema)}")
            return
        if all(names):
            self._under_way.append(names)
        yield from self._values(old.schema, new.schema, place)
        yield from self._limits(old.schema, new.schema, place)
        yield from self._items(old.schema, new.schema, place)
        yield from self._members(old.schema, new.schema, place)
        if all(names):
            self._under_way.remove(names)

    # --- single values ------------------------------------------------------------------

    def _values(self, old: Json, new: Json, place: str) -> Iterator[Fault]:
        yield from self._enumerated(old, new, place)
        for keyword in ("format", "pattern"):
            wide, narrow = self._ordered(old.get(keyword), new.get(keyword))
            if wide not in {None, narrow}:
                yield _changed(keyword, old, new, place)
        for keyword in sorted((old.keys() | new.keys()) - _KNOWN):
            if old.get(keyword) != new.get(keyword):
                yield _changed(keyword, old, new, place)

    def _enumerated(self, old: Json, new: Json, place: str) -> Iterator[Fault]:
        before, after = _enumeration(old), _enumeration(new)
        if self._sent:
            if after is not None and before is None:
                yield Fault(place, "takes only some values")
            for value in _left(before, after):
                yield Fault(place, f"takes no `{value}`")
            return
        for value in _left(before, after):
            yield Fault(place, f"is never `{value}` any more")
        if before is not None and GROWS not in old.get("description", ""):
            if GROWS in new.get("description", ""):
                yield Fault(place, "is closed no longer: it may grow")
            if after is None:
                yield Fault(place, "may now be any value")
            for value in _left(after, before):
                yield Fault(place, f"may now be `{value}`")

    def _limits(self, old: Json, new: Json, place: str) -> Iterator[Fault]:
        wide, narrow = self._ordered(old, new)
        for keyword in (*_LOWEST, *_HIGHEST):
            if keyword not in wide or _within(keyword, wide[keyword], narrow):
                continue
            yield _changed(keyword, old, new, place)
        if wide.get("uniqueItems") and not narrow.get("uniqueItems"):
            yield _changed("uniqueItems", old, new, place)

    def _items(self, old: Json, new: Json, place: str) -> Iterator[Fault]:
        wide, _ = self._ordered(old, new)
        if "items" in wide:
            yield from self.broken(old.get("items", {}), new.get("items", {}), f"{place}/*")

    # --- members of objects ---------------------------------------------------------------

    def _members(self, old: Json, new: Json, place: str) -> Iterator[Fault]:
        before, after = old.get("properties", {}), new.get("properties", {})
        gone = [name for name in before if name not in after]
        for name in gone:
            yield Fault(f"{place}/{name}", "is gone")
        for name in before:
            if name in after:
                yield from self.broken(before[name], after[name], f"{place}/{name}")
        wide, narrow = self._ordered(old, new)
        for name in sorted(set(wide.get("required", ())) - set(narrow.get("required", ()))):
            if name not in gone:
                said = "must now be sent" if self._sent else "may now be missing"
                yield Fault(f"{place}/{name}", said)
        yield from self._others(old, new, place)

    def _others(self, old: Json, new: Json, place: str) -> Iterator[Fault]:
        """Members of any name. A reader ignores those that they do not know, but in a map."""
        before, after = _further(old), _further(new)
        if before is None or not (self._sent or before):
            return  # none were sent, or none were promised
        if self._sent and after is None:
            yield Fault(place, "takes no further members")
        elif after is not None:
            yield from self.broken(before, after, f"{place}/*")
        known = old.get("properties", {})
        for name, schema in new.get("properties", {}).items():
            if name not in known:
                yield from self.broken(before, schema, f"{place}/{name}")


def _further(schema: Json) -> Json | None:
    """What members without a schema of their own may be; None where there are no others."""
    said = schema.get("additionalProperties", True)
    if isinstance(said, bool):
        return {} if said else None
    found: Json = said
    return found


def _choices(schema: Json, named: Mapping[str, Json], name: str | None = None) -> Iterator[_Choice]:
    """Every type that a value may have, with references followed.

    A choice or a reference with limits beside it stays whole: it is compared as it is written.
    """
    limits = schema.keys() - _ANNOTATIONS
    if limits == {"$ref"}:
        found = schema["$ref"].rpartition("/")[2]
        yield from _choices(named[found], named, found)
    elif limits in ({"anyOf"}, {"oneOf"}):
        for one in schema[limits.pop()]:
            yield from _choices(one, named)
    elif isinstance(schema.get("type"), list):
        for one in schema["type"]:
            yield from _choices({**schema, "type": one}, named)
    else:
        yield _Choice(schema, name)


def _nullable(choices: list[_Choice]) -> bool:
    """Whether one of them is null, or anything."""
    return any(
        choice.schema.get("type", "null") == "null" and _enumeration(choice.schema) is None
        for choice in choices
    )


def _without_null(choices: list[_Choice]) -> list[_Choice]:
    return [choice for choice in choices if choice.schema.get("type") != "null"]


def _typed(schema: Json) -> str:
    return str(schema.get("type", "anything"))


def _enumeration(schema: Json) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    found: list[Any] | None = schema.get("enum")
    return found


def _left(values: list[Any] | None, others: list[Any] | None) -> list[Any]:
    """The values that the others lack, where both are enumerations."""
    if values is None or others is None:
        return []
    return [value for value in values if value not in others]


def _within(keyword: str, limit: float, narrow: Json) -> bool:
    """Whether all that the narrower schema allows keeps the limit."""
    if keyword not in narrow:
        return keyword in {"minLength", "minItems", "minProperties"} and limit == 0
    return bool(narrow[keyword] >= limit if keyword in _LOWEST else narrow[keyword] <= limit)


def _changed(keyword: str, old: Json, new: Json, place: str) -> Fault:
    before, after = (_shown(one.get(keyword, _NOTHING)) for one in (old, new))
    return Fault(place, f"`{keyword}` was {before} and is {after}")


def _shown(value: Any) -> str:
    return "not said" if value is _NOTHING else f"`{value}`"

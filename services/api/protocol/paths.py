"""Dotted paths to the fields of a protocol document: `visits.schedule[1]`."""

import re
from collections.abc import Iterable
from typing import Any

_PART = re.compile(r"(?:^|\.)([a-z][a-z0-9_]*)|\[([^\[\]]+)\]")


def dotted(parts: Iterable[str | int]) -> str:
    """The path written with dots before names and brackets around indices."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def value_at(document: dict[str, Any], path: str) -> Any:
    """The value a path names.

    Brackets hold a list's index, or the id or code of one of its members:
    `eligibility.criteria[I07].when`.

    Raises:
        KeyError: the document has no such field.
    """
    value: Any = document
    end = 0
    for part in _PART.finditer(path):
        name, member = part.groups()
        if part.start() != end:
            break
        value = _field(value, name) if name else _member(value, member)
        end = part.end()
    if not path or end != len(path):
        raise KeyError(path)
    return value


def _field(value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise KeyError(name)
    return value[name]


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, list):
        raise KeyError(name)
    for index, member in enumerate(value):
        named = {member.get("id"), member.get("code")} if isinstance(member, dict) else set()
        if name == str(index) or name in named:
            return member
    raise KeyError(name)

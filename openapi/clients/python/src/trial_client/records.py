"""Versions of records, and what they say."""

import re
from collections.abc import Mapping

from trial_client import models

WRITABLE = frozenset(
    member
    for name, body in vars(models).items()
    if name.endswith("Put")
    for member in body.__annotations__
)
"""The members that a PUT replaces: left out of its body, they are cleared.

They are those of every PUT together, for no record answers one that only another's PUT replaces.
"""

NOTHING: tuple[object, ...] = (None, "", [], {})
"""What a record answers for a member that was left out."""


def version_of(etag: str) -> int:
    """The version that an entity tag names; -1 where it names none."""
    found = re.match(r'(?:W/)?"(\d+)', etag)
    return int(found[1]) if found else -1


def is_own(record: Mapping[str, object], body: Mapping[str, object], *, whole: bool) -> bool:
    """Whether a version is what the change of that body made: all that it says, for its reason.

    The body is a `whole` record, of which what is left out is cleared, or a
    patch, of which it stays as it was.
    """
    reason = body.get("reason")
    told = reason.strip() if isinstance(reason, str) else reason
    if "reason" in record and record["reason"] != told:
        return False
    if whole and any(record.get(name) not in NOTHING for name in WRITABLE - body.keys()):
        return False
    given = {name: value for name, value in body.items() if name != "reason"}
    return all(says(record.get(name), value, whole=whole) for name, value in given.items())


def says(record: object, given: object, *, whole: bool) -> bool:
    """Whether a member of a record holds what was given, and no more if that was the `whole`."""
    if isinstance(given, Mapping):
        if not isinstance(record, Mapping):
            return False
        left_out = record.keys() - given.keys() if whole else set()
        return all(record[name] in NOTHING for name in left_out) and all(
            says(record.get(name), value, whole=whole) for name, value in given.items()
        )
    if isinstance(given, list | tuple):
        return (
            isinstance(record, list)
            and len(record) == len(given)
            and all(says(*pair, whole=whole) for pair in zip(record, given, strict=True))
        )
    return record == given and isinstance(record, bool) == isinstance(given, bool)

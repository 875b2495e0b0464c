"""When a document may be published: the rule for changing what others call.

1. Whatever adds may be published at any time.
2. What breaks callers may be published in two cases only:
   - an operation ended that the last published document called deprecated, and
     the day of its `Sunset` is over;
   - the first number of `info.version` is raised. What stays under the prefix of an
     older version (`/v1` while the version is 2) keeps its promises even then.
3. A sunset comes half a year after it is first published, at least, and never sooner
   than it was published.
4. CHANGELOG.md names, under "For callers" of what is unreleased, each operation (or
   schema, or problem) that breaks, and each that is newly deprecated.

The last published document is openapi/published/openapi.json; `make publish` puts
a new one there.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from services.api.contract.breaks import Break, Operation, breaks, operations
from services.api.core.deprecation import NOTICE

Json = dict[str, Any]

_PREFIX = re.compile(r"/v(\d+)/")
_UNRELEASED = re.compile(r"^## Unreleased$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_FOR_CALLERS = re.compile(r"^### For callers$(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)


def objections(published: Json, document: Json, changelog: str, now: datetime) -> list[str]:
    """Why the document may not be published after that one, each in a line; none if it may."""
    found = breaks(published, document)
    excused = _Excuses(published, document, now)
    told = _for_callers(changelog)
    said = [str(one) for one in found if not excused.all_of(one)]
    said += _deprecations(published, document, now)
    if _version(document) < _version(published):
        said.append(f"info.version: was {_numbers(published)} and goes back")
    named = {one.name for one in found if excused.all_of(one)}
    named |= _newly_deprecated(published, document)
    said += [
        f'CHANGELOG.md: name `{name}` under "For callers" of what is unreleased, and say what to do'
        for name in sorted(named)
        if f"`{name}`" not in told
    ]
    return said


def _for_callers(changelog: str) -> str:
    """What it tells of changes that callers have to follow, since the last version."""
    unreleased = "\n".join(_UNRELEASED.findall(changelog))
    return "\n".join(_FOR_CALLERS.findall(unreleased))


class _Excuses:
    """Which operations may break for their callers by now."""

    def __init__(self, published: Json, document: Json, now: datetime) -> None:
        self._now = now
        self._old = {one.name: (key, one) for key, one in operations(published).items()}
        self._kept = operations(document).keys()
        self._raised = _version(document)[0] > _version(published)[0]
        self._number = _version(document)[0]

    def all_of(self, one: Break) -> bool:
        """Whether every caller concerned was warned, or calls a version that is over."""
        if not one.operations:
            return self._raised
        return all(self._excused(*self._old[name]) for name in one.operations)

    def _excused(self, key: str, operation: Operation) -> bool:
        gone = key not in self._kept
        end = sunset(operation)
        if gone and end is not None and end <= self._now:
            return True
        prefix = _PREFIX.match(operation.path)
        return self._raised and (gone or prefix is None or int(prefix[1]) >= self._number)


def sunset(operation: Operation) -> datetime | None:
    """When a deprecated operation ends, as its answers' header says."""
    if not operation.described.get("deprecated"):
        return None
    for answer in operation.described["responses"].values():
        header = answer.get("headers", {}).get("Sunset", {}).get("schema", {})
        if "const" in header:
            return parsedate_to_datetime(header["const"])
    return None


def _deprecations(published: Json, document: Json, now: datetime) -> Iterator[str]:
    before = {key: sunset(one) for key, one in operations(published).items()}
    for key, one in operations(document).items():
        end = sunset(one)
        if one.described.get("deprecated") and end is None:
            yield f"{one.name}: deprecated without a day: declare it by core/deprecation.py"
        known = before.get(key)
        if known is None and end is not None and end - now < NOTICE:
            yield f"{one.name}: callers hear of its end {NOTICE.days} days before it, at least"
        if known is not None and end is not None and end < known:
            yield f"{one.name}: the sunset was {known:%Y-%m-%d} and comes sooner"


def _newly_deprecated(published: Json, document: Json) -> set[str]:
    known = {key for key, one in operations(published).items() if one.described.get("deprecated")}
    return {
        one.name
        for key, one in operations(document).items()
        if one.described.get("deprecated") and key not in known
    }


def _numbers(document: Json) -> str:
    return str(document["info"]["version"])


def _version(document: Json) -> tuple[int, ...]:
    return tuple(int(number) for number in _numbers(document).split("."))

"""Entity tags and preconditions (RFC 9110 sections 8.8.3 and 13).

A tag is `"version-digest"`: the version guards changes, the digest makes the
tag follow what is derived (a visit becomes overdue without a new version).
"""

import hashlib
import re
from typing import Annotated

from fastapi import Depends, Header, Request

from services.api.core.errors import StaleVersion

_TAG = re.compile(r'"(\d{1,9})(?:-[0-9a-f]+)?"')


def tag(body: bytes, version: int | None) -> str:
    """The entity tag of a representation."""
    digest = hashlib.sha256(body).hexdigest()[:16]
    return f'"{version or 0}-{digest}"'


def unchanged(if_none_match: str | None, current: str) -> bool:
    """Whether the caller already holds the current representation."""
    if if_none_match is None:
        return False
    held = [item.strip().removeprefix("W/") for item in if_none_match.split(",")]
    return "*" in held or current in held


async def _expected(
    if_match: Annotated[
        str,
        Header(
            alias="If-Match",
            description="The ETag of the version you read; a record not yet made has version 0.",
            examples=['"0"'],
        ),
    ],
) -> int:
    match = _TAG.fullmatch(if_match.strip())
    if match is None:  # `*`, a list or another record's tag never names the current version
        raise StaleVersion
    return int(match.group(1))


IfMatch = Annotated[int, Depends(_expected)]
"""The version that the caller read, from If-Match."""


def keep_for(request: Request, *, minutes: int) -> None:
    """Let the caller's own cache answer for so long: what it holds is the same for everyone."""
    request.state.caching = f"private, max-age={minutes * 60}"


def never_keep(request: Request) -> None:
    """Let nobody keep the answer, not even its caller: it is no state, but what happens."""
    request.state.caching = "no-store"


def check_version(expected: int, current: int) -> None:
    """Refuse a change made on an older version than the current one.

    Raises:
        StaleVersion: they differ.
    """
    if expected != current:
        raise StaleVersion

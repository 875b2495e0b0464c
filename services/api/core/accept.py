"""Which form of an answer the caller takes (RFC 9110, section 12.5.1)."""

import re

from fastapi import Request

from services.api.core.errors import NotAcceptable
from services.api.core.negotiation import depends_on
from services.api.language.wording import Wording

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_RANGE = re.compile(rf"\s*({_TOKEN})/({_TOKEN})\s*(;.*)?", re.ASCII)
_WEIGHT = re.compile(r"q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII | re.IGNORECASE)
LONGEST = 1024
"""Characters of the header that are read; no honest one is longer."""


def chosen(header: str, offered: tuple[str, ...]) -> str | None:
    """The offered media type that the header weighs most, the first of equals; None if none fits.

    The most specific range that names a type gives its weight. What is no
    media range is passed over, and an empty header takes anything.
    """
    if not header.strip():
        return offered[0]
    ranges = [found for part in header[:LONGEST].split(",") if (found := _range(part))]
    weighed = [(_weight(one, ranges), one) for one in offered]
    best = max(weight for weight, _ in weighed)
    return next((one for weight, one in weighed if weight == best), None) if best > 0 else None


def _range(part: str) -> tuple[str, str, float] | None:
    """A media range as type, subtype and weight."""
    found = _RANGE.fullmatch(part)
    if found is None:
        return None
    kind, subtype, parameters = found.groups()
    weight = 1.0
    for parameter in (parameters or "").split(";"):
        if given := _WEIGHT.fullmatch(parameter.strip()):
            weight = float(given[1])
    return kind.lower(), subtype.lower(), weight


def _weight(media_type: str, ranges: list[tuple[str, str, float]]) -> float:
    kind, _, subtype = media_type.partition("/")
    for wanted in ((kind, subtype), (kind, "*"), ("*", "*")):
        weights = [weight for *named, weight in ranges if tuple(named) == wanted]
        if weights:
            return max(weights)
    return 0.0


class Accepts:
    """The dependency of a route that answers in several forms: which one to answer in."""

    def __init__(self, *offered: str) -> None:
        self.offered = offered

    async def __call__(self, request: Request) -> str:
        """The media type to answer in; the answer will say that it depends on the header."""
        depends_on(request, "Accept")
        header = ",".join(request.headers.getlist("Accept"))
        if (media_type := chosen(header, self.offered)) is None:
            raise NotAcceptable(Wording("This is answered as {types}.", types=self.offered))
        return media_type

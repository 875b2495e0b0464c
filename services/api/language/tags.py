"""The languages of the service, and which of them a caller asks for (RFC 9110, 12.5.4)."""

import re
from enum import StrEnum


class Language(StrEnum):
    """A language by its tag (BCP 47); English is what everything falls back to."""

    ENGLISH = "en"
    CHINESE = "zh-Hans"


LONGEST = 1024
"""Characters of the header that are read; no honest one is longer."""

_PART = re.compile(
    r"\s*(\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*"
    r"(?:;\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.ASCII | re.IGNORECASE,
)
_TRADITIONAL = frozenset({"zh-hant", "zh-tw", "zh-hk", "zh-mo"})
"""What asks for the other script, which the service does not write."""


def chosen(header: str) -> Language:
    """The language that an Accept-Language header weighs most, the first of equals.

    A request is never refused for its language: what is unknown, malformed or
    weighs nothing is passed over, and without anything known the answer is in
    English. `*` stands for English.
    """
    best, weight = Language.ENGLISH, 0.0
    for part in header[:LONGEST].split(","):
        found = _PART.fullmatch(part)
        if found is None or (language := _named(found[1].lower())) is None:
            continue
        given = float(found[2]) if found[2] is not None else 1.0
        if given > weight:
            best, weight = language, given
    return best


def _named(tag: str) -> Language | None:
    """The language that a range names, if the service speaks it."""
    if tag == "*" or tag.split("-")[0] == "en":
        return Language.ENGLISH
    if tag.split("-")[0] == "zh" and "-".join(tag.split("-")[:2]) not in _TRADITIONAL:
        return Language.CHINESE
    return None

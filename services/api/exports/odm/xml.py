"""XML as text: every character that XML 1.0 knows, escaped so that a parser gives it back."""

import re

_FOREIGN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_VALUE = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\r": "&#13;",
        "\n": "&#10;",
        "\t": "&#9;",
    }
)
"""A parser reads a line break or tab in an attribute as a space unless it is written like this."""


def text(content: str) -> str:
    """Text of an element; characters that XML 1.0 has not are replaced by U+FFFD."""
    return _FOREIGN.sub("\ufffd", content).translate(_TEXT)


def _attributes(given: dict[str, str | None]) -> str:
    parts = []
    for name, value in given.items():
        if value is not None:
            told = _FOREIGN.sub("\ufffd", value).translate(_VALUE)
            parts.append(f' {name}="{told}"')
    return "".join(parts)


def start(name: str, **attributes: str | None) -> str:
    """The beginning of an element; attributes without a value are left out."""
    return f"<{name}{_attributes(attributes)}>"


def end(name: str) -> str:
    """The end of an element."""
    return f"</{name}>"


def element(name: str, *content: str, **attributes: str | None) -> str:
    """A whole element around content that is XML already."""
    inside = "".join(content)
    if not inside:
        return f"<{name}{_attributes(attributes)}/>"
    return f"<{name}{_attributes(attributes)}>{inside}</{name}>"


def leaf(name: str, content: str, **attributes: str | None) -> str:
    """A whole element around text."""
    return element(name, text(content), **attributes)

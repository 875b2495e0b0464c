"""A text for people that holds values and can be said in another language."""

from typing import Self


class Wording(str):
    """A text in English, made from a template and values; `details` translate the template.

    A text without values needs none of this: it is its own template. A value
    of several parts is given as a tuple, for languages list them differently.
    """

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, **values: object) -> Self:
        made = super().__new__(cls, filled(template, values, between=", "))
        made.template, made.values = template, values
        return made

    @classmethod
    def keyed(cls, key: str, text: str, values: dict[str, object]) -> Self:
        """A text in English that others wrote, which `details` know by a key."""
        made = super().__new__(cls, text)
        made.template, made.values = key, values
        return made


def filled(template: str, values: dict[str, object], between: str) -> str:
    """The template with its values; the parts of a value stand between such signs."""
    told = {
        name: between.join(map(str, value)) if isinstance(value, tuple) else value
        for name, value in values.items()
    }
    return template.format(**told)

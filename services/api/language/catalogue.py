"""The texts of the service in each language, read from the files beside this module."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from services.api.language.tags import Language
from services.api.language.wording import Wording, filled

DIRECTORY = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Label:
    """What a value is called in a form, and a sentence that says what it means."""

    label: str
    meaning: str


@cache
def enumerations(language: Language) -> Mapping[str, Mapping[str, Label]]:
    """Every value of the contract's enumerations, by the name of its schema and by the value."""
    return {
        name: {value: Label(*texts) for value, texts in values.items()}
        for name, values in _read(f"{language}.yaml").items()
    }


@dataclass(frozen=True, slots=True)
class Told:
    """A problem's title, and what to do next."""

    title: str
    remedy: str


@cache
def problems(language: Language) -> Mapping[str, Told]:
    """Every problem by its code; in English they stand in the code."""
    if language is Language.ENGLISH:
        return {}
    return {code: Told(*texts) for code, texts in _read(f"problems.{language}.yaml").items()}


@cache
def details(language: Language) -> Mapping[str, str]:
    """Every text of one thing that is wrong, by its English template or its key."""
    return {} if language is Language.ENGLISH else _read(f"details.{language}.yaml")


def translated(text: str, language: Language) -> str | None:
    """A text in another language than English, or None where the catalogue lacks it."""
    if not isinstance(text, Wording):
        return details(language).get(text)
    template = details(language).get(text.template)
    return None if template is None else filled(template, text.values, between="、")


@cache
def pages(language: Language) -> Mapping[str, str]:
    """What stands on the pages of problems beside the problems' own texts, by its English."""
    return {} if language is Language.ENGLISH else _read(f"pages.{language}.yaml")


def on_page(text: str, language: Language) -> str:
    """A text of a page in that language."""
    return pages(language).get(text, text)


def _read(name: str) -> dict[str, Any]:
    texts: dict[str, Any] = yaml.load((DIRECTORY / name).read_bytes(), yaml.CSafeLoader)
    return texts

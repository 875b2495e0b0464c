"""The texts of the service in each language, read from the files beside this module."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from services.api.language.tags import Language

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


def _read(name: str) -> dict[str, Any]:
    texts: dict[str, Any] = yaml.safe_load((DIRECTORY / name).read_bytes())
    return texts

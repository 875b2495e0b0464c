"""What is said once of fields of the same name is used, and true of them all."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.api.core.fields import ASKED, EVERYWHERE

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "openapi" / "openapi.json").read_text()
)


@pytest.mark.parametrize("meanings", [EVERYWHERE, ASKED], ids=["everywhere", "asked"])
def test_every_common_meaning_is_that_of_some_field(meanings: dict[str, str]) -> None:
    said = {
        (name, field["description"])
        for schema in DOCUMENT["components"]["schemas"].values()
        for name, field in schema.get("properties", {}).items()
    }
    assert set(meanings.items()) <= said


def test_a_common_meaning_is_a_sentence() -> None:
    for meaning in (*EVERYWHERE.values(), *ASKED.values()):
        assert meaning.endswith(".")
        assert meaning[0].isupper()
        assert len(meaning) > 20

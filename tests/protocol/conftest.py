"""The trial's own document, and ways to change a copy of it."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from services.api.protocol import load as loading
from services.api.protocol.load import Loaded, ProtocolMistake, load, load_all

DOCUMENTS = Path(loading.__file__).parent / "documents"


@pytest.fixture(scope="session")
def loaded() -> Loaded:
    return load_all(DOCUMENTS)["1.0"]


@pytest.fixture
def document(loaded: Loaded) -> dict[str, Any]:
    """A copy of the document that a test may spoil."""
    return deepcopy(loaded.document)


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[dict[str, Any] | str], tuple[str, ...]]:
    """Load a document, or the text of one, that must be refused; the lines it is refused with."""

    def refuse(spoilt: dict[str, Any] | str) -> tuple[str, ...]:
        file = tmp_path / "spoilt.yaml"
        file.write_text(spoilt if isinstance(spoilt, str) else json.dumps(spoilt), encoding="utf-8")
        with pytest.raises(ProtocolMistake) as mistake:
            load(file)
        assert str(mistake.value) == "\n".join(mistake.value.lines)
        return mistake.value.lines

    return refuse

"""Signatures cost a password's hash, which is tried elsewhere."""

import pytest

from services.api.identity import passwords
from tests.access.conftest import Quick


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords._nobody()  # made by the real hasher, for it is kept
    monkeypatch.setattr(passwords, "_HASHER", Quick())

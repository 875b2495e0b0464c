"""A hasher that costs nothing: what is kept still tells one secret from another."""

import pytest

from services.api.identity import passwords


class Quick:
    """Keeps a secret in plain sight, so that a test sees wherever its hash is shown."""

    def hash(self, secret: str) -> str:
        return f"hash of {secret}"

    def verify(self, secret: str, secret_hash: str) -> bool:
        return secret_hash == self.hash(secret)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords._nobody()
    monkeypatch.setattr(passwords, "_HASHER", Quick())

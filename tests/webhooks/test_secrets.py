"""A webhook's secret: random, of its webhook alone, and unreadable in the database."""

from base64 import b64decode
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidTag

from services.api.settings import Settings
from services.api.webhooks.secrets import new_secret, seal, unseal
from tests.make import Api
from tests.webhooks.telling import hook


def test_a_secret_is_as_standard_webhooks_has_it() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(b64decode(first.removeprefix("whsec_"))) == 32


def test_a_sealed_secret_opens_for_its_own_webhook_only(settings: Settings) -> None:
    webhook, secret = uuid4(), new_secret()
    sealed = seal(settings, webhook, secret)
    assert secret.encode() not in sealed
    assert unseal(settings, webhook, sealed) == secret
    with pytest.raises(InvalidTag):
        unseal(settings, uuid4(), sealed)


def test_no_table_holds_a_secret_in_the_clear(api: Api) -> None:
    secret = hook(api, "http://127.0.0.1:9/")["secret"]
    for table in ("webhook", "webhook_secret", "idempotent_answer", "audit_event"):
        rows = api.rows(f"SELECT * FROM {table}")
        assert rows
        for row in rows:
            for value in row:
                held = (
                    bytes(value) if isinstance(value, memoryview | bytes) else str(value).encode()
                )
                assert secret.removeprefix("whsec_").encode() not in held

"""A webhook's secret: made here, shown once, and stored under a key outside the database."""

from base64 import b64encode
from secrets import token_bytes
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.api.settings import Settings

BYTES = 32
"""Within the 24 to 64 that Standard Webhooks asks for, and as strong as HMAC-SHA-256."""
NONCE_BYTES = 12


def new_secret() -> str:
    """A fresh secret, as a receiver is given it."""
    return "whsec_" + b64encode(token_bytes(BYTES)).decode()


def seal(settings: Settings, webhook: UUID, secret: str) -> bytes:
    """The secret as it is stored, of use for this webhook only."""
    nonce = token_bytes(NONCE_BYTES)
    return nonce + _cipher(settings).encrypt(nonce, secret.encode(), webhook.bytes)


def unseal(settings: Settings, webhook: UUID, sealed: bytes) -> str:
    """The secret as the receiver has it."""
    nonce, content = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    return _cipher(settings).decrypt(nonce, content, webhook.bytes).decode()


def _cipher(settings: Settings) -> AESGCM:
    return AESGCM(settings.derived_key("webhook secret"))

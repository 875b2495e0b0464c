"""Time-based one-time passwords (RFC 6238): six digits, thirty seconds, each used once.

A secret is stored encrypted under a key outside the database; before it is
confirmed it is stored nowhere, but travels as a ticket that only we can read.
"""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from secrets import compare_digest, token_bytes
from uuid import UUID

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.api.identity.door import Door

STEP = 30
"""Seconds for which a code is shown."""
TICKET_SECONDS = 600


class BadTicket(Exception):
    """The ticket is not ours, not this account's, or too old."""


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator app needs, and the ticket that brings the secret back."""

    secret: str
    uri: str
    ticket: str


def enrolment(door: Door, account: UUID, version: int, username: str) -> Enrolment:
    """A fresh secret, offered for ten minutes and to this version of the account."""
    secret = pyotp.random_base32()
    uri = pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=username, issuer_name="Trial")
    until = int(time.time()) + TICKET_SECONDS
    content = json.dumps({"secret": secret, "until": until, "version": version})
    sealed = _seal(door, "totp ticket", account, content.encode())
    return Enrolment(secret, uri, urlsafe_b64encode(sealed).decode())


def offered(door: Door, account: UUID, version: int, ticket: str) -> str:
    """The secret that a ticket offers; any change of the account takes the offer back.

    Raises:
        BadTicket: it is not ours, not this account's as it is now, or too old.
    """
    try:
        content = json.loads(
            _open(door, "totp ticket", account, urlsafe_b64decode(ticket.encode()))
        )
    except (InvalidTag, ValueError):
        raise BadTicket from None
    if content["until"] < time.time() or content["version"] != version:
        raise BadTicket
    return str(content["secret"])


def seal(door: Door, account: UUID, secret: str) -> bytes:
    """The secret as it is stored."""
    return _seal(door, "totp secret", account, secret.encode())


def unseal(door: Door, account: UUID, stored: bytes) -> str:
    """The secret as it was enrolled."""
    return _open(door, "totp secret", account, stored).decode()


def step_of(secret: str, code: str) -> int | None:
    """The time step that a code belongs to, the last or the next one included; None if to none."""
    authenticator = pyotp.TOTP(secret, interval=STEP)
    now = int(time.time()) // STEP
    steps = [
        step
        for step in (now - 1, now, now + 1)
        if compare_digest(authenticator.generate_otp(step), code)
    ]
    return steps[0] if steps else None


def _seal(door: Door, purpose: str, account: UUID, content: bytes) -> bytes:
    nonce = token_bytes(12)
    cipher = AESGCM(door.settings.derived_key(purpose))
    return nonce + cipher.encrypt(nonce, content, account.bytes)


def _open(door: Door, purpose: str, account: UUID, sealed: bytes) -> bytes:
    cipher = AESGCM(door.settings.derived_key(purpose))
    return cipher.decrypt(sealed[:12], sealed[12:], account.bytes)

"""Slows guessing down, per account, source and address, without locking the owner out.

A guess is stored before it is checked, so that a hundred at once count as a
hundred; a right one is taken back. Names and addresses are kept as HMACs only.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, delete, select

from services.api.core.errors import TooManyRequests
from services.api.identity.door import Door, Source
from services.api.identity.models import FamiliarSource, SignInAttempt
from services.api.identity.rules import (
    PER_ACCOUNT,
    PER_ADDRESS,
    PER_SOURCE,
    Counted,
    Limit,
    is_last,
    wait,
)

FAMILIAR = timedelta(days=90)
"""How long a device or address stays familiar after signing in."""
KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Guess:
    """A guess being checked; `last` if its failure uses up a budget."""

    id: UUID
    account_key: bytes
    address_key: bytes
    last: bool


def begin(door: Door, username: str, source: Source) -> Guess:
    """Count a guess before it is checked.

    Raises:
        TooManyRequests: a budget is used up; tells when the next guess is allowed.
    """
    now = datetime.now(UTC)
    account_key = door.mac("throttled account", username.casefold())
    address_key = door.mac("throttled address", source.network)
    trusted = _trusted(door, account_key, source)
    with door.database.transaction() as session:
        session.execute(
            text("SELECT pg_advisory_xact_lock(:key)"),
            {"key": int.from_bytes(account_key[:8], signed=True)},
        )
        session.exec(delete(SignInAttempt).where(col(SignInAttempt.at) < now - KEPT))
        familiar = trusted is not None or _is_familiar(session, account_key, address_key, now)
        attempt = SignInAttempt(
            account_key=account_key,
            source_key=trusted or address_key,
            address_key=address_key,
            familiar=familiar,
        )
        counts = _counts(session, attempt, trusted is not None, now)
        pause = wait(counts, now)
        if pause is not None:
            raise TooManyRequests(pause)
        session.add(attempt)
    return Guess(attempt.id, account_key, address_key, is_last(counts))


def take_back(session: Session, guess: Guess) -> None:
    """Take a right guess back."""
    session.exec(delete(SignInAttempt).where(col(SignInAttempt.id) == guess.id))


def forgive(session: Session, guess: Guess) -> None:
    """Take a right guess back, and remember the address as familiar to the account."""
    take_back(session, guess)
    now = datetime.now(UTC)
    row = {"account_key": guess.account_key, "source_key": guess.address_key, "seen_at": now}
    session.execute(
        insert(FamiliarSource)
        .values(row)
        .on_conflict_do_update(constraint="familiar_source_pkey", set_={"seen_at": now})
    )


def new_device(door: Door, guess: Guess) -> str:
    """A mark by which the account's owner is known on this device (OWASP device cookie)."""
    nonce = token_urlsafe(16)
    return f"{nonce}.{_device_mac(door, guess.account_key, nonce)}"


def _trusted(door: Door, account_key: bytes, source: Source) -> bytes | None:
    """The key of a session or device that signed in to this account before."""
    if source.session is not None:
        return door.mac("throttled session", str(source.session))
    nonce, _, mac = (source.device or "").partition(".")
    given = mac.encode(errors="replace")
    if not hmac.compare_digest(given, _device_mac(door, account_key, nonce).encode()):
        return None
    return door.mac("throttled device", nonce)


def _device_mac(door: Door, account_key: bytes, nonce: str) -> str:
    mac = door.mac("device", f"{account_key.hex()} {nonce}")
    return urlsafe_b64encode(mac).rstrip(b"=").decode()


def _is_familiar(session: Session, account_key: bytes, address_key: bytes, now: datetime) -> bool:
    known = session.get(FamiliarSource, (account_key, address_key))
    return known is not None and known.seen_at > now - FAMILIAR


def _counts(
    session: Session, attempt: SignInAttempt, trusted: bool, now: datetime
) -> list[Counted]:
    """The failed guesses under each limit that applies, in one query."""
    same_account = col(SignInAttempt.account_key) == attempt.account_key
    same_address = col(SignInAttempt.address_key) == attempt.address_key
    limits: list[tuple[Limit, Any]] = [
        (PER_SOURCE, same_account & (col(SignInAttempt.source_key) == attempt.source_key))
    ]
    if not trusted:
        limits.append((PER_ADDRESS, same_address))
    if not attempt.familiar:
        limits.append((PER_ACCOUNT, same_account & ~col(SignInAttempt.familiar)))
    columns: list[Any] = []
    for limit, rows in limits:
        recent = rows & (col(SignInAttempt.at) > now - limit.window)
        columns += [func.count().filter(recent), func.min(SignInAttempt.at).filter(recent)]
    found = session.execute(select(*columns).where(or_(same_account, same_address))).one()
    return [
        Counted(limit, found[2 * place], found[2 * place + 1])
        for place, (limit, _) in enumerate(limits)
    ]

"""Sessions: from signing in to signing out, and the refresh tokens in between.

A refresh token is `session.generation.mac`. The session counts generations,
so one row tells the newest token from a used one, and no token is stored.
Source: RFC 6749 section 6; RFC 9700 section 4.14.2 (rotation and reuse).
"""

import hmac
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, update

from services.api.identity.door import Door
from services.api.identity.models import Account, AccountSession

GRACE = timedelta(seconds=10)
"""How long the token before the newest is still good, for an answer that was lost."""


class BadRefreshToken(Exception):
    """The refresh token is not ours, too old, or of a session that ended."""


def open_session(
    session: Session, door: Door, account: Account, session_id: UUID
) -> AccountSession:
    """A new session of an account."""
    opened = AccountSession(
        id=session_id,
        account=account.id,
        expires_at=datetime.now(UTC) + timedelta(hours=door.settings.session_hours),
    )
    session.add(opened)
    session.flush()
    return opened


def refresh_token(door: Door, opened: AccountSession) -> str:
    """The newest refresh token of a session."""
    return _written(door, opened.id, opened.generation)


def rotate(session: Session, door: Door, token: str) -> AccountSession:
    """Use a refresh token up, and bring its session to the next generation.

    The token before the newest gives the newest again within `GRACE`. Any
    older one was used by two, so its session ends.

    Raises:
        BadRefreshToken: not a token of ours. Nothing has changed.
    """
    session_id, generation = _read(door, token)
    opened = session.get(AccountSession, session_id, with_for_update=True)
    now = datetime.now(UTC)
    if opened is None or not _is_open(opened, door, now):
        raise BadRefreshToken
    if generation == opened.generation:
        opened.generation += 1
        opened.refreshed_at = now
    elif generation != opened.generation - 1 or now - opened.refreshed_at > GRACE:
        end(opened, "token_reused")
    return opened


def session_of(door: Door, token: str) -> UUID:
    """The session that a refresh token belongs to, whatever its generation.

    Raises:
        BadRefreshToken: not a token of ours.
    """
    return _read(door, token)[0]


def end(opened: AccountSession, because: str) -> None:
    """End a session; its access tokens are refused within a second."""
    if opened.ended_at is None:
        opened.ended_at = datetime.now(UTC)
        opened.ended_because = because


def end_all(session: Session, account: UUID) -> None:
    """End every session of an account that changed."""
    session.exec(
        update(AccountSession)
        .where(col(AccountSession.account) == account, col(AccountSession.ended_at).is_(None))
        .values(ended_at=datetime.now(UTC), ended_because="account_changed")
    )


def _is_open(opened: AccountSession, door: Door, now: datetime) -> bool:
    idle = timedelta(minutes=door.settings.session_idle_minutes)
    return opened.ended_at is None and opened.expires_at > now and opened.refreshed_at + idle > now


def _written(door: Door, session_id: UUID, generation: int) -> str:
    head = f"{session_id}.{generation}"
    mac = urlsafe_b64encode(door.mac("refresh token", head)).rstrip(b"=").decode()
    return f"{head}.{mac}"


def _read(door: Door, token: str) -> tuple[UUID, int]:
    session_id, _, rest = token.partition(".")
    generation, _, _ = rest.partition(".")
    try:
        read = UUID(session_id), int(generation)
    except ValueError:
        raise BadRefreshToken from None
    # Written anew and compared whole: a number or UUID in another spelling is another token.
    if not hmac.compare_digest(_written(door, *read).encode(), token.encode()):
        raise BadRefreshToken
    return read

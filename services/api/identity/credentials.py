"""Checking that someone is who they say: throttled, noted when it fails, alike for strangers.

No connection is held while a secret is hashed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, or_, select, update

from services.api.core.audit import Happening, note
from services.api.core.auth import Principal
from services.api.core.errors import Unavailable
from services.api.identity import passwords, throttle, totp
from services.api.identity.door import Door, Source
from services.api.identity.errors import (
    InvalidClient,
    InvalidGrant,
    PasswordChangeRequired,
    TotpEnrolmentRequired,
    TotpRequired,
)
from services.api.identity.models import Account
from services.api.identity.throttle import Guess


class Purpose(Enum):
    """What a person proves themselves for."""

    SIGN_IN = "sign in"
    CHANGE_PASSWORD = "change password"
    ENROL_TOTP = "enrol totp"
    CONFIRM_TOTP = "confirm totp"


@dataclass(frozen=True)
class Proven:
    """An account whose holder is there, and the guess to be taken back."""

    account: Account
    guess: Guess


def prove_user(
    door: Door,
    source: Source,
    username: str,
    password: str,
    code: str | None,
    purpose: Purpose = Purpose.SIGN_IN,
) -> Proven:
    """The active person with that password, and second factor if they have one.

    Raises:
        TooManyRequests: a budget of guesses is used up.
        InvalidGrant: no such active person, or another password or code.
        TotpRequired, PasswordChangeRequired, TotpEnrolmentRequired: the password is right.
    """
    proven = prove_secret(door, source, "user", username, password)
    if proven is None:
        raise InvalidGrant
    account = proven.account
    # A ticket to confirm was given for a code of the authenticator before.
    if account.totp_confirmed_at is not None and purpose is not Purpose.CONFIRM_TOTP:
        if code is None:
            _take_back(door, proven)
            raise TotpRequired
        with undecided(door, proven.guess):
            right = use_code(door, account, code)
        if not right:
            refused(door, account, proven.guess, "totp")
            raise InvalidGrant
    lacking = _lacking(door, account, purpose)
    if lacking is not None:
        _take_back(door, proven)
        raise lacking
    if purpose is Purpose.SIGN_IN:
        forgive(door, proven)
    else:
        _take_back(door, proven)
    return proven


def prove_client(door: Door, source: Source, client_id: str, secret: str) -> Proven:
    """The active machine client with that secret.

    Raises:
        TooManyRequests: a budget of guesses is used up.
        InvalidClient: no such active client, or another secret.
    """
    proven = prove_secret(door, source, "client", client_id, secret)
    if proven is None:
        raise InvalidClient
    forgive(door, proven)
    return proven


def _lacking(door: Door, account: Account, purpose: Purpose) -> Exception | None:
    """What the person has to do before, though the password is right."""
    expires = account.password_expires_at
    if expires is not None:
        if expires <= datetime.now(UTC):
            return InvalidGrant("The temporary password has expired: ask an admin for a new one.")
        if purpose is not Purpose.CHANGE_PASSWORD:
            return PasswordChangeRequired()
    if (
        purpose is Purpose.SIGN_IN
        and account.role in door.settings.totp_roles
        and account.totp_confirmed_at is None
    ):
        return TotpEnrolmentRequired()
    return None


def prove_secret(
    door: Door, source: Source, kind: str, username: str, secret: str
) -> Proven | None:
    """The active account of that kind with that secret, or None.

    Raises:
        TooManyRequests: a budget of guesses is used up.
    """
    guess = throttle.begin(door, username, source)
    account = find(door, kind, username)
    with undecided(door, guess):
        right = passwords.matches(secret, account.secret_hash if account else None)
    if account is None or not right or not account.active:
        refused(door, account, guess, "inactive" if account and right else "secret")
        return None
    return Proven(account, guess)


@contextmanager
def undecided(door: Door, guess: Guess) -> Iterator[None]:
    """Take a guess back that could not be checked: overload must not lock anyone out."""
    try:
        yield
    except (Unavailable, DBAPIError):
        with door.database.transaction() as session:
            throttle.take_back(session, guess)
        raise


def find(door: Door, kind: str, username: str) -> Account | None:
    """The account of that kind and name."""
    named = select(Account).where(Account.kind == kind, Account.username == username)
    with door.database.transaction() as session:
        return session.exec(named).one_or_none()


def use_code(door: Door, account: Account, code: str) -> bool:
    """Whether the code is the account's and was not used before (RFC 6238 section 5.2)."""
    if account.totp_secret is None:
        return False
    step = totp.step_of(totp.unseal(door, account.id, account.totp_secret), code)
    if step is None:
        return False
    unused = or_(col(Account.totp_last_step).is_(None), col(Account.totp_last_step) < step)
    with door.database.transaction() as session:
        used = session.exec(
            update(Account).where(col(Account.id) == account.id, unused).values(totp_last_step=step)
        )
        return bool(used.rowcount)


def components_hold(door: Door, account: Account, password: str | None, code: str | None) -> bool:
    """Whether there is a component, and each one given is the account's."""
    if password is not None and not passwords.matches(password, account.secret_hash):
        return False
    if code is not None and not (account.totp_confirmed_at and use_code(door, account, code)):
        return False
    return password is not None or code is not None


def refused(
    door: Door,
    account: Account | None,
    guess: Guess,
    because: str,
    signer: Principal | None = None,
) -> None:
    """Keep in the trail that credentials were refused, and that guessing is slowed from now on.

    They were given to sign in, or by a `signer` to sign a record.
    """
    refusal = Happening.SIGN_IN_REFUSED if signer is None else Happening.SIGNATURE_REFUSED
    record_id = str(account.id) if account else ""
    with door.database.transaction(signer) as session:
        detail = {"because": because if account else "unknown"}
        note(session, refusal, "account", record_id, detail=detail)
        if guess.last:
            note(session, Happening.SIGN_IN_THROTTLED, "account", record_id)


def locked(session: Session, proven: Proven) -> Account:
    """The account as it was proven, locked against change.

    Raises:
        InvalidGrant, InvalidClient: it changed while the secret was checked.
    """
    return unchanged(session, proven.account)


def unchanged(session: Session, read: Account) -> Account:
    """The account as it was read, locked against change.

    Raises:
        InvalidGrant, InvalidClient: it changed since.
    """
    account = session.get_one(Account, read.id, with_for_update=True)
    if account.version != read.version or not account.active:
        raise InvalidClient if account.kind == "client" else InvalidGrant
    return account


def forgive(door: Door, proven: Proven) -> None:
    """Take the right guess back, and remember where it came from."""
    with door.database.transaction() as session:
        throttle.forgive(session, proven.guess)


def _take_back(door: Door, proven: Proven) -> None:
    with door.database.transaction() as session:
        throttle.take_back(session, proven.guess)

"""Signing in and out, and what changes credentials: the only user of accounts' secrets."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlmodel import Session, select

from services.api.core.auth import Principal
from services.api.core.errors import Invalid
from services.api.core.keys import TokenKey, new_signing_key
from services.api.core.making import new_id
from services.api.core.permissions import SITE_BOUND, WITHOUT_CLINICAL_DATA, Role
from services.api.identity import credentials, sessions, throttle
from services.api.identity.assertions import (
    BadAssertion,
    claimed_client,
    read_assertion,
    use_once,
)
from services.api.identity.credentials import Proven, Purpose
from services.api.identity.door import Door, Source
from services.api.identity.errors import (
    InvalidClient,
    InvalidGrant,
    ReauthenticationFailed,
    TicketRefused,
    TotpEnrolmentRequired,
)
from services.api.identity.models import Account, AccountSession
from services.api.identity.passwords import hash_secret, refuse_weak
from services.api.identity.totp import (
    BadTicket,
    Enrolment,
    enrolment,
    offered,
    seal,
    step_of,
)
from services.api.study.models import Site

NOBODYS_KEYS = {"keys": [TokenKey.from_pem(new_signing_key()).jwk]}
"""Keys to verify with when the client is unknown, so that the answer takes as long."""

_WRONG_CODE = "It is not the code of the authenticator being enrolled"


@dataclass(frozen=True)
class SignedIn:
    """Who signed in; `refresh_token` and `device` for people only."""

    caller: Principal
    refresh_token: str | None = None
    device: str | None = None


def sign_in_user(
    door: Door, source: Source, username: str, password: str, code: str | None
) -> SignedIn:
    """Open a session for a person.

    Raises:
        InvalidGrant, TotpRequired, PasswordChangeRequired, TotpEnrolmentRequired,
        TooManyRequests: as in `credentials.prove_user`.
    """
    proven = credentials.prove_user(door, source, username, password, code)
    caller, opened = _open(door, proven)
    device = throttle.new_device(door, proven.guess)
    return SignedIn(caller, sessions.refresh_token(door, opened), device)


def sign_in_client(door: Door, source: Source, client_id: str, secret: str) -> SignedIn:
    """Open a session for a machine client by its secret.

    Raises:
        InvalidClient: no such active client, or another secret.
        TooManyRequests: too many wrong ones.
    """
    proven = credentials.prove_client(door, source, client_id, secret)
    return SignedIn(_open(door, proven)[0])


def sign_in_with_key(
    door: Door, source: Source, assertion: str, client_id: str | None = None
) -> SignedIn:
    """Open a session for a machine client that signs with its private key (RFC 7523).

    Raises:
        InvalidClient: the assertion is not one of an active client's keys, or was used before.
        TooManyRequests: too many wrong ones.
    """
    try:
        claimed = claimed_client(assertion)
    except BadAssertion:
        raise InvalidClient from None
    if client_id not in {None, claimed}:
        raise InvalidClient
    account = credentials.find(door, "client", claimed)
    try:
        return _open_once(door, account, assertion)
    except BadAssertion:
        # A signature cannot be guessed, so a right one is never slowed down by wrong ones.
        guess = throttle.begin(door, claimed, source)
        credentials.refused(door, account, guess, "assertion")
        raise InvalidClient from None


def _open_once(door: Door, account: Account | None, assertion: str) -> SignedIn:
    keys = account.jwks if account and account.jwks else NOBODYS_KEYS
    read = read_assertion(assertion, keys, door.settings.issuer)
    if account is None or not account.active:
        raise BadAssertion
    with door.database.transaction() as session:
        caller = principal_of(session, account, new_id())
    with door.database.transaction(caller) as session:
        credentials.unchanged(session, account)
        use_once(session, account.id, read)
        sessions.open_session(session, door, account, caller.session)
    return SignedIn(caller)


def _open(door: Door, proven: Proven) -> tuple[Principal, AccountSession]:
    with door.database.transaction() as session:
        caller = principal_of(session, proven.account, new_id())
    with door.database.transaction(caller) as session:
        account = credentials.locked(session, proven)
        return caller, sessions.open_session(session, door, account, caller.session)


def refresh(door: Door, token: str) -> SignedIn:
    """Go on with a session, with its next refresh token.

    Raises:
        InvalidGrant: the token is not good, or was used by two: then its session is over.
    """
    with door.database.transaction() as session:
        try:
            opened = sessions.rotate(session, door, token)
        except sessions.BadRefreshToken:
            raise InvalidGrant from None
        account = session.get_one(Account, opened.account)
        caller = principal_of(session, account, opened.id)
    if opened.ended_at is not None:
        raise InvalidGrant
    if account.role in door.settings.totp_roles and account.totp_confirmed_at is None:
        raise TotpEnrolmentRequired
    return SignedIn(caller, sessions.refresh_token(door, opened))


def session_of(door: Door, token: str) -> UUID | None:
    """The session of a refresh token; None if it is not one of ours."""
    try:
        return sessions.session_of(door, token)
    except sessions.BadRefreshToken:
        return None


def sign_out(door: Door, session_id: UUID) -> None:
    """End a session, if it is one and not over."""
    with door.database.transaction() as session:
        opened = session.get(AccountSession, session_id)
        if opened is None:
            return
        caller = principal_of(session, session.get_one(Account, opened.account), opened.id)
    with door.database.transaction(caller) as session:
        sessions.end(
            session.get_one(AccountSession, session_id, with_for_update=True), "signed_out"
        )


def principal_of(session: Session, account: Account, session_id: UUID) -> Principal:
    """Who acts in a session of an account."""
    role = Role(account.role)
    return Principal(
        id=account.id,
        name=account.name,
        role=role,
        sites=_sites(session, role, account.sites),
        machine=account.kind == "client",
        session=session_id,
    )


def _sites(session: Session, role: Role, assigned: list[str]) -> tuple[str, ...]:
    """Site-bound roles have the sites of their account, the others all or none."""
    if role in SITE_BOUND:
        return tuple(assigned)
    if role in WITHOUT_CLINICAL_DATA:
        return ()
    return tuple(session.exec(select(Site.code).order_by(Site.code)).all())


def reauthenticate(
    session: Session, caller: Principal, *, password: str | None, totp: str | None
) -> None:
    """Make sure that the person signing is the one signed in (21 CFR 11.200(a)(1)).

    The first signing of a session needs the password, and the code of those
    who have a second factor; the later ones need one of them.

    Raises:
        ReauthenticationFailed: a component is missing or wrong, or a machine asks.
        TooManyRequests: too many wrong ones in this session.
    """
    door = Door.of(session)
    with door.database.transaction() as reading:
        account = reading.get(Account, caller.id)
        opened = reading.get(AccountSession, caller.session)
    if account is None or not account.active or caller.machine:
        raise ReauthenticationFailed
    first = opened is None or opened.account != caller.id or opened.signed_at is None
    enrolled = account.totp_confirmed_at is not None
    needed = enrolled or account.role in door.settings.totp_roles
    if first and (password is None or (needed and totp is None)):
        raise ReauthenticationFailed
    attempt = session.info["request"].state
    # A transaction that PostgreSQL gave up runs again, but a code is good once.
    if not getattr(attempt, "reauthenticated", False):
        _prove_again(door, account, caller, password, totp)
        attempt.reauthenticated = True
    # What was proven may have been taken away meanwhile; nobody takes it away before the commit.
    still = session.get_one(Account, account.id, with_for_update={"read": True})
    if not still.active or still.version != account.version:
        raise ReauthenticationFailed
    now = session.get(AccountSession, caller.session, with_for_update=True)
    if now is not None and now.ended_at is not None:
        raise ReauthenticationFailed
    if first and now is not None and now.account == caller.id:
        now.signed_at = datetime.now(UTC)


def _prove_again(
    door: Door, account: Account, caller: Principal, password: str | None, totp: str | None
) -> None:
    guess = throttle.begin(door, account.username, Source("", session=caller.session))
    with credentials.undecided(door, guess):
        holds = credentials.components_hold(door, account, password, totp)
    if not holds:
        credentials.refused(door, account, guess, "component", caller)
        raise ReauthenticationFailed
    with door.database.transaction(caller) as session:
        throttle.take_back(session, guess)


def change_password(
    door: Door, source: Source, username: str, password: str, code: str | None, new: str
) -> datetime:
    """Replace a person's password by their own, and end their sessions.

    Raises:
        InvalidGrant, TotpRequired, TooManyRequests: as in `credentials.prove_user`.
        Invalid: the new password is weak, or the old one.
    """
    proven = credentials.prove_user(door, source, username, password, code, Purpose.CHANGE_PASSWORD)
    account = proven.account
    if new == password:
        raise Invalid.at("/new_password", "password_unchanged", "It is the one you have")
    refuse_weak(new, "/new_password", context=[username, account.name, *account.sites])
    secret_hash = hash_secret(new)
    return _change(door, proven, secret_hash=secret_hash, password_expires_at=None)


def offer_totp(
    door: Door, source: Source, username: str, password: str, code: str | None
) -> Enrolment:
    """A new secret for a person's authenticator; nothing changes before it is confirmed.

    Raises:
        InvalidGrant, TotpRequired, PasswordChangeRequired, TooManyRequests: as in
        `credentials.prove_user`; an enrolled person needs a code of the old authenticator.
    """
    proven = credentials.prove_user(door, source, username, password, code, Purpose.ENROL_TOTP)
    return enrolment(door, proven.account.id, proven.account.version, username)


def confirm_totp(
    door: Door, source: Source, username: str, password: str, ticket: str, code: str
) -> datetime:
    """Enrol the authenticator that a ticket offered, once it shows the right code.

    Ends the person's sessions.

    Raises:
        InvalidGrant, PasswordChangeRequired, TooManyRequests: as in `credentials.prove_user`.
        TicketRefused: the ticket is not this account's, or older than ten minutes.
        Invalid: the code is not the new authenticator's.
    """
    proven = credentials.prove_user(door, source, username, password, None, Purpose.CONFIRM_TOTP)
    account = proven.account
    try:
        secret = offered(door, account.id, account.version, ticket)
    except BadTicket:
        raise TicketRefused from None
    step = step_of(secret, code)
    if step is None:
        raise Invalid.at("/totp", "wrong_code", _WRONG_CODE)
    return _change(
        door,
        proven,
        totp_secret=seal(door, account.id, secret),
        totp_confirmed_at=datetime.now(UTC),
        totp_last_step=step,
    )


def _change(door: Door, proven: Proven, **columns: object) -> datetime:
    """Change credentials by their holder's own hand, and end the sessions opened with the old."""
    with door.database.transaction() as session:
        caller = principal_of(session, proven.account, new_id())
    with door.database.transaction(caller) as session:
        account = credentials.locked(session, proven)
        # Before the account itself: signing out locks its session first, then their chain.
        sessions.end_all(session, account.id)
        for name, value in columns.items():
            setattr(account, name, value)
        account.version += 1
    return datetime.now(UTC)

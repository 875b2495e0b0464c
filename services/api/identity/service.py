"""Accounts and their secrets: the only user of the account table."""

from functools import cache
from secrets import token_urlsafe
from threading import BoundedSemaphore
from uuid import UUID

from pwdlib import PasswordHash
from sqlmodel import Session, col, select

from services.api.core.auth import Principal
from services.api.core.permissions import SITE_BOUND, WITHOUT_CLINICAL_DATA, Role
from services.api.identity.errors import InvalidClient, InvalidGrant, ReauthenticationFailed
from services.api.identity.models import Account
from services.api.study.models import Site

_HASHER = PasswordHash.recommended()
# argon2id takes a core and 64 MiB for a third of a second: more at once starves everyone.
_HASHING = BoundedSemaphore(2)


def hash_secret(secret: str) -> str:
    """The argon2id hash of a password or client secret."""
    return _HASHER.hash(secret)


@cache
def _nobody() -> str:
    """A hash to verify when the account is unknown, so that the answer takes as long."""
    return _HASHER.hash(token_urlsafe())


def _matches(secret: str, secret_hash: str) -> bool:
    with _HASHING:
        return _HASHER.verify(secret, secret_hash)


def sign_in_user(session: Session, username: str, password: str) -> Principal:
    """The person with that user name and password.

    Raises:
        InvalidGrant: no such active person, or another password.
    """
    principal = _sign_in(session, "user", username, password)
    if principal is None:
        raise InvalidGrant
    return principal


def sign_in_client(session: Session, client_id: str, secret: str) -> Principal:
    """The machine client with that id and secret.

    Raises:
        InvalidClient: no such active client, or another secret.
    """
    principal = _sign_in(session, "client", client_id, secret)
    if principal is None:
        raise InvalidClient
    return principal


def _sign_in(session: Session, kind: str, username: str, secret: str) -> Principal | None:
    account = session.exec(
        select(Account).where(
            Account.kind == kind, Account.username == username, col(Account.active)
        )
    ).one_or_none()
    matches = _matches(secret, account.secret_hash if account else _nobody())
    if account is None or not matches:
        return None
    role = Role(account.role)
    return Principal(
        id=account.id,
        name=account.name,
        role=role,
        sites=_sites(session, role, account.sites),
        machine=account.kind == "client",
    )


def _sites(session: Session, role: Role, assigned: list[str]) -> tuple[str, ...]:
    """Site-bound roles have the sites of their account, the others all or none."""
    if role in SITE_BOUND:
        return tuple(assigned)
    if role in WITHOUT_CLINICAL_DATA:
        return ()
    return tuple(session.exec(select(Site.code).order_by(Site.code)).all())


def reauthenticate(session: Session, caller: Principal, password: str) -> None:
    """Make sure that the person signing is the one signed in (21 CFR 11.200).

    Raises:
        ReauthenticationFailed: the password is not theirs, the account was deactivated since,
            or a machine asks.
    """
    account = session.get(Account, caller.id)
    if account is None or not account.active or caller.machine:
        raise ReauthenticationFailed
    if not _matches(password, account.secret_hash):
        raise ReauthenticationFailed


def create_account(
    session: Session,
    *,
    account_id: UUID,
    kind: str,
    username: str,
    name: str,
    role: Role,
    sites: list[str],
    secret_hash: str,
) -> None:
    """Create an account that may sign in at once."""
    session.add(
        Account(
            id=account_id,
            kind=kind,
            username=username,
            name=name,
            role=role.value,
            sites=sites,
            secret_hash=secret_hash,
        )
    )

"""Users and machine clients: made and changed by admins, deactivated at once, never deleted."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import any_, literal
from sqlmodel import Session, col, select

from services.api.accounts.errors import KnowsTheArms, LastAdmin, OwnAccount
from services.api.accounts.rules import misplaced, repeated, without_way_in
from services.api.accounts.schemas import (
    ClientCreate,
    ClientPatch,
    ClientQuery,
    KeySet,
    UserCreate,
    UserPatch,
    UserQuery,
)
from services.api.core.auth import Principal
from services.api.core.db import because
from services.api.core.errors import FieldError, Invalid, NotFound
from services.api.core.etag import check_version
from services.api.core.pagination import page
from services.api.core.permissions import Role
from services.api.identity import sessions
from services.api.identity.models import Account
from services.api.identity.passwords import hash_secret, refuse_weak
from services.api.study import service as study

TEMPORARY = timedelta(days=7)
"""How long a password that an admin gave may wait to be replaced by the person's own."""

NOT_FOR_ONESELF = frozenset({"role", "secret_hash", "totp_secret"})
"""What admins cannot change of their own account: a stolen token must not be made to last."""

FORGOTTEN_TOTP: Mapping[str, Any] = {
    "totp_secret": None,
    "totp_confirmed_at": None,
    "totp_last_step": None,
}

Kind = Literal["user", "client"]


# --- people --------------------------------------------------------------------------


def list_users(session: Session, asked: UserQuery) -> tuple[Sequence[Account], str | None]:
    """Users, active or not, oldest first."""
    return _list(session, "user", asked, role=asked.role, username=asked.username)


def get_user(session: Session, user_id: UUID, *, lock: bool = False) -> Account:
    """One user; with `lock` nobody else changes them until commit.

    Raises:
        NotFound: there is no such user.
    """
    return _get(session, "user", user_id, lock=lock)


def create_user(session: Session, given: UserCreate, *, temporary: bool = True) -> Account:
    """Create a user, by default with a password that they have yet to replace.

    Raises:
        UsernameTaken: a user or client has that name.
        Invalid: the sites do not fit the role, or the password is weak.
    """
    role = Role(given.role)
    _refuse(misplaced(role, given.sites, _codes(session)))
    account = Account(
        kind="user",
        username=given.username,
        name=given.name,
        role=role.value,
        sites=given.sites,
        secret_hash=hashed(session, "/password", given.password, given.username, given.name),
        password_expires_at=datetime.now(UTC) + TEMPORARY if temporary else None,
    )
    session.add(account)
    session.flush()
    return account


def change_user(
    session: Session, caller: Principal, user_id: UUID, expected: int, patch: UserPatch
) -> Account:
    """Change a user, or deactivate them; all but a new name ends their sessions.

    Raises:
        NotFound, StaleVersion.
        Invalid: the sites do not fit the role, or the password is weak.
        OwnAccount: an admin's own role, password or authenticator.
        LastAdmin: nobody would be left to administer.
        KnowsTheArms: nobody becomes an assessor who was something else.
    """
    given = patch.changes()
    # Before the account itself: whoever takes an admin away sees what the others did.
    admins = lock_admins(session) if given.keys() & {"role", "active"} else frozenset()
    account = get_user(session, user_id, lock=True)
    check_version(expected, account.version)
    columns = _plain(given)
    role = Role(patch.role or account.role)
    _refuse(misplaced(role, columns.get("sites", account.sites), _codes(session)))
    if role is Role.ASSESSOR is not Role(account.role):
        raise KnowsTheArms
    columns["role"] = role.value
    if patch.password is not None:
        columns["secret_hash"] = hashed(
            session, "/password", patch.password, account.username, account.name
        )
        columns["password_expires_at"] = datetime.now(UTC) + TEMPORARY
    if patch.totp_enrolled is not None:
        columns.update(FORGOTTEN_TOTP)
    changed = differing(account, columns)
    if account.id == caller.id and changed.keys() & NOT_FOR_ONESELF:
        raise OwnAccount
    if admins == {account.id} and changed.keys() & {"role", "active"}:
        raise LastAdmin
    return apply(session, account, changed, patch.reason)


# --- machines ------------------------------------------------------------------------


def list_clients(session: Session, asked: ClientQuery) -> tuple[Sequence[Account], str | None]:
    """Clients, active or not, oldest first."""
    return _list(session, "client", asked, username=asked.client_id)


def get_client(session: Session, account_id: UUID, *, lock: bool = False) -> Account:
    """One machine client; with `lock` nobody else changes it until commit.

    Raises:
        NotFound: there is no such client.
    """
    return _get(session, "client", account_id, lock=lock)


def create_client(session: Session, given: ClientCreate) -> Account:
    """Create a machine client of one or more hospitals.

    Raises:
        UsernameTaken: a user or client has that id.
        Invalid: unknown sites, no credentials, a weak secret, or keys of one name.
    """
    role = Role.HOSPITAL_SYSTEM
    _refuse(
        misplaced(role, given.sites, _codes(session))
        + without_way_in(secret=given.secret is not None, keys=given.jwks is not None)
    )
    account = Account(
        kind="client",
        username=given.client_id,
        name=given.name,
        role=role.value,
        sites=given.sites,
        jwks=_key_set(given.jwks),
    )
    if given.secret is not None:
        account.secret_hash = hashed(session, "/secret", given.secret, given.client_id, given.name)
    session.add(account)
    session.flush()
    return account


def change_client(session: Session, account_id: UUID, expected: int, patch: ClientPatch) -> Account:
    """Change a client, or deactivate it; all but a new name ends its sessions.

    Raises:
        NotFound, StaleVersion.
        Invalid: unknown sites, no credentials left, a weak secret, or keys of one name.
    """
    given = patch.changes()
    account = get_client(session, account_id, lock=True)
    check_version(expected, account.version)
    columns = _plain(given)
    if "jwks" in given:
        columns["jwks"] = _key_set(patch.jwks)
    _refuse(
        misplaced(Role.HOSPITAL_SYSTEM, columns.get("sites", account.sites), _codes(session))
        + without_way_in(
            secret=given.get("secret", account.secret_hash) is not None,
            keys=columns.get("jwks", account.jwks) is not None,
        )
    )
    if "secret" in given:
        columns["secret_hash"] = patch.secret and hashed(
            session, "/secret", patch.secret, account.username, account.name
        )
    return apply(session, account, differing(account, columns), patch.reason)


def _key_set(given: KeySet | None) -> dict[str, Any] | None:
    """The keys as they are kept.

    Raises:
        Invalid: two have the same name.
    """
    if given is None:
        return None
    _refuse(repeated([key.kid for key in given.keys]))
    return given.model_dump(exclude_none=True)


# --- both ----------------------------------------------------------------------------


def apply(session: Session, account: Account, changed: Mapping[str, Any], reason: str) -> Account:
    """Change a locked account, and end what was begun on other grounds; nothing for no change."""
    if not changed:
        return account
    because(session, reason)
    if changed.keys() != {"name"}:
        # Before the account itself: signing out locks its session first, then their chain.
        sessions.end_all(session, account.id)
    for name, value in changed.items():
        setattr(account, name, value)
    account.version += 1
    session.flush()
    return account


def lock_admins(session: Session) -> frozenset[UUID]:
    """The active admins, none of whom another transaction can unmake before this one ends.

    One who is being deactivated is waited for, and then no longer among them.
    """
    query = select(Account.id).where(Account.role == Role.ADMIN.value, col(Account.active))
    ordered = query.order_by(col(Account.id)).with_for_update(key_share=True)
    return frozenset(session.exec(ordered).all())


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a patch that are columns as they stand."""
    return {name: given[name] for name in ("name", "sites", "active") if name in given}


def differing(account: Account, columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns whose value is not yet the one given."""
    return {name: value for name, value in columns.items() if getattr(account, name) != value}


def _list(
    session: Session, kind: Kind, asked: UserQuery | ClientQuery, **filters: str | None
) -> tuple[Sequence[Account], str | None]:
    query = select(Account).where(Account.kind == kind)
    if asked.site is not None:
        query = query.where(literal(asked.site) == any_(col(Account.sites)))
    if asked.active is not None:
        query = query.where(col(Account.active).is_(asked.active))
    given = {name: str(value) for name, value in filters.items() if value is not None}
    return page(session, query.filter_by(**given), Account.id, asked)


def _get(session: Session, kind: Kind, account_id: UUID, *, lock: bool) -> Account:
    query = select(Account).where(Account.kind == kind, Account.id == account_id)
    # Weaker than FOR UPDATE, so a session of the account can be opened meanwhile.
    account = session.exec(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if account is None:
        raise NotFound
    return account


def _codes(session: Session) -> frozenset[str]:
    return frozenset(site.code for site in study.list_sites(session))


def _refuse(faults: Sequence[FieldError]) -> None:
    if faults:
        raise Invalid(errors=faults)


def hashed(session: Session, pointer: str, secret: str, *names: str) -> str:
    """The hash of a password or secret that is strong enough.

    Raises:
        Invalid: it is weak.
    """
    refuse_weak(secret, pointer, context=[*names, *_known_words(session)])
    return hash_secret(secret)


def _known_words(session: Session) -> Iterator[str]:
    """What everyone knows of the trial, and would try first."""
    for site in study.list_sites(session):
        yield from (site.code, site.city, site.name)
    for version in study.list_versions(session):
        facts = version.document["study"]
        yield from (facts["nct_id"], facts["organisation_study_id"])

"""The operator's way in: the first admin of an installation, or an admin who lost theirs.

Whoever has the database's credentials stands outside the roles, so this is no
operation of the API; the trail names them as `operator`.
"""

import json

from pydantic import ValidationError
from sqlmodel import Session, select

from services.api.accounts.schemas import UserCreate
from services.api.accounts.service import (
    FORGOTTEN_TOTP,
    apply,
    create_user,
    differing,
    hashed,
    lock_admins,
)
from services.api.core.db import because
from services.api.core.errors import Invalid
from services.api.core.permissions import Role
from services.api.identity.models import Account

OPERATOR = ("00000000-0000-4000-8000-000000000001", "operator")
"""Id and role of the actor in the audit trail; nobody can sign in with them."""


class NotAppointed(Exception):
    """The account cannot be made an admin's by the operator; says why, in a sentence."""


def appoint(
    session: Session, operator: str, username: str, password: str, name: str | None
) -> Account:
    """Create the first admin, or let an existing admin in again with a new password.

    The password is the admin's own, so it need not be replaced. An existing
    admin's authenticator is forgotten and their sessions end. `operator` is
    the name of whoever does it, for the trail.

    Raises:
        NotAppointed: another active admin can do it over the API, the account is not an
            admin's, or name or password are not fit.
    """
    connection = session.connection()
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('trial user'))")
    connection.exec_driver_sql(
        "SELECT set_config('trial.sub', %s, true), set_config('trial.role', %s, true),"
        " set_config('trial.name', %s, true)",
        (*OPERATOR, operator),
    )
    others_can = bool(lock_admins(session))
    query = select(Account).where(Account.username == username).with_for_update()
    account = session.exec(query).one_or_none()
    if account is None and others_can:
        raise NotAppointed(
            "There is an active admin: admins create accounts with POST /v1/users. To let an"
            " existing admin in again, give their user name."
        )
    try:
        if account is None:
            return _create(session, username, password, name)
        return _let_in(session, account, password, name, others_can=others_can)
    except ValidationError as error:
        # Never the text of the error itself: it repeats what was given.
        faults = [f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors()]
        raise NotAppointed("; ".join(faults)) from None
    except Invalid as refusal:
        faults = [f"{fault.pointer[1:]}: {fault.detail}" for fault in refusal.errors]
        raise NotAppointed("; ".join(faults)) from None


def _create(session: Session, username: str, password: str, name: str | None) -> Account:
    if name is None:
        raise NotAppointed("A new admin needs --name: their name as it is to be signed")
    because(session, "First admin of the installation")
    return create_user(session, _admin(username, password, name), temporary=False)


def _let_in(
    session: Session, account: Account, password: str, name: str | None, *, others_can: bool
) -> Account:
    if account.kind != "user" or account.role != Role.ADMIN:
        raise NotAppointed(f"{account.username} is not an admin's account")
    if not account.active and others_can:
        raise NotAppointed(f"{account.username} is deactivated: an active admin can change that")
    given = _admin(account.username, password, name or account.name)
    columns = {
        "name": given.name,
        "active": True,
        "secret_hash": hashed(session, "/password", password, account.username, given.name),
        "password_expires_at": None,
        **FORGOTTEN_TOTP,
    }
    return apply(session, account, differing(account, columns), "Let in again by the operator")


def _admin(username: str, password: str, name: str) -> UserCreate:
    """What was given, held to the same rules as over the API.

    Raises:
        ValidationError: it is not fit.
    """
    given = {"username": username, "name": name, "password": password}
    return UserCreate.model_validate_json(json.dumps({**given, "role": Role.ADMIN, "sites": []}))

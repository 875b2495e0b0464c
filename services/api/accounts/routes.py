"""Users and machine clients over HTTP, for admins."""

from typing import Annotated

from fastapi import Body as JsonBody
from fastapi import Depends, Query

from services.api.accounts import service
from services.api.accounts.errors import KnowsTheArms, LastAdmin, OwnAccount, UsernameTaken
from services.api.accounts.schemas import (
    AccountId,
    AccountLinks,
    ClientCreate,
    ClientPage,
    ClientPatch,
    ClientQuery,
    ClientRead,
    UserCreate,
    UserId,
    UserPage,
    UserPatch,
    UserQuery,
    UserRead,
)
from services.api.core.auth import Principal, require
from services.api.core.db import SessionDep
from services.api.core.errors import (
    BadCursor,
    Forbidden,
    IfMatchMissing,
    Invalid,
    NotFound,
    StaleVersion,
    Unauthorized,
    responses,
)
from services.api.core.etag import IfMatch
from services.api.core.idempotency import REFUSALS as KEY_REFUSALS
from services.api.core.idempotency import Once
from services.api.core.permissions import Action
from services.api.core.routing import MERGE_PATCH, Router
from services.api.identity.models import Account

router = Router(prefix="/v1", tags=["accounts"])
ONE = (Unauthorized, Forbidden, NotFound)
LISTS = (Unauthorized, Forbidden, BadCursor)
CREATES = (Unauthorized, Forbidden, UsernameTaken, Invalid, *KEY_REFUSALS)
CHANGES = (*ONE, Invalid, StaleVersion, IfMatchMissing)


def _user(account: Account) -> UserRead:
    return UserRead(
        id=account.id,
        username=account.username,
        name=account.name,
        role=account.role,
        sites=account.sites,
        active=account.active,
        totp_enrolled=account.totp_confirmed_at is not None,
        password_temporary=account.password_expires_at is not None,
        created_at=account.created_at,
        version=account.version,
        links=AccountLinks(self=f"/v1/users/{account.id}"),
    )


def _client(account: Account) -> ClientRead:
    keys = account.jwks["keys"] if account.jwks else []
    return ClientRead(
        id=account.id,
        client_id=account.username,
        name=account.name,
        sites=account.sites,
        active=account.active,
        has_secret=account.secret_hash is not None,
        keys=[key["kid"] for key in keys],
        created_at=account.created_at,
        version=account.version,
        links=AccountLinks(self=f"/v1/clients/{account.id}"),
    )


@router.get("/users", responses=responses(*LISTS))
def list_users(
    _: Annotated[Principal, Depends(require(Action.READ_USERS))],
    session: SessionDep,
    asked: Annotated[UserQuery, Query()],
) -> UserPage:
    """People with an account, active or not."""
    rows, cursor = service.list_users(session, asked)
    return UserPage(items=[_user(row) for row in rows], next_cursor=cursor)


@router.post(
    "/users",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(*CREATES),
)
def create_user(
    person: UserCreate,
    _: Annotated[Principal, Depends(require(Action.CREATE_USER))],
    session: SessionDep,
) -> UserRead:
    """Give a person an account, with a password that they replace before they first sign in.

    A site-bound role needs its sites, a role of the whole trial takes none. The appointment
    stands in the audit trail: it is the trial's delegation log (ICH E6(R3)).
    """
    return _user(service.create_user(session, person))


@router.get("/users/{user_id}", responses=responses(*ONE))
def read_user(
    user_id: UserId,
    _: Annotated[Principal, Depends(require(Action.READ_USERS))],
    session: SessionDep,
) -> UserRead:
    """One person's account."""
    return _user(service.get_user(session, user_id))


@router.patch(
    "/users/{user_id}", responses=responses(*CHANGES, OwnAccount, LastAdmin, KnowsTheArms)
)
def change_user(
    user_id: UserId,
    patch: Annotated[UserPatch, JsonBody(media_type=MERGE_PATCH)],
    caller: Annotated[Principal, Depends(require(Action.CHANGE_USER))],
    expected: IfMatch,
    session: SessionDep,
) -> UserRead:
    """Change or deactivate a person's account; all but a new name ends their sessions.

    Nobody is deleted: `active` false keeps the name under everything they did. An admin
    cannot change their own role, password or authenticator, and the last admin stays.
    """
    return _user(service.change_user(session, caller, user_id, expected, patch))


@router.get("/clients", responses=responses(*LISTS))
def list_clients(
    _: Annotated[Principal, Depends(require(Action.READ_CLIENTS))],
    session: SessionDep,
    asked: Annotated[ClientQuery, Query()],
) -> ClientPage:
    """Hospitals' systems with an account, active or not."""
    rows, cursor = service.list_clients(session, asked)
    return ClientPage(items=[_client(row) for row in rows], next_cursor=cursor)


@router.post(
    "/clients",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(*CREATES),
)
def create_client(
    system: ClientCreate,
    _: Annotated[Principal, Depends(require(Action.CREATE_CLIENT))],
    session: SessionDep,
) -> ClientRead:
    """Give a hospital's system an account, with a secret, public keys, or both.

    It acts as `hospital_system` at its sites: it enters what the hospital knows, and signs
    and grades nothing. Prefer public keys: their private part never leaves the hospital.
    """
    return _client(service.create_client(session, system))


@router.get("/clients/{account_id}", responses=responses(*ONE))
def read_client(
    account_id: AccountId,
    _: Annotated[Principal, Depends(require(Action.READ_CLIENTS))],
    session: SessionDep,
) -> ClientRead:
    """One system's account."""
    return _client(service.get_client(session, account_id))


@router.patch("/clients/{account_id}", responses=responses(*CHANGES))
def change_client(
    account_id: AccountId,
    patch: Annotated[ClientPatch, JsonBody(media_type=MERGE_PATCH)],
    _: Annotated[Principal, Depends(require(Action.CHANGE_CLIENT))],
    expected: IfMatch,
    session: SessionDep,
) -> ClientRead:
    """Change or deactivate a system's account; all but a new name ends its sessions.

    A new secret or key set replaces the one before at once: give two keys during a
    rotation.
    """
    return _client(service.change_client(session, account_id, expected, patch))

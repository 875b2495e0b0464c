"""Two admins at once: whoever comes second sees what the first has done."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from sqlalchemy.exc import DBAPIError

from services.api.accounts import service
from services.api.accounts.errors import LastAdmin
from services.api.accounts.schemas import UserCreate, UserPatch
from services.api.core.auth import Principal
from services.api.core.db import Database
from services.api.core.errors import ApiError, StaleVersion
from services.api.core.permissions import Role
from services.api.sandbox.service import NAMESPACE
from tests.make import Api

ADMIN = uuid5(NAMESPACE, "admin")
MONITOR = uuid5(NAMESPACE, "monitor-nn")
REASON = "Left the study team"


def principal(account_id: UUID) -> Principal:
    return Principal(account_id, "Admin", Role.ADMIN, (), machine=False, session=uuid4())


def patch(**changes: object) -> UserPatch:
    return UserPatch.model_validate({**changes, "reason": REASON})


@pytest.fixture
def second(api: Api) -> UUID:
    """Another admin."""
    database: Database = api.state.database
    given = {
        "username": "second",
        "name": "Second admin",
        "role": "admin",
        "sites": [],
        "password": "wisteria ladder 7 mercury",
    }
    with database.session(principal(ADMIN)) as session:
        made = service.create_user(session, UserCreate.model_validate(given)).id
        session.commit()
    return made


def change(database: Database, caller: UUID, account: UUID, **changes: object) -> None:
    """One admin's change, as a transaction."""
    with database.session(principal(caller)) as session:
        service.change_user(session, principal(caller), account, 1, patch(**changes))
        session.commit()


def waiting(api: Api) -> bool:
    """Whether a transaction waits for another's lock."""
    blocked = "SELECT 1 FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
    return bool(api.rows(blocked))


def raced(
    api: Api, first: Callable[[Any], object], then: Callable[[], object]
) -> type[Exception] | None:
    """The refusal of what began after `first` was done, and before it was committed."""
    database: Database = api.state.database
    with (
        ThreadPoolExecutor(1) as other,
        database.session(principal(ADMIN)) as session,
    ):
        first(session)
        refused = other.submit(then)
        deadline = time.monotonic() + 5
        while not waiting(api) and not refused.done():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        session.commit()
        error = refused.exception(timeout=10)
        assert error is None or isinstance(error, ApiError | DBAPIError), error
        return type(error) if error else None


@pytest.mark.parametrize("change_of_second", [{"active": False}, {"role": "auditor"}])
def test_two_admins_do_not_deactivate_each_other(
    api: Api, second: UUID, change_of_second: dict[str, object]
) -> None:
    refusal = raced(
        api,
        lambda session: service.change_user(
            session, principal(ADMIN), second, 1, patch(**change_of_second)
        ),
        lambda: change(api.state.database, second, ADMIN, active=False),
    )
    assert refusal is LastAdmin
    (row,) = api.rows("SELECT username FROM account WHERE role = 'admin' AND active")
    assert row.username == "admin"


def test_two_admins_who_leave_at_once_do_not_both_leave(api: Api, second: UUID) -> None:
    refusal = raced(
        api,
        lambda session: service.change_user(
            session, principal(ADMIN), ADMIN, 1, patch(active=False)
        ),
        lambda: change(api.state.database, second, second, active=False),
    )
    assert refusal is LastAdmin
    (row,) = api.rows("SELECT username FROM account WHERE role = 'admin' AND active")
    assert row.username == "second"


def test_of_two_changes_of_one_version_one_is_made(api: Api, second: UUID) -> None:
    refusal = raced(
        api,
        lambda session: service.change_user(
            session, principal(ADMIN), MONITOR, 1, patch(name="First")
        ),
        lambda: change(api.state.database, second, MONITOR, name="Second"),
    )
    assert refusal is StaleVersion
    (row,) = api.rows("SELECT name, version FROM account WHERE id = :id", id=MONITOR)
    assert (row.name, row.version) == ("First", 2)


def test_a_name_can_be_corrected_while_admins_are_locked(api: Api, second: UUID) -> None:
    """Only what makes or unmakes an admin waits for the others."""
    refusal = raced(
        api,
        lambda session: service.lock_admins(session),
        lambda: change(api.state.database, second, MONITOR, name="Corrected"),
    )
    assert refusal is None

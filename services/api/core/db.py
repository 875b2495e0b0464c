"""The database: one pool per worker, and each transaction's row-level security context."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from asgi_correlation_id import correlation_id
from fastapi import Depends, Request
from psycopg import Connection as PsycopgConnection
from psycopg.errors import Diagnostic
from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session, SQLModel

from services.api.core.auth import Caller
from services.api.core.errors import Unavailable

SQLModel.metadata.naming_convention = {
    "ix": "%(table_name)s_%(column_0_N_name)s_index",
    "uq": "%(table_name)s_%(column_0_N_name)s_unique",
    "ck": "%(constraint_name)s",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}
"""Every constraint has a name, so that its violation can be told as a problem."""

_BEGIN = (
    "BEGIN {}; SELECT set_config('trial.sub', {}, true), set_config('trial.role', {}, true),"
    " set_config('trial.sites', {}, true), set_config('trial.request_id', {}, true),"
    " set_config('trial.name', {}, true)"
)
"""One round trip; `true` ends each setting with its transaction, so a pool cannot leak it."""


ASIDE = 2
"""Connections of a worker for what is kept although its request is refused."""


class TrialSession(Session):
    """A session whose every transaction begins with its caller's security context."""


class Database:
    """The engine of one worker, as the app role."""

    def __init__(self, url: str, pool_size: int) -> None:
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            hide_parameters=True,
            # The driver's own BEGIN would be a round trip of its own: see _begin.
            isolation_level="AUTOCOMMIT",
        )
        event.listen(self.engine, "connect", _watch_commits)
        # A pool apart: a request that holds a connection while it waits for one of these
        # cannot starve itself.
        self._aside: Engine = create_engine(
            url,
            pool_size=ASIDE,
            max_overflow=0,
            pool_timeout=5,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",
        )
        # Without a pool: what takes minutes must not take requests' connections from them.
        self._long: Engine = create_engine(
            url, poolclass=NullPool, hide_parameters=True, isolation_level="AUTOCOMMIT"
        )

    def session(self, caller: Caller | None = None, **info: Any) -> Session:
        """A session that connects when it is first used; `info` travels with it."""
        return TrialSession(
            self.engine, expire_on_commit=False, info={"caller": caller, "database": self, **info}
        )

    @contextmanager
    def transaction(self, caller: Caller | None = None) -> Iterator[Session]:
        """A short transaction of its own: for what is kept although the request is refused."""
        with TrialSession(self._aside, expire_on_commit=False, info={"caller": caller}) as session:
            yield session
            session.commit()

    @contextmanager
    def snapshot(self, caller: Caller) -> Iterator[Session]:
        """A transaction that writes nothing and sees the data of one moment throughout."""
        info = {"caller": caller, "mode": "ISOLATION LEVEL REPEATABLE READ READ ONLY"}
        with TrialSession(self.engine, expire_on_commit=False, info=info) as session:
            yield session

    @contextmanager
    def long_snapshot(self, caller: Caller) -> Iterator[Session]:
        """As `snapshot`, on a connection of its own that is closed at the end."""
        info = {"caller": caller, "mode": "ISOLATION LEVEL REPEATABLE READ READ ONLY"}
        with TrialSession(self._long, expire_on_commit=False, info=info) as session:
            yield session

    def close(self) -> None:
        """Return every connection to the server."""
        self.engine.dispose()
        self._aside.dispose()

    def retire(self) -> None:
        """Return every connection and make no other: who still asks here is refused."""
        for engine in (self.engine, self._aside, self._long):
            event.listen(engine, "do_connect", _refuse_connection)
        self.close()


@event.listens_for(TrialSession, "after_begin")
def _begin(session: Session, _: SessionTransaction, connection: Connection) -> None:
    """Begin, with the caller's security context as the transaction's first statement."""
    caller: Caller | None = session.info["caller"]
    subject, role, sites, name = (
        (str(caller.id), caller.role.value, ",".join(caller.sites), caller.name)
        if caller
        else ("", "", "", "")
    )
    context = (subject, role, sites, correlation_id.get() or "", name)
    mode = session.info.get("mode", "")
    connection.exec_driver_sql(_BEGIN.format(mode, *map(_literal, context)))


def _literal(text: str) -> str:
    """A text as an SQL literal, for a statement that takes no parameters."""
    return "'" + text.replace("'", "''") + "'"


async def _open(request: Request) -> Session:
    database: Database = request.app.state.database
    return database.session(request=request)


SessionDep = Annotated[Session, Depends(_open)]
"""The request's session; `core/routing.py` begins, commits and closes it."""


def _refuse_connection(*_: object) -> None:
    raise Unavailable


def _watch_commits(connection: PsycopgConnection[Any], record: Any) -> None:
    """Remember a COMMIT that stopped waiting for a synchronous standby.

    PostgreSQL reports it as a WARNING of success; to the caller it is unknown.
    """

    def notice(diagnostic: Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            record.info["unconfirmed"] = True

    connection.add_notice_handler(notice)


def because(session: Session, reason: str | None) -> None:
    """Give the audit rows of this transaction the reason of the change."""
    session.connection().exec_driver_sql(
        "SELECT set_config('trial.reason', %s, true)", (reason or "",)
    )

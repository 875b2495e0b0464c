"""Every transaction begins with its caller's context, and nothing of it is left behind."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from services.api.core.auth import Principal
from services.api.core.db import Database, because
from services.api.core.errors import Unavailable
from services.api.core.making import new_id
from services.api.core.permissions import Role
from services.api.embedded import Cluster
from tests.conftest import APP_PASSWORD
from tests.make import Api, created, problem

CONTEXT = text(
    "SELECT current_setting('trial.sub', true), current_setting('trial.role', true),"
    " current_setting('trial.sites', true), current_setting('trial.reason', true)"
)


def person(*sites: str) -> Principal:
    return Principal(uuid4(), "Someone", Role.INVESTIGATOR, sites, machine=False, session=uuid4())


def context(session: Session) -> tuple[str | None, ...]:
    return tuple(session.execute(CONTEXT).one())


@pytest.fixture
def one_connection(cluster: Cluster, shared_database: str) -> Iterator[Database]:
    """The app's database through a pool of one, so that every session borrows the same."""
    made = Database(cluster.url("trial_app", APP_PASSWORD, shared_database), pool_size=1)
    yield made
    made.close()


def test_a_database_that_was_replaced_is_reached_in_no_way(one_connection: Database) -> None:
    """Neither is another of the same name: an export must not begin in what a reset put there."""
    caller = person("NN")
    one_connection.retire()
    ways = one_connection.session, one_connection.transaction
    snapshots = one_connection.snapshot, one_connection.long_snapshot
    for way in (*ways, *snapshots):
        with pytest.raises(Unavailable), way(caller) as session:
            context(session)


def test_each_transaction_has_its_callers_context(one_connection: Database) -> None:
    caller = person("NN", "LZ")
    with one_connection.session(caller) as session:
        for _ in range(2):
            assert context(session)[:3] == (str(caller.id), "investigator", "NN,LZ")
            session.commit()
            session.rollback()


def test_nothing_of_a_caller_is_left_for_the_next_borrower(one_connection: Database) -> None:
    with one_connection.session(person("NN", "LZ")) as session:
        because(session, "a reason")
        backend = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        session.commit()
    with one_connection.engine.connect() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() == backend
        assert not any(connection.execute(CONTEXT).one())
        assert connection.execute(text("SELECT caller_sites()")).scalar_one() is None
    with one_connection.session() as session:
        assert not any(context(session))


def test_a_rolled_back_transaction_leaves_nothing_either(one_connection: Database) -> None:
    with one_connection.session(person("NN")) as session:
        context(session)
        session.rollback()
    with one_connection.engine.connect() as connection:
        assert not any(connection.execute(CONTEXT).one())


def test_the_reason_is_that_of_one_transaction(one_connection: Database) -> None:
    with one_connection.session(person("NN")) as session:
        because(session, "the first reason")
        assert context(session)[3] == "the first reason"
        session.commit()
        assert not context(session)[3]


def test_the_app_waits_for_nothing_without_end(one_connection: Database) -> None:
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    with one_connection.session() as session:
        for name in limits:
            limit = session.execute(text("SELECT current_setting(:name)"), {"name": name})
            assert limit.scalar_one() in {"5s", "15s"}


def test_ids_sort_in_the_order_of_their_making() -> None:
    made = [new_id() for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {one.version for one in made} == {7}


def test_an_unreachable_database_is_unavailable_and_healthz_still_answers(
    unchanged: Api,
) -> None:
    nowhere = Database("postgresql+psycopg://trial_app@127.0.0.1:1/none", pool_size=1)
    unchanged.state.database = nowhere
    answer = unchanged.as_("monitor").get("/v1/subjects")
    problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"]
    problem(unchanged.get("/readyz"), 503, "unavailable")
    assert unchanged.get("/healthz").status_code == 200


def test_a_full_pool_is_overload_and_not_a_failure(
    unchanged: Api, one_connection: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_connection.engine.pool, "_timeout", 0.05)
    unchanged.state.database = one_connection
    with one_connection.engine.connect():
        problem(unchanged.as_("monitor").get("/v1/subjects"), 503, "unavailable")
    assert unchanged.as_("monitor").get("/v1/subjects").status_code == 200


def test_a_connection_that_the_server_ended_is_replaced(api: Api) -> None:
    investigator = api.as_("investigator")
    created(investigator.post("/v1/subjects", {"site": "NN", "year_of_birth": 1971, "sex": "male"}))
    api.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = 'trial_app' AND datname = current_database()"
    )
    investigator.screened()
    assert api.count("subject") == 2


def test_a_failed_statement_never_tells_its_parameters(one_connection: Database) -> None:
    secret = "NN-0007 born 1971"
    with pytest.raises(DBAPIError) as failure, one_connection.session() as session:
        session.execute(text("SELECT 1 / length(:secret) WHERE 1 / 0 = 1"), {"secret": secret})
    assert secret not in str(failure.value)

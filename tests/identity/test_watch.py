"""A session that ended is refused everywhere within a second, and asking costs nothing."""

import time
from collections.abc import Iterator

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import event

from services.api.core.errors import Unavailable
from services.api.embedded import Cluster
from services.api.identity.watch import INTERVAL, STALE, SessionWatch
from services.api.main import create_app
from tests.conftest import APP_PASSWORD
from tests.listening import listening
from tests.make import Api, ok, problem


@pytest.fixture
def other_worker(api: Api, cluster: Cluster, database: str) -> Iterator[httpx.Client]:
    """A second worker over the same database."""
    url = SecretStr(cluster.url("trial_app", APP_PASSWORD, database))
    app = create_app(api.state.settings.model_copy(update={"database_url": url}))
    with (
        listening(app) as address,
        httpx.Client(base_url=address, verify=False, timeout=30) as client,
    ):
        yield client


def me(client: httpx.Client, token: str) -> httpx.Response:
    return client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})


def test_what_is_known_is_never_older_than_a_second() -> None:
    assert INTERVAL + STALE <= 1


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_signing_out_is_known_to_every_worker_within_a_second(
    api: Api, other_worker: httpx.Client, kind: str
) -> None:
    tokens, others = ok(api.sign_in("monitor-nn")), ok(api.sign_in("monitor-nn"))
    for client in (api.client, other_worker):
        ok(me(client, tokens["access_token"]))
    ok(api.client.post("/v1/oauth/revoke", data={"token": tokens[kind]}))
    time.sleep(1)
    for client in (api.client, other_worker):
        answer = me(client, tokens["access_token"])
        problem(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        ok(me(client, others["access_token"]))
    problem(api.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    (row,) = api.rows("SELECT ended_because FROM account_session WHERE ended_at IS NOT NULL")
    assert row == ("signed_out",)


@pytest.mark.parametrize(
    "change", [{"active": False}, {"role": "coordinator"}, {"sites": ["LZ"]}], ids=str
)
def test_a_changed_account_is_known_to_every_worker_within_a_second(
    api: Api, other_worker: httpx.Client, change: dict[str, object]
) -> None:
    tokens = ok(api.sign_in("monitor-nn"))
    for client in (api.client, other_worker):
        account = ok(me(client, tokens["access_token"]))["id"]
    ok(api.as_("admin").patch(f"/v1/users/{account}", {**change, "reason": "Other duties"}))
    time.sleep(1)
    for client in (api.client, other_worker):
        problem(me(client, tokens["access_token"]), 401, "unauthorized")
    problem(api.refresh(tokens["refresh_token"]), 400, "invalid_grant")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é"])
def test_a_token_that_is_not_ours_is_nothing_to_revoke(api: Api, token: str) -> None:
    ok(api.sign_in("monitor-nn"))
    answer = api.client.post("/v1/oauth/revoke", data={"token": token})
    assert answer.status_code == (422 if token in {"", "é"} else 200)
    assert api.rows("SELECT 1 FROM account_session WHERE ended_at IS NOT NULL") == []


def test_checking_a_token_asks_the_database_nothing(api: Api) -> None:
    caller = api.as_("monitor")
    ok(caller.get("/v1/me"))
    asked: list[str] = []
    database = api.state.database

    def count(_: object, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    for engine in (database.engine, database._aside):
        event.listen(engine, "before_cursor_execute", count)
    for _ in range(20):
        ok(caller.get("/v1/me"))
    assert asked == []
    ok(caller.get("/v1/subjects"))
    assert asked


def test_a_worker_that_hears_nothing_asks_for_itself(api: Api) -> None:
    """The thread stopped, so only the check itself can find out."""
    tokens = ok(api.sign_in("monitor-nn"))
    caller = api.with_token(tokens["access_token"])
    ok(caller.get("/v1/me"))
    api.state.watch.close()
    ok(api.client.post("/v1/oauth/revoke", data={"token": tokens["refresh_token"]}))
    time.sleep(1)
    problem(caller.get("/v1/me"), 401, "unauthorized")


def test_without_an_answer_nobody_is_let_through(api: Api) -> None:
    caller = api.as_("monitor")
    ok(caller.get("/v1/me"))
    api.state.watch.close()
    api.state.watch = deaf = SessionWatch("postgresql://nobody@127.0.0.1:1/none")
    assert deaf.stale
    with pytest.raises(Unavailable):
        deaf.refresh()
    answer = caller.get("/v1/me")
    problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_database_that_comes_back_is_heard_again(api: Api) -> None:
    watch = api.state.watch
    while watch.stale:
        time.sleep(0.05)
    api.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    api.state.database.close()
    time.sleep(STALE + INTERVAL)
    while watch.stale:
        time.sleep(0.05)
    ok(api.as_("monitor").get("/v1/me"))

"""A reset puts a scenario in the place of the data: whole, at once, and the same for a seed."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from services.api.sandbox.errors import ResetNotPossible, ResetUnderWay
from services.api.sandbox.scenarios import Scenario
from services.api.sandbox.stage import NoStage
from services.api.scenarios import databases as place
from services.api.scenarios.databases import Databases
from services.api.scenarios.stage import OwnStage
from services.api.setup import ProductionDatabase
from tests.make import Api, Json, ok, problem
from tests.scenarios.told import told


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def reset(api: Api, **order: object) -> Json:
    return ok(api.client.post("/sandbox/reset", json=order))


def test_a_scenario_is_played_once_and_copied_ever_after(
    sandbox: Api, databases: Databases
) -> None:
    mine = sandbox.as_("investigator").screened()
    begun = reset(sandbox, scenario="screening", seed=3)
    assert (begun["scenario"], begun["seed"], begun["next_reset_at"]) == ("screening", 3, None)
    assert begun["now"][:16] == "2026-03-10T00:00"
    problem(sandbox.as_("investigator").get(mine["links"]["self"]), 404, "not_found")
    first = told(sandbox)
    made = sandbox.as_("investigator").screened()
    listed = ok(sandbox.as_("investigator").get("/v1/subjects"))["items"]
    assert (made["number"], made["id"]) == ("NN-0010", max(one["id"] for one in listed))
    sandbox.move_to(sandbox.today() + timedelta(days=30))
    started = time.monotonic()
    assert reset(sandbox)["now"][:16] == begun["now"][:16]
    assert time.monotonic() - started < 15
    assert told(sandbox) == first
    with databases._connected("postgres") as connection:
        assert len(databases._templates(connection)) == 2


def test_a_reset_ends_every_session(sandbox: Api) -> None:
    pair = ok(sandbox.sign_in("investigator-nn"))
    before = sandbox.with_token(pair["access_token"])
    ok(before.get("/v1/me"))
    reset(sandbox)
    problem(before.get("/v1/me"), 401, "unauthorized")
    problem(sandbox.refresh(pair["refresh_token"]), 400, "invalid_grant")
    ok(sandbox.sign_in("investigator-nn"))


def test_whoever_asks_during_a_reset_is_told_to_wait_and_sees_one_state_or_the_other(
    sandbox: Api,
) -> None:
    sandbox.as_("investigator").screened()
    ended, seen, waited = threading.Event(), set(), []
    address = str(sandbox.client.base_url)

    def ask() -> None:
        with httpx.Client(base_url=address, timeout=30) as client:
            while not ended.is_set():
                reader = Api(client, sandbox.state, sandbox.admin_url).as_("data_manager")
                answer = reader.get("/v1/subjects")
                if answer.status_code == 503:
                    waited.append(answer.headers["Retry-After"])
                    time.sleep(0.02)
                elif answer.status_code != 401:  # a token of the time before
                    seen.add(len(ok(answer)["items"]))

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    try:
        wait_until(lambda: 1 in seen)
        reset(sandbox)
        wait_until(lambda: 0 in seen)
    finally:
        ended.set()
        for asker in askers:
            asker.join()
    assert seen == {0, 1}
    assert set(waited) == {"2"}


def test_the_empty_scenario_has_the_clock_of_real_time(sandbox: Api) -> None:
    sandbox.move_to(sandbox.today() + timedelta(days=30))
    begun = reset(sandbox, scenario="empty")
    assert abs(datetime.fromisoformat(begun["now"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert ok(sandbox.client.get("/sandbox/clock"))["today"] == begun["today"]
    listed = ok(sandbox.client.get("/sandbox/scenarios"))
    assert listed["played"] == {"scenario": "empty", "seed": 1, "next_reset_at": None}
    assert [one["name"] for one in listed["items"]] == list(Scenario)


def test_one_reset_at_a_time(databases: Databases, sandbox: Api) -> None:
    stage = sandbox.state.stage
    stage._resetting.acquire()
    answer = sandbox.client.post("/sandbox/reset", json={})
    problem(answer, 409, "reset_under_way")
    assert answer.headers["Retry-After"] == "2"
    with pytest.raises(ResetUnderWay):
        stage.reset(None, None)
    stage._resetting.release()


@pytest.mark.parametrize(
    "order",
    [{"scenario": "none"}, {"seed": -1}, {"seed": 2**31}, {"seed": "1"}, {"other": 1}],
    ids=["scenario", "negative", "large", "text", "field"],
)
def test_an_order_that_is_none_changes_nothing(sandbox: Api, order: Json) -> None:
    made = sandbox.as_("investigator").screened()
    problem(sandbox.client.post("/sandbox/reset", json=order), 422, "invalid")
    ok(sandbox.as_("investigator").get(made["links"]["self"]))


def test_a_sandbox_resets_itself(sandbox: Api) -> None:
    stage: OwnStage = sandbox.state.stage
    with stage.keeping_time(None):
        assert stage.next_reset_at is None
    made = sandbox.as_("investigator").screened()
    with stage.keeping_time(0.2 / 3600):
        wait_until(
            lambda: sandbox.as_("investigator").get(made["links"]["self"]).status_code == 404
        )
        assert stage.next_reset_at is not None


def test_a_start_goes_on_with_the_scenario_that_it_names(sandbox: Api) -> None:
    made = sandbox.as_("investigator").screened()
    assert not sandbox.state.stage.begin(Scenario.EMPTY, 1)
    ok(sandbox.as_("investigator").get(made["links"]["self"]))
    sandbox.rows("UPDATE sandbox_clock SET scenario = 'screening'")
    assert sandbox.state.stage.begin(Scenario.EMPTY, 1)
    assert sandbox.count("subject") == 0


def test_a_database_that_no_sandbox_furnished_is_never_replaced(
    sandbox: Api, databases: Databases
) -> None:
    made = sandbox.as_("investigator").screened()
    sandbox.rows("DELETE FROM sandbox_clock")
    with pytest.raises(ProductionDatabase):
        sandbox.state.stage.reset(Scenario.EMPTY, 1)
    assert sandbox.count("subject") == 1
    ok(sandbox.as_("investigator").get(made["links"]["self"]))


def test_a_postgresql_that_may_not_replace_databases_is_told_what_to_do(
    sandbox: Api, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "_RIGHTS", "SELECT false")
    answer = sandbox.client.post("/sandbox/reset", json={"scenario": "empty"})
    problem(answer, 409, "reset_not_possible")
    assert "CREATEDB" in answer.json()["detail"]
    monkeypatch.setattr(place, "MAINTENANCE", "there_is_no_such_database")
    with pytest.raises(ResetNotPossible, match="cannot reach"):
        databases.check_rights()


@pytest.mark.parametrize("whose", ["others", "everybodys"])
def test_a_database_that_is_not_the_sandboxs_alone_is_never_thrown_away(
    sandbox: Api, databases: Databases, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    """A reset drops the whole database, with whatever else it holds."""
    if whose == "others":
        sandbox.rows("CREATE TABLE patient (id int)")
    else:  # the one that is worked from cannot be replaced, and would be closed for ever
        monkeypatch.setattr(place, "MAINTENANCE", databases.name)
    made = sandbox.as_("investigator").screened()
    answer = sandbox.client.post("/sandbox/reset", json={"scenario": "empty"})
    problem(answer, 409, "reset_not_possible")
    assert "database of its own" in answer.json()["detail"]
    ok(sandbox.as_("investigator").get(made["links"]["self"]))


def test_a_reset_that_fails_half_way_leaves_the_sandbox_as_it_was(
    sandbox: Api, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sandbox.as_("investigator").screened()
    monkeypatch.setattr(place, "_END_SESSIONS", "SELECT 1 / (datname = %s)::int FROM pg_database")
    with pytest.raises(psycopg.errors.DivisionByZero):
        sandbox.state.stage.reset(Scenario.EMPTY, 1)
    ok(sandbox.as_("investigator").get(made["links"]["self"]))
    monkeypatch.undo()
    reset(sandbox, scenario="empty")
    assert sandbox.count("subject") == 0


def test_both_databases_change_their_names_or_neither(sandbox: Api, databases: Databases) -> None:
    made = sandbox.as_("investigator").screened()
    with pytest.raises(psycopg.errors.InvalidCatalogName):
        databases.replace("there_is_no_such_copy")
    databases.prepare(databases.template(Scenario.EMPTY, 1))
    place.reopen(databases.admin_url)
    assert databases.played() == ("empty", 1)
    ok(sandbox.as_("investigator").get(made["links"]["self"]))


def test_a_start_opens_what_a_killed_reset_closed_and_nothing_that_others_closed(
    sandbox: Api, databases: Databases
) -> None:
    def close() -> None:
        with databases._connected(place.MAINTENANCE) as connection:
            place._do(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS false", databases.name)

    close()
    place.reopen(databases.admin_url)
    with pytest.raises(psycopg.OperationalError, match="not currently accepting"):
        databases.played()
    copy = databases.prepare(databases.template(Scenario.EMPTY, 1))
    place.reopen(databases.admin_url)
    assert databases.played() == ("empty", 1)
    with databases._connected(place.MAINTENANCE) as connection:
        place._do(connection, "DROP DATABASE {}", copy)


def test_an_application_that_nobody_started_as_a_sandbox_cannot_be_reset() -> None:
    with pytest.raises(ResetNotPossible, match="trial serve --sandbox"):
        NoStage().reset(None, None)

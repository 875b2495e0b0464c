"""The delegation log, tried over HTTP: every operation, by every role, at every kind of site."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from services.api.core.auth import Open, Require
from services.api.core.permissions import GRANTS, PUBLIC, SITE_BOUND, Action, Role
from services.api.embedded import Cluster
from tests.access.matrix import ANONYMOUS, CALLERS, CELLS, MATRIX, OF_A_SITE, WITH_EVERY_SITE, Cell
from tests.access.prepared import PREPARED, Prepared, copy
from tests.access.requests import LISTS, REQUESTS, WRITES
from tests.conftest import Served


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_matrix(at: Prepared, cluster: Cluster, cell: Cell) -> None:
    send = REQUESTS[cell.operation]
    caller = at.as_(cell.caller, cell.sites)
    if cell.status < 300 and cell.operation in WRITES:
        with copy(cluster, f"{PREPARED}_changed") as (_, database, superuser):
            changed = replace(at, superuser=superuser)
            at.api.state.database = database
            before = changed.count()
            answer = send(caller, at, cell.caller)
            assert answer.status_code == cell.status, answer.text
            assert changed.count() > before
        return
    before = at.count()
    answer = send(caller, at, cell.caller)
    assert answer.status_code == cell.status, answer.text
    assert at.count() == before
    if cell.status == 200 and cell.operation in LISTS:
        assert bool(answer.json()["items"]) == ("NN" in cell.sites)


def test_every_operation_and_every_role_has_its_cells(served: Served) -> None:
    operations = {
        operation["operationId"]
        for path in served.app.openapi()["paths"].values()
        for operation in path.values()
    }
    assert {row["operation"] for row in MATRIX} == operations == set(REQUESTS)
    assert set(MATRIX[0]) == {"operation", "where", *CALLERS}
    wheres: dict[str, list[str]] = {}
    for row in MATRIX:
        wheres.setdefault(row["operation"], []).append(row["where"])
    assert all(found in (["any"], OF_A_SITE) for found in wheres.values())


def exists(where: str, caller: str) -> bool:
    """Whether there is such a caller."""
    if where == "any":
        return True
    if caller == ANONYMOUS:
        return where == "own"
    if Role(caller) in SITE_BOUND:
        return True
    return where == ("own" if Role(caller) in WITH_EVERY_SITE else "none")


def test_a_dash_stands_only_where_the_case_does_not_exist() -> None:
    for row in MATRIX:
        for caller in CALLERS:
            assert (row[caller] != "-") == exists(row["where"], caller), (row, caller)


def routes_of(routes: list[BaseRoute]) -> Iterator[APIRoute]:
    """Every operation of the app, however deep its router is included."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes_of(inner.routes)


def actions_of(route: APIRoute) -> list[Action]:
    """The actions that a route's dependencies require or open."""
    found: list[Action] = []
    waiting = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        waiting += dependant.dependencies
        if isinstance(dependant.call, Require | Open):
            found.append(dependant.call.action)
    return found


def test_every_route_requires_exactly_one_action(served: Served) -> None:
    described = served.app.openapi()["paths"]
    routes = [route for route in routes_of(served.app.routes) if route.include_in_schema]
    assert len(routes) == sum(len(path) for path in described.values())
    for route in routes:
        assert len({*actions_of(route)}) == 1, route.path


def test_every_action_is_used_and_every_grant_has_a_holder(served: Served) -> None:
    used = {action for route in routes_of(served.app.routes) for action in actions_of(route)}
    assert used == set(Action)
    assert set(GRANTS) == set(Role)
    assert set().union(*GRANTS.values()) == set(Action) - PUBLIC


def test_what_is_not_described_is_documentation_only(served: Served) -> None:
    hidden = {route.path for route in routes_of(served.app.routes) if not route.include_in_schema}
    assert hidden == {"/docs", "/docs/assets/{name}", "/redoc", "/openapi.json"}

"""The trial as the formats see it: of a database in which everything has happened, and others."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from uuid import uuid4

import pytest

from services.api.core.auth import Principal
from services.api.core.permissions import Role
from services.api.embedded import Cluster
from services.api.exports.extract import Extract, opened
from tests.conftest import Served, serving
from tests.lived import Lived
from tests.make import Api, Json, ok, path

Opener = Callable[[Api], Extract]


def manager(api: Api) -> Principal:
    """Who may export, with every site."""
    sites = tuple(site.code for site in api.state.loaded.protocol.sites)
    return Principal(
        uuid4(), "Data manager", Role.DATA_MANAGER, sites, machine=False, session=uuid4()
    )


@pytest.fixture
def open_extract() -> Iterator[Opener]:
    """Open an extract of an API's database; it is closed when the test is over."""
    with ExitStack() as stack:
        yield lambda api: stack.enter_context(
            opened(api.state.database, manager(api), api.state.clock, api.state.loaded)
        )


@pytest.fixture
def uncertified(api: Api) -> list[Json]:
    """Two gradings of a visit, of which one's assessor held no certificate, as the API has them."""
    subject = {"id": api.disputed()["subject_id"]}
    gradings, manager = path(subject, "visits", "RT1A", "gradings"), api.as_("data_manager")
    first = ok(manager.get(gradings))["items"][0]
    held = ok(manager.get("/v1/certificates", params={"assessor": first["assessor"]}))["items"][0]
    early = {"valid_until": str(api.today() - timedelta(days=1)), "reason": "Not recalibrated"}
    ok(manager.patch(f"/v1/certificates/{held['id']}", early))
    found: list[Json] = ok(manager.get(gradings))["items"]
    assert sorted("assessor_not_certified" in one["flags"] for one in found) == [False, True]
    return found


@pytest.fixture
def living(lived: Lived, cluster: Cluster, served: Served) -> Iterator[Api]:
    """The API over the database in which everything has happened."""
    with serving(cluster, served, "test_lived") as api:
        yield api


@pytest.fixture
def extract(living: Api, open_extract: Opener) -> Extract:
    """The trial in which everything has happened."""
    return open_extract(living)

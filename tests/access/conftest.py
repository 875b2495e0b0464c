"""What the tests of access share: one prepared trial, at its own time."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from services.api.embedded import Cluster
from services.api.identity import passwords
from services.api.identity.watch import SessionWatch
from services.api.sandbox.service import PASSWORD
from services.api.system import service as readiness
from tests.access.prepared import PREPARED, Prepared, copy, prepare
from tests.conftest import APP_PASSWORD, Served, cloned, serving


class Quick:
    """Stands for argon2id, which is tried elsewhere."""

    def hash(self, secret: str) -> str:
        return "quick"

    def verify(self, secret: str, _: str) -> bool:
        return secret == PASSWORD


@pytest.fixture(scope="session")
def prepared(cluster: Cluster, served: Served) -> Iterator[Prepared]:
    with cloned(cluster, PREPARED) as name, serving(cluster, served, name) as api:
        records, offset = prepare(api), api.state.clock.offset
        api.state.watch.close()
        api.state.database.close()  # what has connections cannot be copied
        with (
            copy(cluster, f"{PREPARED}_kept") as (url, database, superuser),
            SessionWatch(cluster.url("trial_app", APP_PASSWORD, f"{PREPARED}_kept")) as watch,
        ):
            kept = replace(api, admin_url=url)
            yield Prepared(kept, database, watch, superuser, offset, **records)


@pytest.fixture
def at(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """The prepared trial, at its own time; its server spares the disk, and no secret is hashed."""
    state = prepared.api.state
    state.database, state.watch = prepared.database, prepared.watch
    state.clock.offset = prepared.offset
    monkeypatch.setattr(readiness, "_DURABLE", ())
    passwords._nobody()  # made by the real hasher, for it is kept
    monkeypatch.setattr(passwords, "_HASHER", Quick())
    return prepared

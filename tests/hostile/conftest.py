"""What the hostile tests share: one database, since they store next to nothing, and its ledger."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url

from services.api.embedded import Cluster
from tests.conftest import Served, cloned, serving
from tests.hostile.ledger import Ledger
from tests.make import Api

OPEN = (
    "INSERT INTO study_lock (version, state, reason, name, recorded_by, recorded_at)"
    " SELECT version + 1, 'open', reason, name, recorded_by, now() FROM study_lock"
    " WHERE version = (SELECT max(version) FROM study_lock) AND state <> 'open'"
)
"""Ends what a test before froze."""


@pytest.fixture(scope="session")
def hostile_database(cluster: Cluster, served: Served) -> Iterator[str]:
    """The name of the database that every hostile test knocks at."""
    with cloned(cluster, "test_hostile") as name:
        yield name


@pytest.fixture
def api(cluster: Cluster, served: Served, hostile_database: str) -> Iterator[Api]:
    """The API over the shared database."""
    with serving(cluster, served, hostile_database) as made:
        made.rows(OPEN)
        yield made


@pytest.fixture
def ledger(api: Api) -> Iterator[Ledger]:
    """The state of every table of the database."""
    url = make_url(api.admin_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        yield Ledger(connection)

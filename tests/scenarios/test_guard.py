"""A sandbox takes only a database that holds nothing, or that a sandbox furnished."""

import psycopg
import pytest

from services.api.scenarios.guard import ProductionDatabase, refuse_production
from tests.lived import plain
from tests.make import Api


def refused(api: Api) -> bool:
    with psycopg.connect(plain(api.admin_url)) as connection:
        try:
            refuse_production(connection)
        except ProductionDatabase:
            return True
    return False


def test_a_published_trial_and_an_account_are_production_and_a_furnished_one_is_not(
    api: Api,
) -> None:
    assert not refused(api)
    clock = api.rows("SELECT ahead FROM sandbox_clock")
    api.rows("DELETE FROM sandbox_clock")
    assert refused(api)
    api.rows(
        "INSERT INTO sandbox_clock (id, ahead, scenario, seed) VALUES (1, :a, 'empty', 1)",
        a=clock[0].ahead,
    )
    assert not refused(api)


def test_a_database_without_tables_is_anybodys(cluster_database: str) -> None:
    with psycopg.connect(cluster_database) as connection:
        refuse_production(connection)


@pytest.fixture
def cluster_database(api: Api) -> str:
    """A database that was never migrated."""
    return plain(api.admin_url).rpartition("/")[0] + "/postgres"

"""A sandbox takes only a database that holds nothing, or that a sandbox furnished."""

from collections.abc import Iterator

import psycopg
import pytest

from services.api import migrate
from services.api.embedded import Cluster
from services.api.scenarios.guard import refuse_production, refuse_shared_roles
from services.api.setup import ProductionDatabase
from tests.conftest import admin_url, execute
from tests.lived import plain
from tests.make import Api, ok


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


def test_a_sandbox_s_clock_alone_makes_no_sandbox(api: Api) -> None:
    api.rows("SET session_replication_role = replica; DELETE FROM account WHERE username = 'admin'")
    assert api.count("sandbox_clock") == 1
    assert refused(api)


@pytest.mark.parametrize(
    "table", ["patient", "account", "sandbox_clock", "edc.visit"], ids=lambda name: name
)
def test_a_database_of_others_is_never_taken_even_with_tables_called_as_ours(
    others_database: str, table: str
) -> None:
    with psycopg.connect(others_database, autocommit=True) as connection:
        refuse_production(connection)
        connection.execute("CREATE SCHEMA edc")
        connection.execute(f"CREATE TABLE {table} (id int)".encode())
        with pytest.raises(ProductionDatabase, match="not the service's"):
            refuse_production(connection)


def test_no_sandbox_changes_the_passwords_with_which_another_installation_runs(
    api: Api, others_database: str
) -> None:
    ok(api.as_("investigator").get("/v1/subjects"))
    with (
        psycopg.connect(others_database) as connection,
        pytest.raises(ProductionDatabase, match="is in use by trial_app"),
    ):
        refuse_shared_roles(connection)


def test_what_an_extension_brings_is_nobodys(others_database: str) -> None:
    with psycopg.connect(others_database, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("CREATE TABLE of_vector (id int)")
        connection.execute("ALTER EXTENSION vector ADD TABLE of_vector")
        refuse_production(connection)


def test_a_migrated_database_that_no_start_furnished_yet_is_taken(others_database: str) -> None:
    migrate.upgrade(others_database.replace("postgresql:", "postgresql+psycopg:"))
    with psycopg.connect(others_database, autocommit=True) as connection:
        refuse_production(connection)
        connection.execute("CREATE TABLE patient (id int)")
        with pytest.raises(ProductionDatabase, match=r"public\.patient"):
            refuse_production(connection)


def test_a_database_without_tables_is_anybodys(cluster_database: str) -> None:
    with psycopg.connect(cluster_database) as connection:
        refuse_production(connection)


@pytest.fixture
def cluster_database(api: Api) -> str:
    """A database that was never migrated."""
    return plain(api.admin_url).rpartition("/")[0] + "/postgres"


@pytest.fixture
def others_database(cluster: Cluster) -> Iterator[str]:
    """An empty database of somebody else."""
    execute(cluster, "CREATE DATABASE of_others")
    yield plain(admin_url(cluster, "of_others"))
    execute(cluster, "DROP DATABASE of_others WITH (FORCE)")

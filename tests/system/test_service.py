"""Each check behind readiness fails for exactly the fault that it is there for."""

import pytest
from sqlmodel import Session

from services.api import migrate
from services.api.core.db import Database
from services.api.system import service
from tests.make import Api

SEED = b"public seed of every sandbox...."
CLINICAL = (
    "subject",
    "consent",
    "consent_withdrawal",
    "eligibility_evaluation",
    "eligibility_signature",
    "radiotherapy",
    "deviation",
    "allocation",
    "visit",
    "grading",
    "adverse_event",
)


@pytest.fixture(autouse=True)
def durable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pass over the one fault that the tests' server has on purpose."""
    monkeypatch.setattr(service, "_DURABLE", ("synchronous_commit",))


def failures(api: Api, session: Session, seed: bytes = SEED) -> list[tuple[str, str]]:
    protocol = api.state.loaded.protocol
    return [(one.code, one.detail) for one in service.failures(session, protocol, seed)]


def codes(api: Api, seed: bytes = SEED) -> list[str]:
    with api.state.database.session() as session:
        return [code for code, _ in failures(api, session, seed)]


def test_a_furnished_database_is_ready(unchanged: Api) -> None:
    assert codes(unchanged) == []


def test_another_seed_than_that_of_the_committed_list(unchanged: Api) -> None:
    assert codes(unchanged, bytes(32)) == ["randomization_secret"]


def test_no_committed_list(api: Api) -> None:
    api.rows("ALTER TABLE randomization_commitment DISABLE TRIGGER USER")
    api.rows("DELETE FROM randomization_commitment")
    assert codes(api) == ["randomization_secret"]


@pytest.mark.parametrize("revision", ["tables", "from the future"])
def test_a_schema_at_another_revision(api: Api, revision: str) -> None:
    api.rows("UPDATE alembic_version SET version_num = :revision", revision=revision)
    with api.state.database.session() as session:
        ((code, detail),) = failures(api, session)
    assert code == "schema_revision"
    assert revision in detail
    assert migrate.head() in detail


@pytest.mark.parametrize("command", ["NO FORCE", "DISABLE"])
@pytest.mark.parametrize("table", CLINICAL)
def test_a_clinical_table_without_forced_row_level_security(
    unchanged: Api, table: str, command: str
) -> None:
    """Altered in a transaction that is rolled back, so the tables are tried one after another."""
    database = Database(unchanged.admin_url, pool_size=1)
    with database.session() as session:
        session.connection().exec_driver_sql(f"ALTER TABLE {table} {command} ROW LEVEL SECURITY")
        session.connection().exec_driver_sql("SET LOCAL ROLE trial_app")
        assert failures(unchanged, session) == [
            ("row_level_security", f"{table} does not force row-level security")
        ]
    database.close()


def test_a_role_above_row_level_security(unchanged: Api) -> None:
    database = Database(unchanged.admin_url, pool_size=1)
    unchanged.state.database.close()
    with database.session() as session:
        assert [code for code, _ in failures(unchanged, session)] == ["database_role"]
        session.connection().exec_driver_sql("ALTER ROLE trial_app BYPASSRLS")
        session.connection().exec_driver_sql("SET LOCAL ROLE trial_app")
        assert [code for code, _ in failures(unchanged, session)] == ["database_role"]
    database.close()


def test_a_server_that_acknowledges_before_it_stores(unchanged: Api) -> None:
    with unchanged.state.database.session() as session:
        session.connection().exec_driver_sql("SET LOCAL synchronous_commit = off")
        assert [code for code, _ in failures(unchanged, session)] == ["durability"]

"""Each check behind readiness fails for exactly the fault that it is there for."""

from pathlib import Path

import pytest
from sqlmodel import Session

from services.api import migrate
from services.api.core.db import Database
from services.api.randomization.secret import SecretFile
from services.api.system import service
from tests.allocation_list import another_secret, secret_file
from tests.make import Api

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


def failures(api: Api, session: Session, secret: SecretFile | None = None) -> list[tuple[str, str]]:
    found = service.failures(session, secret or api.state.randomization_secret)
    return [(one.code, one.detail) for one in found]


def codes(api: Api, secret: SecretFile | None = None) -> list[str]:
    with api.state.database.session() as session:
        return [code for code, _ in failures(api, session, secret)]


def test_a_furnished_database_is_ready(unchanged: Api) -> None:
    assert codes(unchanged) == []


def test_another_secret_than_that_of_the_committed_list(unchanged: Api, tmp_path: Path) -> None:
    other = secret_file(tmp_path, another_secret())
    assert codes(unchanged, other) == ["randomization_secret"]
    other.path.unlink()
    assert codes(unchanged, other) == ["randomization_secret"]


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


@pytest.mark.parametrize(
    ("logged", "tells"),
    [
        ({"log_parameter_max_length_on_error": "-1"}, True),
        ({"log_statement": "mod"}, False),
        ({"log_statement": "mod", "log_parameter_max_length": "-1"}, True),
        ({"log_min_duration_statement": "0", "log_parameter_max_length": "10"}, True),
        ({"log_parameter_max_length": "-1"}, False),
    ],
)
def test_a_server_that_logs_the_parameters_of_statements(
    unchanged: Api, logged: dict[str, str], tells: bool
) -> None:
    database = Database(unchanged.admin_url, pool_size=1)
    with database.session() as session:
        session.connection().exec_driver_sql("SET LOCAL log_parameter_max_length = 0")
        for name, value in logged.items():
            session.connection().exec_driver_sql(f"SET LOCAL {name} = '{value}'")
        session.connection().exec_driver_sql("SET LOCAL ROLE trial_app")
        found = [code for code, _ in failures(unchanged, session)]
    assert found == (["statement_log"] if tells else [])
    database.close()

"""Every data cell of the matrix again as plain SQL: what PostgreSQL itself shows and takes.

The statements run as the role that serves, in a transaction that the service's own session began
with that caller's security context. Over HTTP a role may be refused what its site holds; here
only the site counts, but for the arm and what tells it, which assessors do not see, and the trail,
which few do.
"""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from psycopg import errors
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from services.api.core.auth import Principal
from services.api.core.db import Database
from services.api.core.permissions import Role
from tests.access.matrix import ANONYMOUS, CELLS, EVERYWHERE, MATRIX, Cell
from tests.access.tables import READS, WRITES
from tests.lived import CLINICAL, Lived

PLACES = (*EVERYWHERE, "ZZ")
RECORDED = {"NN", "LZ"}
"""The sites of which the database has rows in every table; see `lived`."""


def principal(cell: Cell) -> Principal | None:
    """Whom the cell's token would stand for."""
    if cell.caller == ANONYMOUS:
        return None
    role = Role(cell.caller)
    machine = role is Role.HOSPITAL_SYSTEM
    return Principal(uuid4(), "Demo", role, cell.sites, machine=machine, session=uuid4())


@pytest.fixture(scope="session")
def database(lived: Lived) -> Iterator[Database]:
    made = Database(lived.app_url, pool_size=1)
    yield made
    made.close()


def shown(connection: Connection, table: str) -> set[str | None]:
    """The sites whose rows exist for the caller."""
    return set(connection.exec_driver_sql(f"SELECT DISTINCT site FROM {table}").scalars())


def refusal(connection: Connection, statement: str) -> type[Exception] | None:
    """Why PostgreSQL does not take it; it is not kept in either case."""
    savepoint = connection.begin_nested()
    try:
        connection.exec_driver_sql(statement)
    except DBAPIError as error:
        return type(error.orig) if error.orig else None
    finally:
        savepoint.rollback()
    return None


HIDDEN_FROM_ASSESSORS = {
    "allocation",
    "data_query",
    "data_query_step",
    "discontinuation",
    "exposure",
    "safety_deadline",
    "safety_reminder",
    "safety_submission",
}


def due(cell: Cell, table: str) -> set[str | None]:
    """The sites whose rows a caller is to be shown; None stands for what belongs to no site."""
    if table in HIDDEN_FROM_ASSESSORS and cell.caller == Role.ASSESSOR:
        return set()
    if table != "audit_event":
        return {site for site in cell.sites if site in RECORDED}
    if cell.caller == Role.AUDITOR:
        return {*EVERYWHERE, None}
    return {*cell.sites} if cell.caller in {Role.MONITOR, Role.INVESTIGATOR} else set()


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.operation in READS], ids=str)
def test_a_caller_is_shown_the_rows_of_their_sites_and_no_other(
    database: Database, cell: Cell
) -> None:
    with database.session(principal(cell)) as session:
        for table in READS[cell.operation]:
            assert shown(session.connection(), table) == due(cell, table), table


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.operation in WRITES], ids=str)
def test_a_caller_s_rows_are_taken_for_their_sites_and_no_other(
    database: Database, cell: Cell
) -> None:
    """Where the policy lets the row pass, it is refused for lacking everything but its site."""
    with database.session(principal(cell)) as session:
        for table in WRITES[cell.operation]:
            for site in PLACES:
                expected = (
                    errors.NotNullViolation if site in cell.sites else errors.InsufficientPrivilege
                )
                insert = f"INSERT INTO {table} (site) VALUES ('{site}')"
                assert refusal(session.connection(), insert) is expected, (table, site)


@pytest.mark.parametrize(
    "cell", [cell for cell in CELLS if cell.operation == "change_subject"], ids=str
)
def test_a_caller_changes_and_locks_subjects_of_their_sites_and_no_other(
    database: Database, cell: Cell
) -> None:
    with database.session(principal(cell)) as session:
        connection = session.connection()
        locked = connection.exec_driver_sql("SELECT site FROM subject FOR UPDATE").scalars()
        assert set(locked) == RECORDED & set(cell.sites)
        changed = connection.exec_driver_sql("UPDATE subject SET sex = sex RETURNING site")
        assert set(changed.scalars()) == RECORDED & set(cell.sites)
        session.rollback()


OF_ACCOUNTS = {"read_certificate"}
"""Who is told depends on a person's sites, and no clinical table is read."""


def test_every_operation_on_a_record_names_its_tables_and_every_clinical_table_is_tried() -> None:
    on_records = {row["operation"] for row in MATRIX if row["where"] != "any"} - OF_ACCOUNTS
    assert on_records == set(READS) | set(WRITES)
    assert not set(READS) & set(WRITES)
    of_operations = set(CLINICAL) - {"safety_reminder"}  # which the worker alone gives
    assert {table for tables in READS.values() for table in tables} == {
        *of_operations,
        "blinded_allocation",
        "audit_event",
    }
    assert {table for tables in WRITES.values() for table in tables} == of_operations

"""What is kept of study drug, and who else sees it in PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import DBAPIError

from tests.lived import Lived
from tests.make import Api, exposure, path


def test_no_version_of_an_exposure_is_ever_rewritten(api: Api) -> None:
    investigator = api.as_("investigator")
    investigator.took_study_drug(investigator.treated())
    for statement in ("UPDATE exposure SET applications = 0", "DELETE FROM exposure"):
        with pytest.raises(DBAPIError, match="its rows are kept as they were written"):
            api.rows(statement)


def test_of_many_records_of_one_day_at_once_one_is_kept(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.treated()
    where = path(subject, "exposures")
    with ThreadPoolExecutor(8) as threads:
        sent = [
            threads.submit(investigator.post, where, exposure(api.today(), applications=3 + n))
            for n in range(8)
        ]
        answers = sorted(one.result().status_code for one in sent)
    assert answers == [201, *[409] * 7]
    assert api.count("exposure") == 1


@pytest.mark.parametrize("table", ["exposure", "discontinuation"])
def test_the_database_too_hides_from_assessors_what_tells_the_arm(lived: Lived, table: str) -> None:
    for role, seen in (("investigator", True), ("assessor", False)):
        with lived.as_app("NN") as connection:
            connection.execute("SELECT set_config('trial.role', %s, true)", (role,))
            rows = connection.execute(f"SELECT site FROM {table}".encode()).fetchall()
            assert bool(rows) == seen

"""What is kept of visits."""

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.make import Api

MISSED = """
INSERT INTO visit SELECT (jsonb_populate_record(v, jsonb_build_object(
    'version', 2, 'reason', 'typo', 'visited_on', null, 'missed_reason', 'Did not come'))).*
FROM visit v
"""


def test_no_version_of_a_visit_is_ever_rewritten(api: Api) -> None:
    api.graded(api.as_("coordinator").in_radiotherapy(), "RT1A", api.today())
    for statement in ("UPDATE visit SET code = 'RT1B'", "DELETE FROM visit"):
        with pytest.raises(DBAPIError, match="its rows are kept as they were written"):
            api.rows(statement)


def test_the_database_too_knows_that_a_graded_visit_was_not_missed(api: Api) -> None:
    api.graded(api.as_("coordinator").in_radiotherapy(), "RT1A", api.today())
    with pytest.raises(IntegrityError, match="the visit has gradings"):
        api.rows(MISSED)
    assert api.count("visit") == 1

"""What is kept of discontinuations, and what the trail tells of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from tests.make import Api, ended, exposure, ok, path


def test_no_version_of_a_discontinuation_is_ever_rewritten(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    ok(investigator.put(path(subject, "discontinuation"), {"study": ended(api.today())}))
    for statement in ("UPDATE discontinuation SET version = 9", "DELETE FROM discontinuation"):
        with pytest.raises(DBAPIError, match="its rows are kept as they were written"):
            api.rows(statement)


def test_leaving_is_one_transaction_with_the_subjects_new_state(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    ok(investigator.put(path(subject, "discontinuation"), {"study": ended(api.today())}))
    discontinuation, left = api.audit(subject)[-2:]
    assert (discontinuation.record, left.record) == ("discontinuation", "subject")
    assert discontinuation.transaction == left.transaction
    assert (left.old["left_on"], left.new["left_on"]) == (None, str(api.today()))


def test_study_drug_and_the_end_of_treatment_at_once_never_contradict_each_other(
    api: Api,
) -> None:
    """Whichever comes first: a later day is refused, or was there before treatment ended."""
    investigator = api.as_("investigator")
    for _ in range(3):
        subject = investigator.treated()
        day = api.today() + timedelta(days=1)
        api.move_to(day)
        end = {"treatment": ended(day - timedelta(days=1))}
        with ThreadPoolExecutor(2) as threads:
            taking = threads.submit(investigator.post, path(subject, "exposures"), exposure(day))
            ending = threads.submit(
                investigator.put, path(subject, "discontinuation"), end, version=0
            )
            assert ending.result().status_code == 200
            assert taking.result().status_code in {201, 409}
        trail = [one.record for one in api.audit(subject)]
        if taking.result().status_code == 201:
            assert trail.index("exposure") < trail.index("discontinuation")

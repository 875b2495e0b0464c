"""What is kept of certificates."""

from functools import partial
from uuid import uuid5

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.api.sandbox.service import NAMESPACE
from tests.make import Api, ok
from tests.randomization.test_concurrency import at_once, outcomes

OWN = uuid5(NAMESPACE, "certificate of assessor-nn")
NOBODY = uuid5(NAMESPACE, "nobody")
CHANGE = {"training": "Another course", "reason": "Wrong course entered"}


def test_of_changes_at_the_same_moment_one_is_recorded(api: Api) -> None:
    manager = api.as_("data_manager")
    calls = [partial(manager.patch, f"/v1/certificates/{OWN}", CHANGE, version=1) for _ in range(4)]
    assert outcomes(at_once(calls)) == {"200": 1, "stale_version": 3}


def test_a_certificate_and_its_change_are_in_the_trail_with_the_reason(api: Api) -> None:
    ok(api.as_("data_manager").patch(f"/v1/certificates/{OWN}", CHANGE))
    [_, changed] = api.rows(
        "SELECT role, reason, site, subject_id, chain FROM audit_event"
        " WHERE record = 'certificate' AND record_id = :id ORDER BY id",
        id=str(OWN),
    )
    assert tuple(changed) == ("data_manager", CHANGE["reason"], None, None, "trial")


def test_no_version_of_a_certificate_is_rewritten(unchanged: Api) -> None:
    for statement in ("UPDATE certificate SET training = 'x'", "DELETE FROM certificate"):
        with pytest.raises(DBAPIError, match="its rows are kept as they were written"):
            unchanged.rows(statement)


COPY = """
INSERT INTO certificate SELECT (jsonb_populate_record(
    c, jsonb_build_object('version', 2, 'reason', 'typo') || CAST(:changed AS jsonb))).*
FROM certificate c WHERE id = :id
"""


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ('{"reason": null}', "certificate_change_has_reason"),
        ('{"version": 0}', "certificate_version_from_one"),
        ('{"version": 1}', "certificate_pkey"),
        ('{"valid_until": "2020-01-01"}', "certificate_days_in_order"),
        (f'{{"assessor": "{NOBODY}"}}', "certificate_assessor_fkey"),
    ],
)
def test_the_database_holds_what_the_service_promises_of_a_certificate(
    unchanged: Api, changed: str, constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        unchanged.rows(COPY, changed=changed, id=OWN)

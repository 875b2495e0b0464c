"""Two monitors at once, and what PostgreSQL itself refuses of a verification."""

import pytest
from sqlalchemy.exc import IntegrityError

from tests.make import Api, created, ok, problem
from tests.randomization.test_concurrency import at_once, outcomes
from tests.verifications.test_routes import graded, verify


def test_a_version_is_verified_once_however_many_monitors_compare_it(api: Api) -> None:
    monitor, made = api.as_("monitor"), graded(api)
    answers = at_once([lambda: verify(monitor, made)] * 8)
    assert outcomes(answers) == {"201": 1, "already_verified": 7}
    assert api.count("grading_verification") == 1


def test_a_verification_is_of_a_version_that_exists(api: Api) -> None:
    created(verify(api.as_("monitor"), graded(api)))
    with pytest.raises(IntegrityError, match="grading_verification_of_version"):
        api.rows(
            "INSERT INTO grading_verification SELECT site, subject_id, recorded_by, recorded_at,"
            " gen_random_uuid(), grading_id, 2, name, note FROM grading_verification"
        )


def test_reading_who_verified_what_is_in_the_trail(api: Api) -> None:
    made = graded(api)
    ok(api.as_("statistician").get(f"/v1/gradings/{made['id']}/verifications"))
    reads = "audit_event WHERE operation = 'READ' AND record = 'list_grading_verifications'"
    assert api.count(f"{reads} AND subject_id IS NOT NULL") == 1
    problem(api.as_("assessor").get(f"/v1/gradings/{made['id']}/verifications"), 403, "forbidden")

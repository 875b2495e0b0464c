"""One transaction per request: the caller is told what was stored, or that it is unknown.

The faults are real: connections that end during COMMIT, deadlocks, constraints that are checked
late, all made by triggers and locks in the test's own database.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from services.api.core.routing import ATTEMPTS
from services.api.embedded import Cluster
from tests.conftest import admin_url
from tests.make import SUBJECT, Api, created, ok, problem

END_CONNECTION = "PERFORM pg_terminate_backend(pg_backend_pid());"


def superuser(api: Api) -> psycopg.Connection:
    """A second session on the test's database, that no limit and no policy binds."""
    return psycopg.connect(api.admin_url.replace("+psycopg", ""))


def name(api: Api) -> str:
    """The name of the test's own database."""
    return api.admin_url.rpartition("/")[2]


def fail(state: str, constraint: str = "") -> str:
    detail = f", CONSTRAINT = '{constraint}'" if constraint else ""
    return f"RAISE EXCEPTION 'sabotage' USING ERRCODE = '{state}'{detail};"


def sabotage(api: Api, action: str, *, times: int = 1000, at_commit: bool = False) -> None:
    """Let the first `times` inserted subjects meet a fault, at once or at COMMIT."""
    when = "DEFERRABLE INITIALLY DEFERRED" if at_commit else ""
    api.rows("CREATE SEQUENCE attempts")
    api.rows(
        "CREATE FUNCTION sabotage() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
        f" IF nextval('attempts') <= {times} THEN {action} END IF; RETURN NULL; END $$"
    )
    api.rows(
        f"CREATE CONSTRAINT TRIGGER sabotage AFTER INSERT ON subject {when}"
        " FOR EACH ROW EXECUTE FUNCTION sabotage()"
    )


def attempts(api: Api) -> int:
    return int(api.rows("SELECT last_value FROM attempts")[0][0])


def wait_until(api: Api, condition: str) -> None:
    deadline = time.monotonic() + 10
    while not api.rows(f"SELECT 1 WHERE EXISTS ({condition})"):
        assert time.monotonic() < deadline, condition
        time.sleep(0.01)


@contextmanager
def meanwhile(api: Api, path: str, body: object, key: str) -> Iterator[Future[httpx.Response]]:
    """A POST that goes on while the test does something else."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(api.post, path, body, key=key)


def test_a_connection_lost_at_commit_is_an_unknown_outcome_and_the_retry_tells(api: Api) -> None:
    sabotage(api, END_CONNECTION, times=1, at_commit=True)
    investigator = api.as_("investigator")
    answer = investigator.post("/v1/subjects", SUBJECT, key="1")
    problem(answer, 503, "outcome_unknown")
    assert answer.headers["Retry-After"]
    assert api.count("subject") == 0
    again = investigator.post("/v1/subjects", SUBJECT, key="1")
    assert created(again)["number"] == "NN-0001"
    assert "Idempotency-Replayed" not in again.headers


def test_a_commit_not_confirmed_by_the_standby_is_unknown_and_the_retry_tells(
    api: Api, cluster: Cluster
) -> None:
    """PostgreSQL says success with a warning; the record is there, yet might be lost."""

    def standby(name: str) -> None:
        with psycopg.connect(
            admin_url(cluster, "postgres").replace("+psycopg", ""), autocommit=True
        ) as connection:
            connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'".encode())
            connection.execute("SELECT pg_reload_conf()")

    investigator = api.as_("investigator")
    standby("nobody")
    try:
        with meanwhile(investigator, "/v1/subjects", SUBJECT, "1") as answer:
            waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            wait_until(api, waiting)
            api.rows(f"SELECT pg_cancel_backend(pid) FROM ({waiting}) AS it")
            problem(answer.result(), 503, "outcome_unknown")
    finally:
        standby("")
    again = investigator.post("/v1/subjects", SUBJECT, key="1")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert created(again)["number"] == "NN-0001"
    assert api.count("subject") == 1
    investigator.screened()


def test_a_connection_lost_before_commit_is_not_noticed(api: Api) -> None:
    sabotage(api, END_CONNECTION, times=1)
    assert api.as_("investigator").screened()["number"] == "NN-0001"
    assert (api.count("subject"), attempts(api)) == (1, 2)


@pytest.mark.parametrize("at_commit", [False, True])
@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_what_postgresql_gave_up_is_run_again(api: Api, state: str, at_commit: bool) -> None:
    sabotage(api, fail(state), times=ATTEMPTS - 1, at_commit=at_commit)
    assert api.as_("investigator").screened()["number"] == "NN-0001"
    assert attempts(api) == ATTEMPTS
    assert (api.count("subject"), api.count("audit_event WHERE record = 'subject'")) == (1, 1)


def test_what_is_given_up_every_time_is_unavailable_and_stores_nothing(api: Api) -> None:
    sabotage(api, fail("40001"))
    answer = api.as_("investigator").post("/v1/subjects", SUBJECT)
    problem(answer, 503, "unavailable")
    assert attempts(api) == ATTEMPTS
    assert (api.count("subject"), api.count("idempotent_answer")) == (0, 0)


def test_a_real_deadlock_is_resolved_behind_the_caller(api: Api) -> None:
    api.rows(f"ALTER DATABASE {name(api)} SET deadlock_timeout = '100ms'")
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    api.state.database.close()  # new connections take the new timeout
    with superuser(api) as other:
        other.execute("SET LOCAL deadlock_timeout = '10s'")
        other.execute("SELECT 1 FROM stratum FOR UPDATE")
        path = f"/v1/subjects/{subject['id']}/randomization"
        with meanwhile(investigator, path, None, "1") as answer:
            wait_until(api, "SELECT 1 FROM pg_locks WHERE NOT granted")
            # Granted only because the service, which holds it, was made to give up.
            other.execute("SELECT 1 FROM subject FOR UPDATE")
            other.rollback()
            created(answer.result())
    assert api.count("allocation") == 1


def test_a_lock_that_is_not_released_is_unavailable(api: Api) -> None:
    api.rows(f"ALTER ROLE trial_app IN DATABASE {name(api)} SET lock_timeout = '100ms'")
    with superuser(api) as other:
        other.execute("SELECT 1 FROM site FOR UPDATE")
        problem(api.as_("investigator").post("/v1/subjects", SUBJECT), 503, "unavailable")
    api.as_("investigator").screened()


def test_a_statement_without_end_is_unavailable(api: Api) -> None:
    api.rows(f"ALTER ROLE trial_app IN DATABASE {name(api)} SET statement_timeout = '100ms'")
    sabotage(api, "PERFORM pg_sleep(10);", times=1)
    problem(api.as_("investigator").post("/v1/subjects", SUBJECT), 503, "unavailable")
    api.as_("investigator").screened()


@pytest.mark.parametrize("at_commit", [False, True])
def test_a_violated_constraint_is_told_as_its_refusal(api: Api, at_commit: bool) -> None:
    sabotage(api, fail("23505", "person_digest_pkey"), at_commit=at_commit)
    problem(api.as_("investigator").post("/v1/subjects", SUBJECT), 409, "duplicate_subject")
    assert (api.count("subject"), api.count("idempotent_answer")) == (0, 0)


@pytest.mark.parametrize("at_commit", [False, True])
def test_a_constraint_that_nobody_foresaw_is_our_fault(api: Api, at_commit: bool) -> None:
    sabotage(api, fail("23514", "some_other_rule"), at_commit=at_commit)
    answer = api.as_("investigator").post("/v1/subjects", SUBJECT)
    problem(answer, 500, "internal")
    assert "some_other_rule" not in answer.text
    assert api.count("subject") == 0


def test_the_answer_is_made_before_the_commit(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """So an answer that cannot be made leaves nothing behind."""

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("services.api.enrolment.routes._subject", fail)
    problem(api.as_("investigator").post("/v1/subjects", SUBJECT), 500, "internal")
    assert (api.count("subject"), api.count("audit_event WHERE record = 'subject'")) == (0, 0)


def test_a_refusal_undoes_what_was_done_before_it(api: Api) -> None:
    """The number, the digest and the audit row of a refused subject do not exist."""
    investigator = api.as_("investigator")
    person = {**SUBJECT, "national_id": "450103197101010011"}
    created(investigator.post("/v1/subjects", person))
    problem(investigator.post("/v1/subjects", person), 409, "duplicate_subject")
    assert investigator.screened()["number"] == "NN-0002"


def test_a_created_record_says_where_it_is_and_what_it_is(api: Api) -> None:
    investigator = api.as_("investigator")
    answer = investigator.post("/v1/subjects", SUBJECT)
    path = answer.headers["Location"]
    assert path == f"/v1/subjects/{created(answer)['id']}"
    assert investigator.get(path).headers["ETag"] == answer.headers["ETag"]
    assert ok(investigator.get(path)) == answer.json()


def test_an_operation_without_a_body_refuses_one(unchanged: Api) -> None:
    path = "/v1/subjects/019abf00-c0de-7000-8000-00000000abcd/randomization"
    investigator = unchanged.as_("investigator")
    problem(investigator.post(path, {"arm": "experimental"}), 422, "invalid")
    problem(investigator.post(path, {}), 404, "not_found")


@pytest.mark.parametrize("media_type", ["application/json", "application/json-patch+json"])
def test_a_merge_patch_is_sent_as_one(unchanged: Api, media_type: str) -> None:
    answer = unchanged.as_("investigator").request(
        "PATCH",
        "/v1/subjects/019abf00-c0de-7000-8000-00000000abcd",
        content=b'{"sex": "male", "reason": "Misread"}',
        headers={"If-Match": '"1"', "Content-Type": media_type},
    )
    problem(answer, 415, "unsupported_media_type")
    assert answer.headers["Accept"] == "application/merge-patch+json"

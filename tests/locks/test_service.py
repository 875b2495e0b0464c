"""What a frozen and a locked record refuse: every operation, plain SQL, whoever is under way."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4, uuid5

import httpx
import psycopg
import pytest
from psycopg import errors
from sqlmodel import Session

from services.api.core.auth import Principal
from services.api.core.openapi import BESIDE_THE_RECORD
from services.api.core.permissions import Role
from services.api.locks import service
from services.api.locks.schemas import LockPut
from services.api.sandbox.service import NAMESPACE
from tests.hostile.examples import Write, write_of
from tests.hostile.operations import document, writes
from tests.lived import FRESH, LOCKABLE, Lived, insert_copy
from tests.make import Api, Json, lock, ok, path, problem
from tests.randomization.test_concurrency import at_once, outcomes

STUDY = "/v1/study/lock"
TAGS = {
    item["operationId"]: set(item["tags"])
    for methods in document()["paths"].values()
    for item in methods.values()
}
OF_THE_RECORD = [one for one in writes() if BESIDE_THE_RECORD.isdisjoint(TAGS[one.id])]
WHEN_FROZEN = {
    "raise_query",
    "change_query",
    "verify_grading",
    "record_correction",
    "report_adverse_event",
    "correct_adverse_event",
    "sign_adverse_event",
    "withdraw_consent",
}
"""What goes on while the site changes nothing else."""


# --- every operation ---------------------------------------------------------------------


def test_what_writes_nothing_about_a_subject_is_known_by_name() -> None:
    """A new operation is of the record, unless it is added here."""
    assert {one.id for one in writes()} - {one.id for one in OF_THE_RECORD} == {
        "issue_token",
        "revoke_token",
        "change_password",
        "offer_totp",
        "confirm_totp",
        "create_user",
        "change_user",
        "create_client",
        "change_client",
        "activate_site",
        "record_certificate",
        "change_certificate",
        "publish_reference_document",
        "record_submission",
        "correct_submission",
        "create_webhook",
        "change_webhook",
        "end_webhook",
        "rotate_secret",
        "replay_delivery",
        "set_subject_lock",
        "set_study_lock",
        "move_clock",
        "reset_sandbox",
    }


def each(api: Api) -> dict[str, Write]:
    """A request for every operation that writes about a subject, which would succeed."""
    return {operation.id: write_of(operation, api)[0] for operation in OF_THE_RECORD}


def stored(api: Api) -> tuple[int, int]:
    return api.changes(), api.count("idempotent_answer")


def set_all(api: Api, state: str) -> None:
    """Put every subject's record into a state, as the data manager would one by one."""
    api.rows(
        "INSERT INTO subject_lock SELECT site, id, recorded_by, now(), 1 + coalesce(("
        " SELECT max(version) FROM subject_lock l WHERE l.subject_id = s.id), 0),"
        " :state, 'Reviewed', 'Data manager' FROM subject s",
        state=state,
    )


def set_study(api: Api, state: str) -> None:
    ok(api.as_("data_manager").put(STUDY, lock(state)))


def settle(api: Api) -> None:
    """Take away what the examples asked and disputed, so that the trial can be locked."""
    switch(api, "DISABLE")
    api.rows(
        "INSERT INTO data_query_step SELECT site, subject_id, recorded_by, now(), id, 2, 'close',"
        " 'Settled', NULL, NULL FROM data_query"
    )
    api.rows(
        "INSERT INTO adjudication SELECT (jsonb_populate_record(a,"
        """ '{"version": 2, "grade": 2, "reason": "Settled"}')).* FROM adjudication a"""
    )
    switch(api, "ENABLE")


def reopen(api: Api) -> None:
    switch(api, "DISABLE")
    api.rows("DELETE FROM data_query_step WHERE text = 'Settled'")
    api.rows("DELETE FROM adjudication WHERE reason = 'Settled'")
    switch(api, "ENABLE")


def switch(api: Api, to: str) -> None:
    for table in ("data_query_step", "adjudication"):
        api.rows(f"ALTER TABLE {table} {to} TRIGGER USER")


@pytest.mark.parametrize(("put", "untouched"), [(set_all, {"create_subject"}), (set_study, set())])
def test_a_locked_record_refuses_every_operation_a_frozen_one_the_sites_and_an_open_one_none(
    api: Api, put: Callable[[Api, str], None], untouched: set[str]
) -> None:
    """Each request is the same each time: what refuses it is the state alone."""
    requests = each(api)
    settle(api)
    put(api, "locked")
    reopen(api)
    before = stored(api)
    for operation, write in requests.items():
        if operation not in untouched:
            problem(write.send(), 409, "record_locked")
            assert stored(api) == before, operation
    put(api, "frozen")
    for operation, write in requests.items():
        if operation in WHEN_FROZEN:
            assert write.send().is_success, operation
        elif operation not in untouched:
            before = stored(api)
            problem(write.send(), 409, "record_frozen")
            assert stored(api) == before, operation
    put(api, "open")
    for operation, write in requests.items():
        if operation not in WHEN_FROZEN:
            assert write.send().is_success, operation


# --- PostgreSQL by itself ----------------------------------------------------------------


def the_lock(connection: psycopg.Connection[Any], state: str, of_study: bool) -> None:
    """Put the subject, or the trial, into a state behind the service's back."""
    if of_study:
        insert_copy(connection, "study_lock", {"version": 90, "state": state})
    else:
        connection.execute(
            "INSERT INTO subject_lock SELECT site, id, recorded_by, now(), 90, %s, 'x', 'x'"
            " FROM subject",
            (state,),
        )


GOING_ON = (
    "data_query",
    "data_query_step",
    "grading_verification",
    "adverse_event",
    "adverse_event_signature",
    "consent_withdrawal",
)


@pytest.mark.parametrize("of_study", [False, True])
@pytest.mark.parametrize("table", LOCKABLE)
def test_no_table_takes_a_row_of_a_locked_record_whoever_writes(
    superuser: psycopg.Connection[Any], table: str, of_study: bool
) -> None:
    the_lock(superuser, "locked", of_study)
    with pytest.raises(errors.CheckViolation) as refusal:
        insert_copy(superuser, table, {})
    assert refusal.value.diag.constraint_name == "record_locked"


@pytest.mark.parametrize("table", LOCKABLE)
def test_a_frozen_record_takes_its_review_safety_withdrawals_and_who_is_not_at_the_site(
    superuser: psycopg.Connection[Any], table: str
) -> None:
    the_lock(superuser, "frozen", of_study=True)
    for role, goes_on in (
        ("", table in GOING_ON),
        ("investigator", table in GOING_ON),
        ("monitor", table in GOING_ON),
        ("data_manager", True),
        ("safety_officer", True),
    ):
        superuser.execute("SELECT set_config('trial.role', %s, true)", (role,))
        assert (refused_by(superuser, table) == "record_frozen") != goes_on, role


def refused_by(connection: psycopg.Connection[Any], table: str) -> str | None:
    """The constraint that refuses a copy of a row, which is taken back."""
    connection.execute("SAVEPOINT one")
    try:
        insert_copy(connection, table, FRESH[table])
    except errors.IntegrityError as refusal:
        return refusal.diag.constraint_name
    finally:
        connection.execute("ROLLBACK TO one")
    return None


def test_a_locked_subject_cannot_be_changed_in_place(superuser: psycopg.Connection[Any]) -> None:
    the_lock(superuser, "locked", of_study=False)
    with pytest.raises(errors.CheckViolation, match="locked"):
        superuser.execute("UPDATE subject SET sex = sex")


@pytest.mark.parametrize(
    ("change", "goes_on"),
    [
        ("status = 'withdrawn', left_on = '2026-11-20', version = version + 1", True),
        ("status = 'withdrawn', left_on = '2026-11-20', sex = 'male'", False),
        ("status = 'died', left_on = '2026-11-20', died_on = '2026-11-20'", True),
        ("status = 'died', died_on = '2026-11-20', sex = 'male'", False),
        ("status = 'lost_to_follow_up', left_on = '2026-11-20'", False),
        ("version = version + 1", False),
        ("sex = 'male'", False),
    ],
)
def test_of_a_frozen_subject_only_the_withdrawal_of_consent_and_death_are_told(
    superuser: psycopg.Connection[Any], change: str, goes_on: bool
) -> None:
    superuser.execute("UPDATE subject SET sex = 'female', status = 'in_follow_up', left_on = NULL")
    the_lock(superuser, "frozen", of_study=False)
    update = f"UPDATE subject SET {change}".encode()
    if not goes_on:
        with pytest.raises(errors.CheckViolation, match="frozen"):
            superuser.execute(update)
        return
    superuser.execute(update)
    superuser.execute("UPDATE subject SET left_on = '2026-11-18'")  # an earlier consent's
    with pytest.raises(errors.CheckViolation, match="frozen"):
        superuser.execute("UPDATE subject SET version = version + 1")


def test_a_certificate_is_changed_in_a_frozen_trial_and_not_in_a_locked_one(api: Api) -> None:
    manager = api.as_("data_manager")
    [first, *_] = ok(manager.get("/v1/certificates"))["items"]
    where = f"/v1/certificates/{first['id']}"
    set_study(api, "frozen")
    ok(manager.patch(where, {"training": "Course of two days", "reason": "Misread"}))
    set_study(api, "locked")
    before = stored(api)
    change = {"training": "Course of three days", "reason": "Misread"}
    problem(manager.patch(where, change), 409, "record_locked")
    course = {"training": "Another course", "valid_from": "2026-01-12"}
    new = {"assessor": first["assessor"], "valid_until": "2028-01-11", **course}
    problem(manager.post("/v1/certificates", new), 409, "record_locked")
    assert stored(api) == before
    set_study(api, "open")
    ok(manager.patch(where, change))


def test_the_app_role_is_refused_too(lived: Lived) -> None:
    with lived.as_app("NN") as connection:
        connection.execute("SELECT set_config('trial.role', 'data_manager', true)")
        the_lock(connection, "locked", of_study=False)
        with pytest.raises(errors.CheckViolation, match="locked"):
            insert_copy(connection, "deviation", FRESH["deviation"])


# --- who is under way --------------------------------------------------------------------

MANAGER = Principal(
    uuid5(NAMESPACE, "data-manager"),
    "Data manager",
    Role.DATA_MANAGER,
    ("LZ", "NN", "YL"),
    machine=False,
    session=uuid4(),
)
LOCKED = LockPut.model_validate({"state": "locked", "reason": "Reviewed"})
Lock = Callable[[Session, UUID], object]
LOCKS: dict[str, Lock] = {
    "subject": lambda session, subject: service.set_subject_lock(
        session, MANAGER, subject, 0, LOCKED
    ),
    "study": lambda session, _: service.set_study_lock(session, MANAGER, 0, LOCKED),
}


def wait_for(api: Api, answer: Future[Any]) -> None:
    """Return when the call waits for another transaction's lock, or is over."""
    while not answer.done() and not api.rows("SELECT FROM pg_locks WHERE NOT granted"):
        time.sleep(0.01)


@contextmanager
def under_way(
    api: Api, work: Callable[[Session], object], call: Callable[[], httpx.Response]
) -> Iterator[Future[httpx.Response]]:
    """A call that waits for a transaction, which is committed before its answer is read."""
    with ThreadPoolExecutor(1) as thread, api.state.database.session(MANAGER) as session:
        work(session)
        answer = thread.submit(call)
        wait_for(api, answer)
        assert not answer.done(), "the call waits for nobody"
        session.commit()
        yield answer


def deviation(api: Api, subject: Json) -> httpx.Response:
    """A write of the site."""
    late = {"code": "visit", "description": "Late", "occurred_on": str(api.today())}
    return api.as_("coordinator").post(path(subject, "deviations"), late)


@pytest.mark.parametrize("of", LOCKS)
def test_a_write_that_comes_while_the_record_is_being_locked_is_refused(api: Api, of: str) -> None:
    subject = api.as_("coordinator").screened()
    of_subject = UUID(subject["id"])
    with under_way(
        api, lambda session: LOCKS[of](session, of_subject), lambda: deviation(api, subject)
    ) as answer:
        problem(answer.result(timeout=30), 409, "record_locked")
    assert api.count("deviation") == 0


def test_a_deviation_waits_for_who_changes_the_subject(api: Api) -> None:
    subject = api.as_("coordinator").screened()
    changing = "SELECT FROM subject FOR NO KEY UPDATE"
    with under_way(
        api,
        lambda session: session.connection().exec_driver_sql(changing),
        lambda: deviation(api, subject),
    ) as answer:
        assert answer.result(timeout=30).status_code == 201


def test_who_waits_for_a_subject_does_not_hold_the_trials_lock(lived: Lived) -> None:
    """Or who locks the trial, who waits for the subject and who holds it wait in a circle."""
    with (
        ThreadPoolExecutor(1) as thread,
        lived.as_superuser() as holder,
        lived.as_superuser() as writer,
    ):
        holder.execute("SELECT FROM subject FOR UPDATE")
        writing = thread.submit(insert_copy, writer, "deviation", FRESH["deviation"])
        wait_for(lived.api, writing)
        shared = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = :pid"
        held = lived.api.rows(shared, pid=writer.info.backend_pid)
        holder.rollback()
        writing.result(timeout=30)
        assert held == []
        assert lived.api.rows(shared, pid=writer.info.backend_pid)
        writer.rollback()


@pytest.mark.parametrize("of", LOCKS)
def test_a_query_that_is_being_raised_is_seen_by_who_locks(api: Api, of: str) -> None:
    subject = api.as_("coordinator").screened()
    where = STUDY if of == "study" else path(subject, "lock")
    raising = (
        "WITH asked AS (INSERT INTO data_query SELECT site, id, recorded_by, now(),"
        " gen_random_uuid(), 'subject', NULL, NULL, 'person', NULL FROM subject RETURNING *)"
        " INSERT INTO data_query_step SELECT site, subject_id, recorded_by, now(), id, 1, 'raise',"
        " 'The source says otherwise', 'monitor', 'Monitor' FROM asked"
    )
    with under_way(
        api,
        lambda session: session.connection().exec_driver_sql(raising),
        lambda: api.as_("data_manager").put(where, lock("locked"), version=0),
    ) as answer:
        problem(answer.result(timeout=30), 409, "review_open")


@pytest.mark.parametrize("of", LOCKS)
def test_nothing_is_written_after_the_lock_however_many_write_at_once(api: Api, of: str) -> None:
    subject = api.as_("coordinator").screened()
    where = STUDY if of == "study" else path(subject, "lock")
    manager = api.as_("data_manager")
    writers = [lambda: deviation(api, subject)] * 11
    answers = at_once([*writers, lambda: manager.put(where, lock("locked"), version=0)])
    *written, locked = answers
    assert locked.status_code == 200
    counted = outcomes(written)
    assert counted.keys() <= {"201", "record_locked"}
    assert api.count("deviation") == counted["201"]
    (at,) = api.rows(f"SELECT id FROM audit_event WHERE record = '{of}_lock'")
    after = api.rows("SELECT FROM audit_event WHERE record = 'deviation' AND id > :at", at=at.id)
    assert after == []
    problem(deviation(api, subject), 409, "record_locked")

"""The ways in which an allocation fails, before and after its arm was drawn."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from services.api.enrolment import service as enrolment
from services.api.randomization.secret import SecretFile
from tests.allocation_list import another_secret, opened
from tests.concealment.worlds import LIST, Held, World, instead
from tests.lived import plain

Way = Callable[[World, str], AbstractContextManager[None]]
"""Makes the allocation of a subject fail for as long as it is entered."""
PATIENCE = 20


# --- before the arm is drawn ---------------------------------------------------------------


@contextmanager
def the_trial_is_full(world: World, _: str) -> Iterator[None]:
    with world.superuser() as superuser:
        usual = superuser.execute("SELECT cap FROM randomization_total").fetchone()
        superuser.execute("UPDATE randomization_total SET cap = allocated")
        yield
        superuser.execute("UPDATE randomization_total SET cap = %s", usual)


@contextmanager
def the_secret_is_absent(world: World, _: str) -> Iterator[None]:
    nowhere = SecretFile(Path("/no/such/file"), LIST.design)
    with instead(world.api.state, nowhere):
        yield


@contextmanager
def the_secret_is_another(world: World, _: str) -> Iterator[None]:
    with instead(world.api.state, Held(opened(another_secret()).list)):
        yield


# --- by a rule of the database ---------------------------------------------------------------


def changed(begin: LiteralString, end: LiteralString) -> Way:
    """The database is defined otherwise meanwhile."""

    @contextmanager
    def way(world: World, _: str) -> Iterator[None]:
        with world.superuser() as superuser:
            superuser.execute(begin)
            yield
            superuser.execute(end)

    return way


def checked(table: LiteralString, condition: LiteralString) -> Way:
    """No new row of the table passes a check."""
    return changed(
        f"ALTER TABLE {table} ADD CONSTRAINT passing CHECK ({condition}) NOT VALID",
        f"ALTER TABLE {table} DROP CONSTRAINT passing",
    )


_AT_COMMIT: LiteralString = """
    CREATE FUNCTION refuse_to_commit() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE 'no commit' USING ERRCODE = 'triggered_data_change_violation'; END $$;
    CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON allocation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_to_commit()
"""


@contextmanager
def at_fault(_: World, __: str) -> Iterator[None]:
    """The service goes wrong in a way that nobody foresaw."""

    def move(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enrolment, "move", move)
        yield


# --- while it waits ----------------------------------------------------------------------------


def waiting(limits: LiteralString, meanwhile: Callable[[World], None] | None = None) -> Way:
    """The arm's row is written, and then the subject's trail is held by somebody else."""

    @contextmanager
    def way(world: World, subject: str) -> Iterator[None]:
        with limited(world, limits), psycopg.connect(plain(world.api.admin_url)) as holder:
            chain = f"subject:{subject}"
            holder.execute("SELECT 1 FROM audit_chain WHERE chain = %s FOR UPDATE", (chain,))
            done = threading.Event()
            acting = threading.Thread(target=_until, args=(done, world, meanwhile))
            acting.start()
            yield
            done.set()
            acting.join()

    return way


@contextmanager
def limited(world: World, limits: str) -> Iterator[None]:
    """The service's connections have other limits of waiting."""
    role = f"ALTER ROLE trial_app IN DATABASE {world.name}"
    with world.superuser() as superuser:
        for one in limits.split(","):
            superuser.execute(f"{role} SET {one}".encode())
        world.api.state.database.close()
        yield
        superuser.execute(f"{role} RESET ALL".encode())
        world.api.state.database.close()


def _until(done: threading.Event, world: World, act: Callable[[World], None] | None) -> None:
    while act is not None and not done.wait(0.02):
        act(world)


_BLOCKED = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND usename = 'trial_app' AND wait_event_type = 'Lock'
"""


def kill(world: World) -> None:
    """End the connections of the service that wait for a lock."""
    with world.superuser() as superuser:
        superuser.execute(f"SELECT pg_terminate_backend(pid) FROM ({_BLOCKED}) AS blocked")


@contextmanager
def the_slot_is_taken(world: World, _: str) -> Iterator[None]:
    """Somebody who takes no lock writes the same slot at the same time, and is first."""
    with psycopg.connect(plain(world.api.admin_url)) as taker:
        taker.execute("SET session_replication_role = replica")
        taker.execute(
            "INSERT INTO allocation (site, subject_id, recorded_by, recorded_at, id, stratum, seq,"
            " arm, randomization_number, randomized_at, evaluation_version, protocol_version)"
            " SELECT site, gen_random_uuid(), recorded_by, recorded_at, gen_random_uuid(), stratum,"
            " seq + 1, 'taken', 'taken', randomized_at, 1, protocol_version"
            " FROM allocation WHERE stratum = 'NN-C' ORDER BY seq DESC LIMIT 1"
        )
        first = threading.Thread(target=_commit_once_blocking, args=(world, taker))
        first.start()
        yield
        first.join()
        taker.execute("DELETE FROM allocation WHERE arm = 'taken'")


def _commit_once_blocking(world: World, taker: psycopg.Connection[Any]) -> None:
    await_blocked(world)
    taker.commit()


def await_blocked(world: World) -> None:
    """Wait until a connection of the service waits for a lock."""
    deadline = time.monotonic() + PATIENCE
    with world.superuser() as superuser:
        while not superuser.execute(_BLOCKED).fetchall() and time.monotonic() < deadline:
            time.sleep(0.02)


BEFORE: dict[str, tuple[Way, str]] = {
    "the trial is full": (the_trial_is_full, "recruitment_complete"),
    "the secret is absent": (the_secret_is_absent, "list_absent"),
    "the secret is another": (the_secret_is_another, "list_unavailable"),
}
"""What fails before the arm is drawn, and what is told of it."""

AFTER: dict[str, tuple[Way, str]] = {
    "a check of the allocation": (checked("allocation", "arm = 'nobody'"), "internal"),
    "a column that is not given": (
        changed(
            "ALTER TABLE allocation ADD COLUMN more int NOT NULL DEFAULT 0;"
            " ALTER TABLE allocation ALTER COLUMN more DROP DEFAULT",
            "ALTER TABLE allocation DROP COLUMN more",
        ),
        "internal",
    ),
    "a check of the trail": (checked("audit_event", "record <> 'allocation'"), "internal"),
    "an event that exists": (
        changed(
            "SELECT setval('audit_event_id_seq', (SELECT min(id) FROM audit_event))",
            "SELECT setval('audit_event_id_seq', (SELECT max(id) FROM audit_event))",
        ),
        "internal",
    ),
    "a check of the kept answer": (
        checked("idempotent_answer", "expires_at IS NOT NULL"),
        "internal",
    ),
    "the slot is taken": (the_slot_is_taken, "internal"),
    "a fault of ours": (at_fault, "internal"),
    "the commit is refused": (
        changed(_AT_COMMIT, "DROP FUNCTION refuse_to_commit CASCADE"),
        "outcome_unknown",
    ),
    "a lock takes too long": (waiting("lock_timeout = '300ms'"), "unavailable"),
    "a statement takes too long": (
        # Long enough for every statement that waits for nobody, on a busy machine too.
        waiting("lock_timeout = 0,statement_timeout = '2s'"),
        "unavailable",
    ),
    "its connection ends": (waiting("lock_timeout = 0", kill), "unavailable"),
}
"""What fails when the arm was drawn already, and what is told of it."""

"""Every event is sealed, however late it was committed, by one sealer with a key of its own."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors

from services.api.audit import sealing
from services.api.audit.sealing import Sealer, seal_for_ever, seal_once
from services.api.audit.statements import digest, read
from services.api.core.keys import TokenKey
from services.api.randomization.merkle import leaf_hash, tree_head
from services.api.settings import MissingSetting, Settings
from tests.audit.conftest import Trail
from tests.conftest import APP_PASSWORD
from tests.lived import plain
from tests.test_serve import trial as started

NOTE: LiteralString = "SELECT note_audit_event('READ', 'x', '', NULL, %s, NULL)"


@contextmanager
def as_role(trail: Trail, role: str, password: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(plain(trail.cluster.url(role, password, trail.name))) as connection:
        yield connection


def as_app(trail: Trail) -> psycopg.Connection[Any]:
    """The role that serves, in a transaction of its own."""
    return psycopg.connect(plain(trail.cluster.url("trial_app", APP_PASSWORD, trail.name)))


@pytest.fixture
def sealer(trail: Trail) -> Iterator[Sealer]:
    """One sealer that goes on living between its rounds."""
    with psycopg.connect(trail.sealer.plain_database_url, autocommit=True) as connection:
        yield Sealer(connection, TokenKey.from_pem(trail.key.read_text()))


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def unsealed(trail: Trail) -> int:
    return int(
        trail.ask(
            "SELECT count(*) FROM audit_event e WHERE NOT EXISTS"
            " (SELECT FROM audit_leaf l WHERE l.event_id = e.id)"
        )
    )


# --- what is sealed ---------------------------------------------------------------------


def test_a_checkpoint_is_the_root_over_the_events_that_had_none(trail: Trail) -> None:
    kept = trail.kept()
    with as_app(trail) as connection:
        for _ in range(3):
            connection.execute(NOTE, (uuid4(),))
    assert trail.seal() == 3
    assert trail.seal() == 0  # nothing new, so no checkpoint
    statement = trail.kept()[len(kept) + 1]
    said = read(statement)
    with as_role(trail, trail.cluster.superuser, trail.cluster.password) as connection:
        rows = connection.execute("SELECT id, hash FROM audit_event ORDER BY id DESC LIMIT 3")
        events = sorted(rows.fetchall())
    assert (said.number, said.events) == (len(kept) + 1, 3)
    assert (said.first, said.last) == (events[0][0], events[-1][0])
    assert said.root == tree_head([leaf_hash(event[1]) for event in events]).hex()
    assert said.previous == digest(kept[len(kept)])
    assert said.kid == TokenKey.from_pem(trail.key.read_text()).kid


def test_many_events_are_sealed_in_portions(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 2)
    before = len(trail.kept())
    with as_app(trail) as connection:
        for _ in range(5):
            connection.execute(NOTE, (uuid4(),))
    assert trail.seal() == 5
    assert len(trail.kept()) == before + 3
    assert trail.verify().faults == []


def test_an_event_that_commits_late_is_not_passed_over(trail: Trail, sealer: Sealer) -> None:
    """Its id is below those that were sealed before it was there to be seen."""
    with as_app(trail) as late, as_app(trail) as other:
        late.execute(NOTE, (uuid4(),))
        for _ in range(4):
            other.execute(NOTE, (uuid4(),))
            other.commit()
            assert sealer.seal() == 1
        late.commit()
    assert sealer.seal() == 1
    assert unsealed(trail) == 0
    assert trail.verify().faults == []


def test_the_search_begins_behind_what_is_settled(trail: Trail, sealer: Sealer) -> None:
    """Ids are looked through once more only while a transaction may still bring one of them."""
    sealer.seal()
    sealer.seal()
    settled = sealer._floor
    assert settled == trail.ask("SELECT max(id) FROM audit_event")
    with as_app(trail) as late:
        late.execute(NOTE, (uuid4(),))
        for _ in range(3):
            with as_app(trail) as other:
                other.execute(NOTE, (uuid4(),))
            sealer.seal()
        assert sealer._floor <= settled + 1  # the late one's id is behind it
    sealer.seal()
    sealer.seal()
    assert sealer._floor == trail.ask("SELECT max(id) FROM audit_event")


def test_no_event_is_lost_while_eight_write_and_commit_in_any_order(trail: Trail) -> None:
    written = threading.Event()

    def write(seed: int) -> None:
        chance, subjects = Random(seed), [uuid4() for _ in range(4)]
        with as_app(trail) as connection:
            for _ in range(40):
                for _ in range(chance.randint(1, 3)):
                    connection.execute(NOTE, (chance.choice(subjects),))
                time.sleep(chance.random() * 0.02)
                connection.rollback() if chance.random() < 0.1 else connection.commit()

    def keep_sealing() -> None:
        with psycopg.connect(trail.sealer.plain_database_url, autocommit=True) as connection:
            sealer = Sealer(connection, TokenKey.from_pem(trail.key.read_text()))
            while not written.is_set():
                sealer.seal()
            sealer.seal()

    before = trail.ask("SELECT count(*) FROM audit_event")
    with ThreadPoolExecutor(9) as pool:
        sealing_ = pool.submit(keep_sealing)
        for one in [pool.submit(write, seed) for seed in range(8)]:
            one.result()
        written.set()
        sealing_.result()
    assert trail.ask("SELECT count(*) FROM audit_event") > before + 400
    assert len(trail.kept()) > 10
    assert unsealed(trail) == 0
    assert trail.verify().faults == []


def test_events_that_a_restore_brought_are_sealed_whatever_their_transaction(trail: Trail) -> None:
    """A restored database counts its transactions anew, below those of its rows."""
    with trail.attacked() as connection:
        connection.execute("SET session_replication_role = origin")
        connection.execute(NOTE, (uuid4(),))
    with trail.attacked() as connection:
        connection.execute(
            "UPDATE audit_event SET transaction = '9000000000' WHERE id ="
            " (SELECT max(id) FROM audit_event)"
        )
    assert trail.seal() == 1


# --- who seals ----------------------------------------------------------------------------


def test_of_two_sealers_one_works(trail: Trail) -> None:
    with psycopg.connect(trail.sealer.plain_database_url, autocommit=True) as leader:
        assert sealing._leads(leader)
        assert seal_once(trail.sealer) is None
    wait_until(lambda: seal_once(trail.sealer) is not None)


FORBIDDEN = [
    "SELECT 1 FROM subject",
    "SELECT 1 FROM account",
    "SELECT 1 FROM audit_chain",
    "UPDATE audit_event SET actor = 'x'",
    "DELETE FROM audit_event",
    "UPDATE audit_leaf SET position = 0",
    "DELETE FROM audit_leaf",
    "UPDATE audit_checkpoint SET statement = ''",
    "DELETE FROM audit_checkpoint",
    "TRUNCATE audit_checkpoint",
    "INSERT INTO audit_event DEFAULT VALUES",
    "INSERT INTO audit_chain VALUES ('x', 1, '')",
    "SELECT note_audit_event('READ', 'x', '', NULL, NULL, NULL)",
    "SET ROLE trial_owner",
    "SET ROLE trial_app",
    "SET session_replication_role = replica",
    "CREATE TABLE mine (id int)",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_sealer_may_do_nothing_else(trail: Trail, statement: LiteralString) -> None:
    with (
        psycopg.connect(trail.sealer.plain_database_url) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit_checkpoint VALUES (99, 'x')",
        "INSERT INTO audit_leaf VALUES (1, 1, 1, '')",
        "SELECT 1 FROM audit_leaf",
    ],
)
def test_the_service_may_not_seal(trail: Trail, statement: LiteralString) -> None:
    with as_app(trail) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


def test_the_service_does_not_need_the_sealing_key(trail: Trail) -> None:
    with pytest.raises(MissingSetting, match="TRIAL_SEALING_KEY_FILE"):
        seal_once(trail.sealer.model_copy(update={"sealing_key_file": None}))
    broken = trail.key.with_name("broken.pem")
    broken.write_text("no key")
    with pytest.raises(MissingSetting, match="TRIAL_SEALING_KEY_FILE: no"):
        seal_once(trail.sealer.model_copy(update={"sealing_key_file": broken}))
    with pytest.raises(MissingSetting, match="TRIAL_DATABASE_URL"):
        seal_once(trail.sealer.model_copy(update={"database_url": None}))


# --- for ever ------------------------------------------------------------------------------


def quick(trail: Trail) -> Settings:
    return trail.sealer.model_copy(update={"seal_seconds": 0.05})


def test_a_sealer_survives_the_end_of_its_connection(trail: Trail) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=seal_for_ever, args=(quick(trail), stop))
    thread.start()
    try:
        for _ in range(2):
            with as_app(trail) as connection:
                connection.execute(NOTE, (uuid4(),))
            wait_until(lambda: unsealed(trail) == 0)
            ended = trail.ask(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = 'trial sealer' AND datname = current_database()"
            )
            assert ended == 1
    finally:
        stop.set()
        thread.join(timeout=10)
    assert not thread.is_alive()


def test_a_second_sealer_takes_over_when_the_first_ends(trail: Trail) -> None:
    stops = [threading.Event(), threading.Event()]
    threads = []
    try:
        for stop in stops:
            threads.append(threading.Thread(target=seal_for_ever, args=(quick(trail), stop)))
            threads[-1].start()
        stops[0].set()
        threads[0].join(timeout=10)
        with as_app(trail) as connection:
            connection.execute(NOTE, (uuid4(),))
        wait_until(lambda: unsealed(trail) == 0)
    finally:
        for stop, thread in zip(stops, threads, strict=True):
            stop.set()
            thread.join(timeout=10)
    assert trail.verify().faults == []


def process_settings(trail: Trail) -> dict[str, object]:
    return {
        "database_url": trail.sealer.plain_database_url,
        "sealing_key_file": trail.key,
        "seal_seconds": 0.1,
    }


def test_the_command_seals_until_it_is_told_to_stop(trail: Trail) -> None:
    with as_app(trail) as connection:
        connection.execute(NOTE, (uuid4(),))
    with started("audit", "seal", **process_settings(trail)) as running:
        wait_until(lambda: unsealed(trail) == 0, seconds=60)
        running.end(signal.SIGTERM)
        assert running.process.returncode == 0
    assert "Traceback" not in running.said
    assert '"event": "sealed"' in running.said


def test_the_command_seals_once(trail: Trail) -> None:
    with as_app(trail) as connection:
        connection.execute(NOTE, (uuid4(),))
    with started("audit", "seal", "--once", **process_settings(trail)) as running:
        running.read_until("Sealed 1 events")
        assert running.process.wait(timeout=30) == 0


def test_the_key_never_leaves_its_file(trail: Trail) -> None:
    secret = Path(trail.key).read_text().splitlines()[1]
    assert all(secret not in statement for statement in trail.kept().values())

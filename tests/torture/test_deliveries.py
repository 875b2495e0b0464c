"""Workers, the API and PostgreSQL are killed while events are told, published and delivered.

Hospitals go on recording; a receiver verifies, fails, stalls, closes the line
and restarts. Every record has its event, every event arrives, in order per
subject, and what comes twice carries the same id.
"""

import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from services.api.core.db import Database
from services.api.identity.models import Account
from services.api.settings import Settings
from tests.conftest import Rounds
from tests.make import Json, created, ok, plan
from tests.torture.conftest import Tell
from tests.torture.installation import (
    APP_PASSWORD,
    DATABASE,
    Installation,
    Part,
    installation,
    wait_until,
)
from tests.webhooks.receiver import Received, Receiver, receiving
from tests.webhooks.telling import kill, worker_process

SUBJECTS = 8
WRITE_SECONDS = 0.4
"""Between two records of a subject: it is order that is tried here, not speed."""
ROUND_SECONDS = 1.2
"""From one kill to the next; whoever was killed is started again at once."""
HOOK = {"TRIAL_WEBHOOK_PRIVATE_ADDRESSES": "true", "TRIAL_WEBHOOK_HTTP": "true"}
SHORT = ("worker", Part.POSTMASTER, Part.SERVER)
LONG = ("worker", Part.WORKER, Part.BACKEND, "receiver", "worker", Part.POSTMASTER, Part.SERVER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Kill at other moments each time, in a long run with three installations."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(3 if metafunc.config.getoption("torture") else 1))


@dataclass
class Unreliable:
    """A receiver's behaviour: one answer in five is not the one that was hoped for."""

    chance: random.Random
    well: bool = False
    misbehaved: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, _: Received) -> int | str:
        with self.lock:
            drawn = (
                ""
                if self.well
                else self.chance.choices(("", "500", "close", "late"), weights=(80, 8, 8, 4))[0]
            )
            self.misbehaved[drawn] += bool(drawn)
        if drawn == "late":
            time.sleep(1)
        return int(drawn) if drawn == "500" else drawn if drawn == "close" else 204


@dataclass
class Hospital:
    """Who records radiotherapy of its subjects, whatever becomes of the service."""

    trial: Installation
    subjects: list[Json]
    ended: threading.Event = field(default_factory=threading.Event)
    acknowledged: Counter[str] = field(default_factory=Counter)

    def record(self, subject: Json) -> None:
        """Record one subject's radiotherapy again and again, asking anew for what was unclear."""
        api = self.trial.api.as_("coordinator", str(subject["site"]))
        path = f"/v1/subjects/{subject['id']}/radiotherapy"
        body = plan(api.today(), reason="A further plan")
        while not self.ended.is_set():
            with suppress(httpx.TransportError, KeyError):
                if api.put(path, body).status_code == 200:
                    self.acknowledged[str(subject["id"])] += 1
            self.ended.wait(WRITE_SECONDS)


def settings_of(trial: Installation) -> Settings:
    """What a worker needs to know of the installation."""
    given = trial.settings
    return Settings(
        database_url=SecretStr(given["TRIAL_DATABASE_URL"]),
        person_key_file=Path(given["TRIAL_PERSON_KEY_FILE"]),
        protocol_document=Path(given["TRIAL_PROTOCOL_DOCUMENT"]),
    )


@dataclass
class Workers:
    """Processes that work, of which there are always so many."""

    trial: Installation
    chance: random.Random
    number: int
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        settings = settings_of(self.trial)
        self.running = [worker_process(settings) for _ in range(self.number)]

    def kill_one(self) -> None:
        place = self.chance.randrange(self.number)
        kill(self.running[place])
        self.running[place] = worker_process(settings_of(self.trial))

    def stop(self) -> None:
        for one in self.running:
            kill(one)


@contextmanager
def hurried(trial: Installation) -> Iterator[None]:
    """Pauses after failed attempts are cut short: three days would be long for a test."""
    ended = threading.Event()

    def hurry() -> None:
        while not ended.wait(0.5):
            with suppress(Exception):
                trial.api.rows("UPDATE webhook_delivery SET due_at = now() WHERE due_at > now()")

    thread = threading.Thread(target=hurry)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def strike(trial: Installation, workers: Workers, receiver: Receiver, kind: object) -> str:
    """Kill a part, or restart the receiver; answers what it was."""
    if kind == "receiver":
        receiver.stop()
        time.sleep(0.3)
        receiver.start()
    elif kind == "worker":
        workers.kill_one()
    elif isinstance(kind, Part):
        victims = trial.victims(kind)
        if not victims:
            return "nothing"
        trial.kill(kind, workers.chance.choice(victims))
        return kind.value
    return f"the {kind}" if kind == "receiver" else "a worker of the queue"


def unsettled(trial: Installation) -> str:
    """What is not delivered yet; empty once everything is."""
    with suppress(Exception):
        return str(
            trial.api.rows(
                "SELECT 'deliveries', count(*) FROM webhook_delivery WHERE state <> 'delivered'"
                " HAVING count(*) > 0 UNION ALL"
                " SELECT 'events', count(*) FROM feed_event WHERE position IS NULL"
                " OR position > (SELECT position FROM feed_reader) HAVING count(*) > 0"
            )
            or ""
        )
    return "PostgreSQL is away"


def _appoint(trial: Installation, admin: str) -> None:
    """Give the admin of the tokens an account, which the owner of a webhook needs."""
    account = Account(
        id=UUID(admin),
        kind="user",
        username="admin",
        name="Admin",
        role="admin",
        sites=[],
        secret_hash="nobody signs in with it",
    )
    database = Database(trial.cluster.url("trial_app", APP_PASSWORD, DATABASE), pool_size=1)
    with closing(database), database.transaction() as session:
        session.add(account)


def test_whatever_is_killed_every_event_arrives_in_order(
    tmp_path_factory: pytest.TempPathFactory, rounds: Rounds, seed: int, tell: Tell
) -> None:
    chance = random.Random(seed)
    behaviour = Unreliable(random.Random(seed + 1), well=True)
    home = tmp_path_factory.mktemp("deliveries")
    struck: Counter[str] = Counter()
    number, kinds = rounds(1, 2), (SHORT, LONG)[rounds(0, 1)]
    began = time.monotonic()
    with (
        installation(home, cap=100, **HOOK, TRIAL_WORKERS=str(number)) as trial,
        receiving(behaviour) as receiver,
    ):
        subjects = [trial.api.as_("coordinator").consented() for _ in range(SUBJECTS)]
        body = {"url": receiver.url, "sites": ["LZ", "NN", "YL"]}
        admin = trial.api.as_("admin")
        _appoint(trial, ok(admin.get("/v1/me"))["id"])
        made = created(admin.post("/v1/webhooks", body))
        receiver.secret, receiver.received[:] = made["secret"], []
        hospital, workers = Hospital(trial, subjects), Workers(trial, chance, number)
        workers.start()
        behaviour.well = False
        with ThreadPoolExecutor(SUBJECTS) as writers, hurried(trial):
            try:
                writing = [writers.submit(hospital.record, subject) for subject in subjects]
                wait_until(lambda: len(receiver.accepted) >= SUBJECTS)
                for _, kind in zip(range(rounds(len(SHORT), 150)), cycle(kinds), strict=False):
                    time.sleep(chance.uniform(0.5, 1.5) * ROUND_SECONDS)
                    struck[strike(trial, workers, receiver, kind)] += 1
                    trial.keep_up()
                trial.wait_until_ready()
                hospital.ended.set()
                for one in writing:
                    one.result()
                behaviour.well = True
                wait_until(lambda: not unsettled(trial), lambda: unsettled(trial))
            finally:
                hospital.ended.set()
                workers.stop()
        check(trial, hospital, receiver)
    seconds = time.monotonic() - began
    killed = ", ".join(f"{count} times {part}" for part, count in struck.items())
    failed = ", ".join(f"{count} {kind}" for kind, count in behaviour.misbehaved.items() if kind)
    told = sum(len(ids) for ids in receiver.first_of().values())
    tell(f"Struck in {seconds:.0f} s: {killed}; the receiver answered otherwise: {failed}.")
    tell(f"{told} events, 0 lost, 0 out of order, {receiver.doubled()} came twice, the same id.")


def check(trial: Installation, hospital: Hospital, receiver: Receiver) -> None:
    """Every record has its event, and every event arrived, in order."""
    for subject in hospital.subjects:
        here = {"subject": subject["id"]}
        ((versions, events),) = trial.api.rows(
            "SELECT (SELECT count(*) FROM radiotherapy WHERE subject_id = :subject),"
            " (SELECT count(*) FROM feed_event WHERE subject_id = :subject"
            "  AND type = 'radiotherapy.recorded')",
            **here,
        )
        assert versions == events >= hospital.acknowledged[str(subject["id"])] > 0
    told = trial.api.rows(
        "SELECT e.id, e.subject_id, e.position FROM feed_event e JOIN webhook_delivery d"
        " ON d.event_id = e.id ORDER BY e.position"
    )
    order: dict[str | None, list[str]] = {}
    for event, subject, _ in told:
        order.setdefault(subject and str(subject), []).append(str(event))
    assert receiver.first_of() == order
    assert receiver.unverified == 0
    places = [row[0] for row in trial.api.rows("SELECT position FROM feed_event ORDER BY 1")]
    assert places == [*range(1, len(places) + 1)]
    ((acted, postponed),) = trial.api.rows(
        "SELECT (SELECT position FROM feed_reader), (SELECT count(*) FROM postponed_event)"
    )
    assert (acted, postponed) == (places[-1], 0)

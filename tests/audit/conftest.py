"""A trail that was sealed as it grew, and a copy of it for each test that tampers with it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from services.api.audit.verify import Findings, verify
from services.api.embedded import Cluster
from services.api.settings import Settings
from tests.conftest import (
    AUDITOR_PASSWORD,
    SEALER_PASSWORD,
    Served,
    admin_url,
    cloned,
    seal,
    serving,
)
from tests.lived import plain
from tests.make import Api, created, grading, ok, problem

HISTORY = "test_history"


@dataclass(frozen=True)
class Trail:
    """One database's trail, as its sealer, its auditor and an attacker who is superuser see it."""

    cluster: Cluster
    name: str
    key: Path

    def settings(self, role: str, password: str) -> Settings:
        url = SecretStr(self.cluster.url(role, password, self.name))
        return Settings(database_url=url, sealing_key_file=self.key)

    @property
    def sealer(self) -> Settings:
        return self.settings("trial_sealer", SEALER_PASSWORD)

    def seal(self) -> int | None:
        """Seal what there is, as the sealer's process does."""
        return seal(self.cluster, self.name, self.key)

    def verify(self, **options: Any) -> Findings:
        """What the auditor finds; by default no event is too young to be sealed."""
        auditor = self.settings("trial_auditor", AUDITOR_PASSWORD)
        return verify(auditor, **{"grace": 0.0, **options})

    @contextmanager
    def attacked(self) -> Iterator[psycopg.Connection[Any]]:
        """The superuser, with every trigger and foreign key out of force; kept at the end."""
        with psycopg.connect(plain(admin_url(self.cluster, self.name))) as connection:
            connection.execute("SET session_replication_role = replica")
            yield connection

    def ask(self, query: str, *values: object) -> Any:
        """The first column of the first row."""
        with psycopg.connect(plain(admin_url(self.cluster, self.name))) as connection:
            found = connection.execute(query.encode(), values).fetchone()
        assert found is not None
        return found[0]

    def kept(self) -> dict[int, str]:
        """The checkpoints, as somebody keeps them elsewhere."""
        with psycopg.connect(plain(admin_url(self.cluster, self.name))) as connection:
            rows = connection.execute("SELECT number, statement FROM audit_checkpoint").fetchall()
        return dict(rows)


@pytest.fixture(scope="session")
def history(cluster: Cluster, served: Served, sealing_key: Path) -> Iterator[Trail]:
    """What happened at two sites, sealed four times; nobody is connected to it."""
    with cloned(cluster, HISTORY) as name:
        trail = Trail(cluster, name, sealing_key)
        with serving(cluster, served, name) as api:
            live(api, trail)
        yield trail


def live(api: Api, trail: Trail) -> None:
    """Enrol, correct, treat, grade, read and be refused; seal in between."""
    trail.seal()
    investigator = api.as_("investigator")
    subject = investigator.screened()
    here = f"/v1/subjects/{subject['id']}"
    ok(investigator.patch(here, {"sex": "male", "reason": "Misread the source"}))
    trail.seal()
    treated = investigator.on_treatment()
    there = f"/v1/subjects/{treated['id']}"
    ok(investigator.put(f"{there}/visits/RT1A", {"date": str(api.today())}))
    graded = created(investigator.post(f"{there}/visits/RT1A/gradings", grading(api.today())))
    change = {"grade": 3, "reason": "Misread"}
    ok(investigator.patch(f"/v1/gradings/{graded['id']}", change))
    trail.seal()
    ok(api.as_("monitor").get(there))
    problem(api.as_("assessor").get(f"{there}/endpoint"), 403, "forbidden")
    api.as_("investigator", "LZ").screened(site="LZ")
    ok(api.sign_in("monitor-nn"))
    trail.seal()


@contextmanager
def copied(trail: Trail, name: str) -> Iterator[Trail]:
    """A copy of a trail to which nobody is connected."""
    with cloned(trail.cluster, name, trail.name):
        yield Trail(trail.cluster, name, trail.key)


@pytest.fixture
def trail(history: Trail) -> Iterator[Trail]:
    """A copy of the history, to be tampered with."""
    with copied(history, "test_tampered") as made:
        yield made


def answer(kept: dict[int, str]) -> str:
    """The checkpoints as GET /v1/audit/checkpoints answers them."""
    items = [{"number": number, "statement": statement} for number, statement in kept.items()]
    return json.dumps({"items": items, "next_cursor": None})

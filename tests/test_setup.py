"""The first start of an installation, and every start after it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from services.api.core.clock import Clock
from services.api.core.db import Database
from services.api.core.errors import NotFound
from services.api.core.permissions import SITE_BOUND, Role
from services.api.embedded import Cluster
from services.api.identity.models import Account
from services.api.protocol.load import Loaded, load
from services.api.randomization import service as randomization
from services.api.randomization.secret import SecretFile, SecretUnusable
from services.api.settings import Settings
from services.api.setup import ProductionDatabase, SandboxDatabase, prepare
from services.api.study.service import PublishedDiffers
from tests.allocation_list import DESIGN, LIST, another_secret, secret_file
from tests.conftest import APP_PASSWORD, cloned
from tests.make import Api

NAME = "fresh_trial"
PUBLISHED = (
    "protocol_version",
    "site",
    "account",
    "site_activation",
    "stratum",
    "randomization_slot",
    "randomization_commitment",
    "randomization_total",
)
"""What a start may write to."""


@pytest.fixture
def fresh(cluster: Cluster, migrated: str) -> Iterator[Database]:
    """A migrated database in which nothing was published."""
    with cloned(cluster, NAME, migrated):
        database = Database(cluster.url("trial_app", APP_PASSWORD, NAME), pool_size=4)
        yield database
        database.close()


@pytest.fixture
def loaded(settings: Settings) -> Loaded:
    return load(settings.protocol_document)


@pytest.fixture
def clock() -> Clock:
    return Clock(ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def secret(settings: Settings) -> SecretFile:
    assert settings.randomization_secret_file is not None
    return SecretFile(settings.randomization_secret_file, DESIGN, sandbox=True)


PRODUCTION = Settings(sandbox=False)


def counts(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        return {
            table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            for table in PUBLISHED
        }


def test_several_workers_start_at_once_and_publish_once(
    fresh: Database, settings: Settings, loaded: Loaded, secret: SecretFile
) -> None:
    clocks = [Clock(ZoneInfo("Asia/Shanghai")) for _ in range(4)]
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda clock: prepare(fresh, settings, loaded, secret, clock), clocks))
    section = loaded.protocol.randomization
    site_bound = 3 * len([*SITE_BOUND, "a second assessor"])
    assert counts(fresh) == {
        "protocol_version": 1,
        "site": 3,
        "account": site_bound + len(Role) - len(SITE_BOUND),
        "site_activation": 3,
        "stratum": 6,
        "randomization_slot": 6 * section.slots_per_stratum,
        "randomization_commitment": 1,
        "randomization_total": 1,
    }
    with fresh.session() as session:
        assert randomization.commitment(session).root == LIST.root


def test_a_production_start_makes_no_account_and_opens_no_site(
    fresh: Database, loaded: Loaded, clock: Clock, tmp_path: Path
) -> None:
    prepare(fresh, PRODUCTION, loaded, secret_file(tmp_path, another_secret()), clock)
    made = counts(fresh)
    assert (made["account"], made["site_activation"]) == (0, 0)
    assert (made["protocol_version"], made["randomization_commitment"]) == (1, 1)
    with fresh.session() as session, pytest.raises(NotFound):
        randomization.commitment(session)


@pytest.mark.parametrize("held", ["protocol", "account"])
def test_no_sandbox_starts_on_a_production_database_however_it_is_started(
    fresh: Database,
    settings: Settings,
    loaded: Loaded,
    secret: SecretFile,
    clock: Clock,
    tmp_path: Path,
    held: str,
) -> None:
    """Not even past `trial serve`: as the application alone, or as the play of a scenario."""
    if held == "protocol":
        prepare(fresh, PRODUCTION, loaded, secret_file(tmp_path, another_secret()), clock)
    else:
        with fresh.session() as session:
            admin = Account(
                id=uuid4(),
                kind="user",
                username="a",
                name="A",
                role="admin",
                sites=[],
                secret_hash="unusable",
            )
            session.add(admin)
            session.commit()
    before = counts(fresh)
    with pytest.raises(ProductionDatabase):
        prepare(fresh, settings, loaded, secret, clock)
    assert counts(fresh) == before


def test_a_later_start_changes_nothing(
    api: Api, settings: Settings, secret: SecretFile, clock: Clock
) -> None:
    database, loaded = api.state.database, api.state.loaded
    before = counts(database)
    rows = api.changes()
    prepare(database, settings, loaded, secret, clock)
    assert counts(database) == before
    assert api.changes() == rows


@pytest.mark.parametrize("lost", [True, False])
def test_a_first_start_without_a_usable_secret_publishes_nothing(
    fresh: Database, loaded: Loaded, clock: Clock, tmp_path: Path, lost: bool
) -> None:
    file = secret_file(tmp_path, another_secret())
    if lost:
        file.path.unlink()
    else:
        file.path.write_text("not a secret")
    with pytest.raises(SecretUnusable):
        prepare(fresh, PRODUCTION, loaded, file, clock)
    assert set(counts(fresh).values()) == {0}


def test_a_later_start_with_another_secret_or_none_serves_what_needs_no_list(
    api: Api, settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    file = secret_file(tmp_path, another_secret())
    before = counts(api.state.database)
    prepare(api.state.database, settings, api.state.loaded, file, clock)
    file.path.unlink()
    prepare(api.state.database, settings, api.state.loaded, file, clock)
    assert counts(api.state.database) == before


@pytest.mark.parametrize("changed", [{"slots_per_stratum": 201}, {"cap": 150}, {"ratio": (2, 1)}])
def test_a_start_with_another_design_or_cap_than_the_published_is_refused_and_publishes_nothing(
    api: Api, settings: Settings, secret: SecretFile, clock: Clock, changed: dict[str, Any]
) -> None:
    protocol = api.state.loaded.protocol
    if "ratio" in changed:
        changed = {"ratio": dict(zip(protocol.randomization.ratio, changed["ratio"], strict=True))}
    section = protocol.randomization.model_copy(update=changed)
    amended = protocol.model_copy(update={"version": "1.1", "randomization": section})
    before = counts(api.state.database)
    with pytest.raises(randomization.DesignChanged, match="leaves them as they are"):
        prepare(
            api.state.database,
            settings,
            replace(api.state.loaded, protocol=amended, sha256="1" * 64),
            secret,
            clock,
        )
    assert counts(api.state.database) == before


def test_a_production_start_on_a_sandbox_database_is_refused(
    api: Api, secret: SecretFile, clock: Clock
) -> None:
    with pytest.raises(SandboxDatabase):
        prepare(api.state.database, PRODUCTION, api.state.loaded, secret, clock)


def test_a_start_with_a_changed_document_of_the_same_version_is_refused(
    api: Api, settings: Settings, secret: SecretFile, clock: Clock
) -> None:
    changed = replace(api.state.loaded, sha256="0" * 64)
    with pytest.raises(PublishedDiffers):
        prepare(api.state.database, settings, changed, secret, clock)


def test_a_restarted_sandbox_goes_on_at_the_time_it_had_reached(
    api: Api, settings: Settings, secret: SecretFile, clock: Clock
) -> None:
    prepare(api.state.database, settings, api.state.loaded, secret, clock)
    assert clock.offset == timedelta(0)
    api.move_to(api.today() + timedelta(days=30))
    prepare(api.state.database, settings, api.state.loaded, secret, clock)
    assert clock.offset == api.state.clock.offset
    assert clock.today() == api.today()

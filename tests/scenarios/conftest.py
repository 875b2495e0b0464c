"""A sandbox with a stage, in this process, over a database of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from services.api.core.keys import new_signing_key
from services.api.embedded import Cluster
from services.api.main import create_app
from services.api.sandbox.scenarios import Scenario
from services.api.scenarios.databases import Databases
from services.api.scenarios.stage import OwnStage
from services.api.settings import Settings
from tests.conftest import APP_PASSWORD, SEALER_PASSWORD, Served, admin_url, cloned
from tests.listening import listening
from tests.make import Api


def on(cluster: Cluster, settings: Settings, database: str) -> Settings:
    """The settings of a sandbox on that database."""
    url = SecretStr(cluster.url("trial_app", APP_PASSWORD, database))
    return settings.model_copy(update={"database_url": url})


@pytest.fixture
def databases(
    cluster: Cluster,
    served: Served,
    settings: Settings,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Databases]:
    """The databases of a sandbox that may be reset."""
    signing = tmp_path / "signing-key.pem"  # a reset changes it
    shutil.copy(str(settings.signing_key_file), signing)
    sealing = tmp_path / "sealing-key.pem"
    sealing.write_text(new_signing_key())
    with cloned(cluster, f"play{abs(hash(request.node.nodeid))}") as name:
        own = on(cluster, settings, name).model_copy(update={"signing_key_file": signing})
        sealer = Settings(
            database_url=SecretStr(cluster.url("trial_sealer", SEALER_PASSWORD, name)),
            sealing_key_file=sealing,
        )
        made = Databases(admin_url(cluster, name), own, sealer)
        # The empty scenario is there at once: what else it takes is tried where one is played.
        with cloned(cluster, made.template_name(Scenario.EMPTY, 1)):
            yield made


@pytest.fixture
def sandbox(databases: Databases) -> Iterator[Api]:
    """A sandbox that may be reset."""
    app = create_app(databases.settings)
    app.state.stage = OwnStage(app, databases.settings, databases)
    with listening(app) as address, httpx.Client(base_url=address, timeout=300) as client:
        yield Api(client, app.state, databases.admin_url)

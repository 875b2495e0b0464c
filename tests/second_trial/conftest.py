"""Another trial's document served by the same program, over a socket and a database of its own."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.api.embedded import Cluster
from services.api.main import create_app
from services.api.protocol.load import Loaded, load
from services.api.randomization.rules import Design
from services.api.randomization.secret import sandbox_secret
from services.api.settings import Settings
from tests.conftest import APP_PASSWORD, admin_url, cloned
from tests.listening import listening
from tests.make import Api

DOCUMENT = Path(__file__).parent / "nct03689712-1.0.yaml"
DATABASE = "second_trial"


@pytest.fixture(scope="session")
def second() -> Loaded:
    """The document of the second trial."""
    return load(DOCUMENT)


@pytest.fixture(scope="session")
def roman(
    cluster: Cluster,
    migrated: str,
    settings: Settings,
    second: Loaded,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Api]:
    """A sandbox of the second trial: only the document, and the list's secret, are another."""
    secret = tmp_path_factory.mktemp("second") / "list.json"
    design = Design.of(second.protocol.randomization)
    secret.write_text(sandbox_secret(design).model_dump_json())
    other = {
        "database_url": cluster.url("trial_app", APP_PASSWORD, DATABASE),
        "protocol_document": DOCUMENT,
        "randomization_secret_file": secret,
    }
    app = create_app(Settings.model_validate({**settings.model_dump(), **other}))
    with (
        cloned(cluster, DATABASE, migrated),
        listening(app) as address,
        httpx.Client(base_url=address, timeout=30, verify=False) as client,
    ):
        yield Api(client, app.state, admin_url(cluster, DATABASE))

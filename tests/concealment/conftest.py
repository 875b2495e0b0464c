"""What the tests of concealment share: one trial with a past, and what is said of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.api.embedded import Cluster
from services.api.identity import passwords
from services.api.randomization.secret import SecretFile
from services.api.settings import Settings
from tests.access.conftest import Quick
from tests.allocation_list import secret_file
from tests.concealment.conversation import Conversation, Worlds
from tests.concealment.requests import everything
from tests.concealment.worlds import LIST, SECRET, Trial, begin, instead, publish
from tests.conftest import Served, cloned, serving

TRIAL = "concealment"


@pytest.fixture(scope="session")
def list_secret(tmp_path_factory: pytest.TempPathFactory) -> SecretFile:
    """The file of the trial's secret."""
    return secret_file(tmp_path_factory.mktemp("concealment"), SECRET)


@pytest.fixture(scope="session")
def trial(
    cluster: Cluster, migrated: str, served: Served, settings: Settings, list_secret: SecretFile
) -> Iterator[Trial]:
    """The trial that every world is a copy of, from its first start on."""
    passwords._nobody()  # made by the real hasher, for it is kept
    with cloned(cluster, TRIAL, migrated):
        with (
            pytest.MonkeyPatch.context() as patch,
            serving(cluster, served, TRIAL) as api,
            instead(api.state, list_secret),
        ):
            patch.setattr(passwords, "_HASHER", Quick())
            publish(api, settings, list_secret)
            made = begin(api)
            moment = api.state.clock.now()
        yield Trial(TRIAL, moment, **made)


@pytest.fixture(scope="session")
def worlds(cluster: Cluster, served: Served, trial: Trial, sealing_key: Path) -> Worlds:
    """Makes worlds of the trial."""
    return Worlds(cluster, served, trial, sealing_key)


@pytest.fixture(scope="session")
def real(worlds: Worlds, list_secret: SecretFile) -> Conversation:
    """All that is asked, in the world of the trial's own list and its file."""
    return worlds.hear("real", LIST, everything, list_secret)

"""The story of the examples, told once for all tests of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.api.embedded import Cluster
from tests.conftest import Served, cloned, seal, serving
from tests.contract.recorder import Json, Move, Recorder, normal
from tests.contract.story import BEGUN, Story
from tests.make import Api


@dataclass(frozen=True)
class Told:
    """A new recording as it would be kept, and the API as the story leaves it."""

    api: Api
    recorder: Recorder
    examples: Json


@pytest.fixture(scope="module")
def told(cluster: Cluster, served: Served, sealing_key: Path) -> Iterator[Told]:
    """The story, told to the running service on a database of its own."""
    with cloned(cluster, "test_story") as name, serving(cluster, served, name) as api:
        begun = datetime.now(UTC)
        api.state.clock.offset = BEGUN - begun
        start = Move(begun, BEGUN, api.state.clock.offset)
        recorder = Recorder(served.app.openapi(), [start])
        Story(api, recorder, lambda: seal(cluster, name, sealing_key)).told()
        yield Told(api, recorder, normal(recorder, frozenset({api.state.loaded.sha256})))

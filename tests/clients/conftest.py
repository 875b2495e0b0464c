"""The way from a client to the service."""

from collections.abc import Iterator

import pytest

from tests.clients.hindrance import Hindrance, hindered
from tests.conftest import Served


@pytest.fixture(scope="session")
def line(served: Served) -> Iterator[Hindrance]:
    """A line that can be cut."""
    with hindered(served.address) as made:
        yield made

"""What the destructive tests counted, told at the end of a long run."""

from collections.abc import Callable

import pytest

TOLD = pytest.StashKey[list[str]]()

Tell = Callable[[str], None]


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Have a sentence printed below the results when the run is a long one."""
    return request.config.stash.setdefault(TOLD, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what the tests had to tell."""
    if config.getoption("torture"):
        for line in config.stash.get(TOLD, []):
            terminalreporter.write_line(line)

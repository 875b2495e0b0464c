"""The page on security names tests that exist, and leaves no line without one."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(test_\w+)`", PAGE)))
LINES = [
    line
    for line in PAGE.splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| asset", "| section", "| chapter"))
]


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_named_test_exists(file: str, test: str) -> None:
    assert re.search(rf"^def {test}\(", (TESTS / file).read_text(), re.MULTILINE)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:50])
def test_every_line_names_its_test(line: str) -> None:
    assert re.search(r"`[\w/]+\.py::test_\w+` \|$", line)


def test_every_chapter_of_asvs_has_its_line() -> None:
    chapters = [int(number) for number in re.findall(r"^\| V(\d+) ", PAGE, re.MULTILINE)]
    assert chapters == list(range(1, 18))

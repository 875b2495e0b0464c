"""Every sample of the guides runs as it stands, in order, and prints what the guide says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Served
from tests.make import Api

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "guides"
GUIDES = {path.stem: path for path in sorted(FOLDER.glob("[a-z]*.md"))}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = {"sh": "{}", "python": "python3 - <<'SAMPLE'\n{}SAMPLE\n"}
"""How a block of a language is run; others are shown, and `json` and `text` are printed before."""
END = "--- end of a sample ---"


def samples(guide: str) -> list[tuple[str, str | None]]:
    """Each sample as a shell command, and what the guide says that it prints."""
    found: list[tuple[str, str | None]] = []
    runs = False
    for language, content in BLOCK.findall(guide):
        if language in RUN:
            found.append((RUN[language].format(content), None))
        elif language in {"json", "text"} and runs:
            found[-1] = (found[-1][0], content)
        runs = language in RUN
    return found


def printed(said: str, output: str) -> bool:
    """Whether the output is what is said, of which `…` leaves out any part."""
    parts = [re.escape("".join(part.split())) for part in said.split("…")]
    return re.fullmatch(".*".join(parts), "".join(output.split()), re.DOTALL) is not None


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_s_samples_print_what_it_says(served: Served, api: Api, name: str) -> None:
    told = samples(GUIDES[name].read_text())
    assert told
    script = "".join(f"{command}\necho '{END}'\n" for command, _ in told)
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env={
            "API": served.address,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        },
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    outputs = run.stdout.split(END + "\n")
    assert len(outputs) == len(told) + 1
    for (command, said), output in zip(told, outputs, strict=False):
        assert said is None or printed(said, output), f"{command}\nprinted\n{output}"


def test_every_guide_is_listed() -> None:
    listed = re.findall(r"\(([a-z-]+)\.md\)", (FOLDER / "README.md").read_text())
    assert set(listed) == set(GUIDES)


def test_what_is_said_is_compared() -> None:
    assert printed('{"grade": 3, …}', '{"grade":3,"pain":8}')
    assert not printed('{"grade": 3, …}', '{"grade":4,"pain":8}')

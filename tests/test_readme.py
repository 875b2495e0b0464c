"""The README's calls work when they are pasted in order."""

import re
import subprocess
from pathlib import Path

from tests.conftest import Served
from tests.make import Api

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PASTED = "\n".join(
    block.replace("\n   ", "\n") for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
)


def test_the_story_of_the_readme_ends_with_a_pending_endpoint(served: Served, api: Api) -> None:
    script = PASTED.replace("http://127.0.0.1:8000", served.address)
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "/problems/" not in run.stdout, run.stdout
    assert '"primary":{"status":"pending"' in run.stdout
    assert api.rows("SELECT arm, count(*) FROM allocation GROUP BY arm")[0][1] == 1
    assert api.count("grading") == api.count("adverse_event") == 1


def test_every_place_that_the_readme_names_exists() -> None:
    named = re.findall(r"`((?:services|openapi|docs|deploy|bench)/[^`{}]*)`", README)
    assert [place for place in named if not (ROOT / place).exists()] == []

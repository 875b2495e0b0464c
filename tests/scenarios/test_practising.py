"""What an integrator practises with in the middle of the trial: its states, guide and requests.

One test, for the scenario is played once for all of it.
"""

import os
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from tests.make import Api, Json, ok
from tests.scenarios.http_files import Sender
from tests.test_guides import END, printed, samples

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "practising.md"
COLLECTION = sorted((ROOT / "openapi" / "collection").glob("*.http"))
CONFIGURATIONS = {
    "schemathesis": ("--phases", "examples,fuzzing", "--include-tag", "gradings"),
    "schemathesis-sandbox": ("--phases", "examples", "--include-tag", "enrolment"),
}
"""Of each configuration, what is tried here: some seconds' worth; test_contract tries it all."""


def test_an_integrator_practises_in_the_middle_of_the_trial(sandbox: Api, tmp_path: Path) -> None:
    ok(sandbox.client.post("/sandbox/reset", json={"scenario": "mid-trial", "seed": 1}))
    _has_subjects_in_every_state_and_much_that_is_open(sandbox)
    _keeps_the_contract(sandbox, tmp_path)
    assert [path.name for path in COLLECTION] == [
        "1-sandbox.http",
        "2-story.http",
        "3-refusals.http",
    ]
    for path in COLLECTION:
        assert Sender(sandbox.client).send(path.read_text()) == []
    _does_as_the_guide_says(sandbox, tmp_path)


def listed(api: Api, role: str, path: str, **asked: object) -> list[Json]:
    found: list[Json] = ok(api.as_(role).get(path, params={"limit": 200, **asked}))["items"]
    return found


def _has_subjects_in_every_state_and_much_that_is_open(api: Api) -> None:
    def statuses(role: str, path: str) -> Counter[str]:
        return Counter(one["status"] for one in listed(api, role, path))

    assert statuses("data_manager", "/v1/subjects").keys() == {
        "screening",
        "screen_failed",
        "eligible",
        "randomized",
        "on_treatment",
        "in_follow_up",
        "completed",
        "withdrawn",
        "lost_to_follow_up",
        "died",
    }
    assert statuses("data_manager", "/v1/visits").keys() >= {"due", "overdue", "missed"}
    assert api.count("grading WHERE version > 1") == 1
    assert statuses("investigator", "/v1/adjudications").keys() == {"open", "decided"}
    assert statuses("monitor", "/v1/queries").keys() == {"open", "answered", "closed"}
    assert api.count("discontinuation WHERE treatment_on IS NOT NULL") > 0
    assert api.count("exposure") > 0
    assert api.count("deviation WHERE code = 'late_randomization'") > 0
    (waiting,) = [
        one
        for one in listed(api, "safety_officer", "/v1/safety/deadlines")
        if one["state"] == "due" and one["recipient"] == "regulator" and not one["follow_up"]
    ]
    left = datetime.fromisoformat(waiting["due_at"]) - api.state.clock.now()
    assert timedelta(hours=24) < left < timedelta(hours=72)
    near = listed(api, "safety_officer", "/v1/events", type="deadline.near")
    assert [one["record"]["id"] for one in near] == [waiting["id"]]
    assert api.count("postponed_event") == api.count("feed_event WHERE position IS NULL") == 0


def _keeps_the_contract(api: Api, tmp_path: Path) -> None:
    """Schemathesis finds nothing to complain of: reading, and then changing whatever it may."""
    for name, part in CONFIGURATIONS.items():
        run = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli"),
                *("--config-file", str(ROOT / "openapi" / f"{name}.toml")),
                *("run", f"{api.client.base_url}/openapi.json", "--seed", "1"),
                *("--max-examples", "1", "--no-color", *part),
            ],
            cwd=tmp_path,
            env={**os.environ, "TRIAL_TOKEN": str(api.as_("investigator").token)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        assert "No issues found" in run.stdout


def _does_as_the_guide_says(api: Api, tmp_path: Path) -> None:
    told = samples(GUIDE.read_text())
    script = "".join(f"{command}\necho '{END}'\n" for command, _ in told)
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env={
            "API": str(api.client.base_url),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TMPDIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    for (command, said), output in zip(told, run.stdout.split(END + "\n"), strict=False):
        assert said is None or printed(said, output), f"{command}\nprinted\n{output}"

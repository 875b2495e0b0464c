"""`trial connect edc-core` as an operator runs it: killed, ended, and stopped by a conflict."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
from typer.testing import CliRunner

from services.api import cli
from tests.connect.conftest import ARMS, Adapter, Cohort
from tests.connect.edc_core import KEY, EdcCore

START = "from services.api.connect.commands import app; app()"


def environment(adapter: Adapter) -> dict[str, str]:
    """What the adapter is told, as an operator tells it."""
    given = adapter.settings.model_dump(mode="json") | {"arms": json.dumps(ARMS)}
    return {f"TRIAL_EDC_CORE_{name.upper()}": str(value) for name, value in given.items()}


def start(adapter: Adapter, *options: str) -> subprocess.Popen[str]:
    """A process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", START, "edc-core", *options],
        env=os.environ | environment(adapter),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def die(process: subprocess.Popen[str], outcome: str) -> bool:
    """End it as a power cut would, when something was written: the answer goes to nobody."""
    if outcome == "applied":
        os.kill(process.pid, signal.SIGKILL)
    return outcome != "applied"


def test_killed_between_answer_and_keeping_it_assigns_each_subject_once(
    adapter: Adapter, cohort: Cohort, edc: EdcCore
) -> None:
    """It dies twice when edc-core has written and it has not heard so; then it is told to end."""
    numbers = [cohort.enrolled(edc)["number"] for _ in range(3)]
    for _ in range(2):
        with start(adapter) as process:
            edc.before_answering = partial(die, process)
            assert process.wait(90) == -signal.SIGKILL
    edc.before_answering = lambda _: True
    with start(adapter) as process:
        until = time.monotonic() + 90
        while edc.writes.total() < 3 and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=90)
    assert (process.returncode, "Ended" in told) == (0, True), told
    assert KEY not in told
    assert edc.writes == dict.fromkeys(numbers, 1)
    assert edc.outcomes() == [
        (numbers[0], "applied"),
        (numbers[0], "duplicate"),
        (numbers[1], "applied"),
        (numbers[1], "duplicate"),
        (numbers[2], "applied"),
    ]
    adapter.once()
    assert len(edc.record) == 5


def test_a_conflict_ends_with_status_1_and_says_what_to_do(
    adapter: Adapter, cohort: Cohort, edc: EdcCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own

    def run(*options: str) -> tuple[int, str]:
        asked = ["connect", "edc-core", *options]
        answer = CliRunner().invoke(cli.app, asked, env=environment(adapter))
        return answer.exit_code, answer.output

    wrong, other = cohort.enrolled(edc), cohort.enrolled(edc)
    edc.arms[wrong["number"]] = "Somebody's"
    number = wrong["randomization_number"]
    status, told = run()
    assert (status, f"--set-aside {number}" in told) == (1, True)
    status, told = run("--set-aside", number)
    assert (status, f"({number}): set aside" in told) == (0, True)
    status, told = run("--once")
    assert (status, f"{other['number']}" in told) == (0, True)
    assert edc.outcomes() == [(wrong["number"], "conflict"), (other["number"], "applied")]
    cohort.randomize()
    status, told = run("--once")
    assert (status, "is not enrolled" in told) == (1, True)


def test_a_setting_that_is_missing_is_told_with_its_meaning() -> None:
    answer = CliRunner().invoke(cli.app, ["connect", "edc-core"])
    assert answer.exit_code == 1
    assert "TRIAL_EDC_CORE_KEY_FILE: The key of the study's intake" in answer.output

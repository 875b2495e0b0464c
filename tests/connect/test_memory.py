"""The file of an adapter: whole at every moment, one adapter's at a time, of one study."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from services.api.connect.edc_core import Outcome
from services.api.connect.memory import Held, opened
from services.api.connect.patience import Stopped

TRIAL, INTAKE = "https://trial.test", "https://edc.test/studies/1/rtsm/assignments"


def test_what_is_kept_is_there_at_the_next_start(tmp_path: Path) -> None:
    path, event, subject = tmp_path / "state.json", uuid4(), uuid4()
    held = Held(
        number="NN-0001",
        randomization_number="NN-C-001",
        outcome=Outcome.REJECTED,
        reason="not enrolled",
        since=datetime(2026, 4, 9, tzinfo=UTC),
    )
    with opened(path, TRIAL, INTAKE) as file:
        file.memory.after = event
        file.memory.held[subject] = held
        file.memory.sites = frozenset({"LZ", "NN"})
        file.keep()
    with opened(path, TRIAL, INTAKE) as file:
        assert (file.memory.after, file.memory.held) == (event, {subject: held})
        assert file.memory.sites == {"LZ", "NN"}


def test_a_file_from_before_sites_were_kept_is_read(tmp_path: Path) -> None:
    path, event = tmp_path / "state.json", uuid4()
    old = {"trial": TRIAL, "intake": INTAKE, "after": str(event), "held": {}}
    path.write_text(json.dumps(old))
    with opened(path, TRIAL, INTAKE) as file:
        assert (file.memory.after, file.memory.sites) == (event, frozenset())


def test_a_file_that_could_not_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"

    def full(_: int) -> None:
        raise OSError("No space left on device")

    with opened(path, TRIAL, INTAKE) as file:
        file.keep()
        before = path.read_bytes()
        file.memory.after = uuid4()
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="No space"):
                file.keep()
    assert path.read_bytes() == before


def test_two_adapters_do_not_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with (
        opened(path, TRIAL, INTAKE),
        pytest.raises(Stopped, match="another adapter"),
        opened(path, TRIAL, INTAKE),
    ):
        pass
    with opened(path, TRIAL, INTAKE):
        pass


def test_a_file_of_another_trial_or_study_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with opened(path, TRIAL, INTAKE) as file:
        file.keep()
    for trial, intake in (("https://other.test", INTAKE), (TRIAL, INTAKE.replace("1", "2"))):
        with pytest.raises(Stopped, match="another file"), opened(path, trial, intake):
            pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"trial": "x"}'])
def test_a_damaged_file_is_told_and_left(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(Stopped, match="not a file of this adapter"), opened(path, TRIAL, INTAKE):
        pass
    assert path.read_text() == text

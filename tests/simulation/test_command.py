"""`trial randomization simulate`, from its options to its files."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from services.api.simulation.command import simulate

app = typer.Typer()
app.command()(simulate)

WITHOUT_EXTRA = """
import sys
import typer
from services.api.simulation.command import simulate
assert not {"numpy", "matplotlib"} & sys.modules.keys()
sys.modules["%s"] = None  # as if it were not installed
app = typer.Typer()
app.command()(simulate)
app(["--trials", "2"])
"""


def run(*options: str) -> Result:
    """The command with few trials."""
    return CliRunner().invoke(app, ["--trials", "40", *options])


def test_the_designs_asked_for_are_compared_and_written(tmp_path: Path) -> None:
    designs = ("--design", "4", "--design", "simple", "--design", "2,6", "--design", "4")
    told = run(*designs, "--subjects", "60", "--seed", "9", "--out", str(tmp_path / "new"))
    assert told.exit_code == 0, told.output
    assert "40 simulated trials of 60 subjects" in told.output
    assert "is the hardest to guess" in told.output
    found = json.loads((tmp_path / "new" / "simulation.json").read_text())
    assert [one["block_sizes"] for one in found["designs"]] == [[4], [], [2, 6]]
    assert (found["subjects"], found["trials"], found["seed"]) == (60, 40, 9)
    lines = list(csv.DictReader((tmp_path / "new" / "simulation.csv").read_text().splitlines()))
    assert [line["block_sizes"] for line in lines] == ["4", "simple", "2, 6"]
    assert {path.suffix for path in (tmp_path / "new").iterdir()} == {
        ".json", ".csv", ".png", ".svg",
    }  # fmt: skip


def test_by_default_the_customary_designs_of_the_whole_trial(tmp_path: Path) -> None:
    assert run("--out", str(tmp_path)).exit_code == 0
    found = json.loads((tmp_path / "simulation.json").read_text())
    sizes = [one["block_sizes"] for one in found["designs"]]
    assert sizes == [[], [2], [4], [6], [4, 6], [4, 6, 8]]
    assert found["subjects"] == 200


def test_without_a_directory_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--design", "2").exit_code == 0
    assert list(tmp_path.iterdir()) == []


def test_the_same_seed_tells_the_same() -> None:
    one, again, other = (run("--design", "4,6", "--seed", seed).stdout for seed in "112")
    assert one == again != other


def test_subjects_fall_into_strata_by_their_weights(tmp_path: Path) -> None:
    given = ("--design", "2", "--weights", "NN-C=3,LZ-N=0.5")
    assert run(*given, "--out", str(tmp_path)).exit_code == 0
    weights = json.loads((tmp_path / "simulation.json").read_text())["weights"]
    assert weights == {"NN-C": 3, "NN-N": 1, "LZ-C": 1, "LZ-N": 0.5, "YL-C": 1, "YL-N": 1}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--design", "3"), "a block size must be a multiple of 2"),
        (("--design", "4,-2"), "a block size must be a multiple of 2"),
        (("--design", "4,"), "give whole numbers"),
        (("--design", "four"), "give whole numbers"),
        (("--weights", "XX-C=2"), "the strata are NN-C"),
        (("--weights", "NN-C=none"), "the weight of NN-C"),
        (("--weights", "NN-C=0"), "the weight of NN-C"),
        (("--weights", "NN-C=nan"), "the weight of NN-C"),
        (("--trials", "1"), "--trials"),
    ],
)
def test_options_that_mean_nothing_are_refused_with_a_reason(
    options: tuple[str, str], why: str
) -> None:
    told = run(*options)
    assert told.exit_code == 2
    assert why in " ".join(told.output.replace("│", " ").split())


@pytest.mark.parametrize("package", ["numpy", "matplotlib"])
def test_without_the_extra_the_command_says_what_to_install(package: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA % package],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr.strip() == f"{package} is missing: install trial-api[reports]"
    assert told.stdout == ""


def test_the_help_says_for_whom_it_is() -> None:
    text = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert "A report belongs to those who do not recruit" in text
    assert "nowhere but in the sponsor's contribution" in text

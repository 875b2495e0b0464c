"""What a statistician is handed: numbers that parse, sentences that are true, files that repeat."""

import csv
import json
import re
from io import StringIO
from math import hypot
from pathlib import Path

import pytest
from rich.console import Console

from services.api.simulation.report import Report
from services.api.simulation.trials import Figures, Quantile, Rate, Scenario, simulate
from tests.first_trial import FIRST_TRIAL

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "simulation.md").read_text()
LOADED = FIRST_TRIAL
SECTION = LOADED.protocol.randomization


def report(*figures: Figures, trials: int = 100) -> Report:
    """A report of this trial."""
    scenario = Scenario.of(SECTION, 200)
    return Report("1.0", LOADED.sha256, tuple(SECTION.ratio), scenario, trials, 1, figures)


def made_up(block_sizes: tuple[int, ...], guessed: float, imbalance: float) -> Figures:
    """Figures as they are needed."""
    values = {50: 1, 95: imbalance, 99: 70, 100: 80}
    quantiles = tuple(Quantile(percent, value, 0, 90) for percent, value in values.items())
    levels = dict.fromkeys(("trial", "site", "stratum"), quantiles)
    return Figures(block_sizes, Rate(guessed, 0.01), Rate(guessed, 0.01), Rate(0.1, 0.01), levels)


@pytest.fixture(scope="module")
def simulated() -> Report:
    """Two choices, simulated a little."""
    scenario = Scenario.of(SECTION, 200)
    return report(*(simulate(scenario, sizes, 100, 1) for sizes in ((), (4, 6))))


def test_the_json_holds_every_figure_and_all_that_made_it(simulated: Report) -> None:
    found = json.loads(json.dumps(simulated.document()))
    assert found["protocol"] == {"version": "1.0", "sha256": LOADED.sha256}
    assert found["ratio"] == {"experimental": 1, "control": 1}
    assert found["weights"] == dict.fromkeys(simulated.scenario.strata, 1)
    assert (found["subjects"], found["trials"], found["seed"]) == (200, 100, 1)
    assert found["versions"].keys() == {"trial-api", "numpy", "matplotlib"}
    for told, one in zip(found["designs"], simulated.figures, strict=True):
        assert told["block_sizes"] == list(one.block_sizes)
        assert told["optimal"]["mean"] == one.optimal.mean
        assert told["imbalance"]["site"][1]["value"] == one.imbalance["site"][1].value


def test_the_spreadsheet_has_a_line_a_design(simulated: Report) -> None:
    simple, mixed = csv.DictReader(StringIO(simulated.spreadsheet()))
    assert (simple["block_sizes"], mixed["block_sizes"]) == ("simple", "4, 6")
    figures = simulated.figures[1]
    assert float(mixed["certain"]) == figures.certain.mean
    assert float(mixed["optimal_standard_error"]) == figures.optimal.standard_error
    assert float(mixed["trial_imbalance_95"]) == figures.imbalance["trial"][1].value


def test_a_repetition_writes_the_same_bytes(simulated: Report, tmp_path: Path) -> None:
    for name in ("once", "again"):
        simulated.write(tmp_path / name)
    for path in sorted((tmp_path / "once").iterdir()):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_the_table_fits_a_terminal_and_says_each_rate(simulated: Report) -> None:
    console = Console(width=80, record=True, file=StringIO())
    console.print(simulated.table())
    text = console.export_text()
    line = next(line for line in text.splitlines() if line.startswith("4, 6 "))
    one = simulated.figures[1]
    rates = [f"{rate.mean:.3f}" for rate in (one.convergence, one.optimal, one.certain)]
    assert line.split()[2:5] == rates
    assert "100 simulated trials of 200 subjects" in text


def test_the_advice_names_the_designs_that_no_other_beats() -> None:
    told = list(
        report(
            made_up((), 0.5, 28),
            made_up((2,), 0.75, 4),
            made_up((4,), 0.7, 4),
            made_up((6,), 0.72, 6),  # guessed more often than 4, and less balanced
            made_up((8,), 0.65, 6),
        ).advice()
    )
    named = [re.search(r"exceeds (\d+) .*, (\w+) is the hardest", line) for line in told]
    assert [found.groups() for found in named if found] == [
        ("4", "4"),
        ("6", "8"),
        ("28", "simple"),
    ]
    assert "0.700 at best, 0.100 for certain" in told[0]


# --- docs/simulation.md -------------------------------------------------------------------

LINES = re.findall(r"^\| ([\d, ]+|simple) +\| (.+) \|$", PAGE, re.MULTILINE)


def test_the_page_has_the_default_designs() -> None:
    assert [sizes.strip() for sizes, _ in LINES] == ["simple", "2", "4", "6", "4, 6", "4, 6, 8"]


@pytest.mark.parametrize(("sizes", "cells"), LINES, ids=[sizes for sizes, _ in LINES])
def test_the_page_tells_what_a_simulation_finds(sizes: str, cells: str) -> None:
    block_sizes = tuple(int(size) for size in re.findall(r"\d+", sizes))
    found = simulate(Scenario.of(SECTION, 200), block_sizes, 1_500, seed=12)
    told = [cell.strip() for cell in cells.split("|")]
    for cell, rate in zip(told, (found.convergence, found.optimal, found.certain), strict=False):
        assert abs(float(cell) - rate.mean) <= 4 * hypot(rate.standard_error, 1e-4) + 5e-5
    for cell, quantiles in zip(told[3:], found.imbalance.values(), strict=True):
        for value, at in zip(map(float, cell.split()[:3]), quantiles, strict=False):
            assert at.low is not None
            assert at.high is not None
            assert at.low <= value <= at.high

"""What the simulated trials say, for whoever chooses the block sizes and recruits nobody."""

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from io import StringIO
from pathlib import Path

from rich.table import Table

from services.api.simulation import picture
from services.api.simulation.trials import Figures, Scenario

RATES = {
    "convergence": "guessed by\ncounting",
    "optimal": "guessed\nat best",
    "certain": "known for\ncertain",
}
"""The rates of `Figures`, and how the table says them."""


@dataclass(frozen=True)
class Report:
    """The figures of some choices of block sizes, and all that made them."""

    protocol_version: str
    protocol_sha256: str
    arms: tuple[str, ...]
    scenario: Scenario
    trials: int
    seed: int
    figures: tuple[Figures, ...]

    def document(self) -> dict[str, object]:
        """Everything, for machines; a repetition with the same versions gives the same."""
        return {
            "protocol": {"version": self.protocol_version, "sha256": self.protocol_sha256},
            "ratio": dict(zip(self.arms, self.scenario.shares, strict=True)),
            "weights": dict(zip(self.scenario.strata, self.scenario.weights, strict=True)),
            "subjects": self.scenario.subjects,
            "trials": self.trials,
            "seed": self.seed,
            "generator": "numpy PCG64",
            "versions": {name: version(name) for name in ("trial-api", "numpy", "matplotlib")},
            "designs": [asdict(one) for one in self.figures],
            "advice": list(self.advice()),
        }

    def spreadsheet(self) -> str:
        """A line for each choice of block sizes, as CSV."""
        lines = StringIO()
        rows = [dict(_cells(one)) for one in self.figures]
        writer = csv.DictWriter(lines, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return lines.getvalue()

    def table(self) -> Table:
        """The figures for the terminal."""
        error = max(getattr(one, name).standard_error for one in self.figures for name in RATES)
        table = Table(
            title=f"{self.trials:,} simulated trials of {self.scenario.subjects:,} subjects",
            caption=f"Standard errors of the rates: at most {error:.1g}. Imbalance: what 50, 95,"
            " 99 and 100 % of the trials do not exceed; at the worst site, in the worst stratum.",
            title_justify="left",
            caption_justify="left",
            box=None,
            padding=(0, 1, 0, 0),
        )
        table.add_column("block\nsizes")
        for said in RATES.values():
            table.add_column(said, justify="right")
        for level in self.scenario.groups:
            table.add_column(f"imbalance\nof {level}", justify="right")
        for one in self.figures:
            table.add_row(
                picture.label(one.block_sizes),
                *(f"{getattr(one, name).mean:.3f}" for name in RATES),
                *(" ".join(f"{at.value:.3g}" for at in of) for of in one.imbalance.values()),
            )
        return table

    def advice(self) -> Iterator[str]:
        """Sentences naming the designs that no other beats in both balance and secrecy."""
        best = 2.0
        for one in sorted(self.figures, key=lambda one: (_exceeded(one), one.optimal.mean)):
            if one.optimal.mean >= best:
                continue
            best = one.optimal.mean
            yield (
                f"Of the designs whose imbalance exceeds {_exceeded(one):.3g} in at most 5 % of"
                f" trials, {picture.label(one.block_sizes)} is the hardest to guess: {best:.3f} at"
                f" best, {one.certain.mean:.3f} for certain."
            )

    def write(self, directory: Path) -> None:
        """The figures as JSON and CSV and as a picture, in PNG and SVG.

        Raises:
            OSError: the directory cannot be written.
        """
        directory.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.document(), indent=2)
        (directory / "simulation.json").write_text(text + "\n")
        (directory / "simulation.csv").write_text(self.spreadsheet())
        picture.save(directory / "simulation", self.figures, self.scenario, self.trials)


def _exceeded(figures: Figures) -> float:
    """The imbalance of the whole trial that 95 % of the trials do not exceed."""
    return next(at.value for at in figures.imbalance["trial"] if at.percent == 95)


def _cells(figures: Figures) -> Iterator[tuple[str, object]]:
    yield "block_sizes", picture.label(figures.block_sizes)
    for name in RATES:
        rate = getattr(figures, name)
        yield name, rate.mean
        yield f"{name}_standard_error", rate.standard_error
    for level, quantiles in figures.imbalance.items():
        for at in quantiles:
            yield f"{level}_imbalance_{at.percent}", at.value

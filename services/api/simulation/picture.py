"""The figures of simulated trials as a picture, made without a display and the same each time."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from services.api.simulation.trials import Figures, Scenario

# Okabe and Ito's colours, which the colour-blind can tell apart; markers differ too, for print.
BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
GREY, PALE = "#555555", "#DDDDDD"
RATES = (
    ("optimal", "guessed at best, knowing the block sizes", BLUE, "o", 9),
    ("convergence", "guessed by counting the arms", VERMILION, "x", 5.5),
    ("certain", "known for certain, knowing the block sizes", GREEN, "D", 5.5),
)
LEVELS = (
    ("trial", "whole trial", BLUE, "o", -0.25),
    ("site", "worst site", VERMILION, "s", 0.0),
    ("stratum", "worst stratum", GREEN, "D", 0.25),
)


def label(block_sizes: Sequence[int]) -> str:
    """What a choice of block sizes is called."""
    return ", ".join(map(str, block_sizes)) or "simple"


def save(path: Path, figures: Sequence[Figures], scenario: Scenario, trials: int) -> None:
    """Two panels, how well arms are guessed and how unequal they get, as `path`.png and .svg.

    Raises:
        OSError: the files cannot be written.
    """
    # The salt makes the names inside the SVG the same each time.
    with mpl.rc_context({"svg.hashsalt": "trial", "font.family": "DejaVu Sans", "font.size": 9}):
        figure = Figure(figsize=(9.6, 2.4 + 0.5 * len(figures)), layout="constrained")
        figure.suptitle(
            f"{scenario.subjects:,} subjects in {len(scenario.strata):,} strata,"
            f" {trials:,} simulated trials for each choice of block sizes",
            fontsize=9,
            color=GREY,
        )
        guesses, imbalances = figure.subplots(1, 2, sharey=True)
        _guesses(guesses, figures, max(scenario.shares) / sum(scenario.shares))
        _imbalances(imbalances, figures)
        guesses.set_yticks(range(len(figures)), [label(one.block_sizes) for one in figures])
        guesses.set(ylabel="block sizes", ylim=(len(figures) - 0.4, -0.6))
        figure.savefig(path.with_suffix(".png"), dpi=200, metadata={"Software": None})
        figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})


def _guesses(axes: Axes, figures: Sequence[Figures], blindly: float) -> None:
    for name, said, colour, marker, size in RATES:
        means = [getattr(one, name).mean for one in figures]
        hollow = "none" if marker == "o" else "full"
        axes.plot(
            means,
            range(len(figures)),
            marker,
            color=colour,
            markersize=size,
            markeredgewidth=1.5,
            fillstyle=hollow,
            label=said,
        )
        if name != "convergence":
            for row, mean in enumerate(means):
                axes.annotate(
                    f"{mean:.3f}",
                    (mean, row),
                    (0, 8),
                    textcoords="offset points",
                    ha="center",
                    fontsize=7.5,
                    color=colour,
                    bbox={"color": "white", "pad": 0.5},
                )
    axes.axvline(
        blindly,
        color=GREY,
        linewidth=1,
        linestyle="--",
        zorder=0,
        label=f"guessed blindly: {blindly:.3g}",
    )
    axes.set(xlim=(-0.05, 1), xlabel="share of allocations", title="How well recruiters can guess")
    _finish(axes, None)


def _imbalances(axes: Axes, figures: Sequence[Figures]) -> None:
    for level, said, colour, marker, shift in LEVELS:
        if level not in figures[0].imbalance:
            continue
        for row, one in enumerate(figures):
            half, most, nearly, largest = (at.value for at in one.imbalance[level])
            y = row + shift
            axes.plot([half, most], [y, y], color=colour, linewidth=3.5, solid_capstyle="butt")
            axes.plot([most, largest], [y, y], color=colour, linewidth=1)
            axes.plot([nearly, largest], [y, y], "|", color=colour, markersize=6)
            axes.plot([most], [y], marker, color=colour, markersize=5, label="" if row else said)
    axes.set_xscale("symlog", base=2, linthresh=1)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set(xlim=(-0.1, None), xlabel="imbalance in subjects", title="How unequal the arms get")
    _finish(axes, "bar: median to 95 % of trials (marker); ticks: 99 %, all")


def _finish(axes: Axes, explained: str | None) -> None:
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(
        title=explained,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.15),
        frameon=False,
        fontsize=8,
        title_fontsize=8,
    )

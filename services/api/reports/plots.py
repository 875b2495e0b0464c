"""Plots that are read in print, in grey and by the colour-blind: no meaning hangs on colour alone.

Lines differ in dashes and markers too; parts of bars differ in lightness and carry their number.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from io import BytesIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

WIDTH = 7.0
"""Inches: the width of the text on an A4 page, so that letters keep their size in print."""
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "trial",
}
# Okabe and Ito's colours, of unlike lightness too.
LOOKS: tuple[dict[str, Any], ...] = (
    {"color": "#0072B2", "linestyle": "-"},
    {"color": "#D55E00", "linestyle": "--"},
    {"color": "#333333", "linestyle": ":"},
    {"color": "#009E73", "linestyle": "-."},
)
SHADES = ("#F2F2F2", "#C6DBEF", "#7FB3D8", "#2E7EBC", "#08306B")
"""From light to dark, for parts in order."""
INK = "#222222"
FEW_BARS = 8
"""With more bars than that, numbers do not fit into their parts."""

Plot = Mapping[str, Any]


def svg(plot: Plot) -> bytes:
    """A plot as SVG, the same bytes for the same plot."""
    return _saved(plot, "svg", {"Date": None, "Creator": None})


def png(plot: Plot) -> bytes:
    """A plot with 300 dots an inch."""
    return _saved(plot, "png", {"Software": None})


def _saved(plot: Plot, kind: str, metadata: Mapping[str, Any]) -> bytes:
    with mpl.rc_context(STYLE):
        figure = DRAW[plot["kind"]](plot)
        into = BytesIO()
        figure.savefig(into, format=kind, dpi=300, metadata=metadata)
    return into.getvalue()


def _lines(plot: Plot) -> Figure:
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    for line, look in zip(plot["lines"], LOOKS, strict=False):
        x: Sequence[Any] = line["x"]
        if plot["dates"]:
            x = [date.fromordinal(int(day)) for day in x]
        style = "steps-post" if plot["stepped"] else "default"
        axes.plot(x, line["y"], label=line["label"], linewidth=1.8, drawstyle=style, **look)
        if line["low"]:
            step: Any = "post" if plot["stepped"] else None
            axes.fill_between(
                x, line["low"], line["high"], step=step, color=look["color"], alpha=0.15, lw=0
            )
            for limit in (line["low"], line["high"]):
                axes.plot(
                    x,
                    limit,
                    drawstyle=style,
                    color=look["color"],
                    linewidth=0.5,
                    linestyle=look["linestyle"],
                )
    axes.set(xlabel=plot["x_label"], ylabel=plot["y_label"])
    axes.set_ylim(0, 1 if plot["share"] else None)
    if plot["share"]:
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_xlim(0, None)
    if plot["dates"]:
        locator: Any = AutoDateLocator(maxticks=8)
        axes.xaxis.set_major_locator(locator)
        formatter: Any = ConciseDateFormatter(locator)
        axes.xaxis.set_major_formatter(formatter)
    _finish(axes)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, frameon=False)
    return figure


def _bars(plot: Plot) -> Figure:
    panels = plot["panels"]
    figure = Figure(figsize=(WIDTH, 0.5 + 2.3 * len(panels)), layout="constrained")
    shared = figure.subplots(len(panels), 1, sharey=True, squeeze=False)
    shades = [
        SHADES[round(i * (len(SHADES) - 1) / max(len(plot["parts"]) - 1, 1))]
        for i in range(len(plot["parts"]))
    ]
    for (title, names, bars), axes in zip(panels, shared[:, 0], strict=True):
        bottom = [0] * len(bars)
        for part, (name, shade) in enumerate(zip(plot["parts"], shades, strict=True)):
            heights = [bar[part] for bar in bars]
            places = range(len(bars))
            drawn = axes.bar(
                places, heights, 0.8, bottom, color=shade, edgecolor=INK, linewidth=0.6, label=name
            )
            if len(bars) <= FEW_BARS:
                most = max((sum(bar) for bar in bars), default=0)
                axes.bar_label(
                    drawn,
                    [str(height) if height > most / 14 else "" for height in heights],
                    label_type="center",
                    color="white" if part >= len(shades) - 2 else INK,
                )
            bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
        axes.set_xticks(range(len(names)), names)
        axes.set(title=title, ylabel=plot["y_label"])
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        _finish(axes)
    shared[-1, 0].set_xlabel(plot["x_label"])
    handles, labels = shared[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
    return figure


def _forest(plot: Plot) -> Figure:
    rows = plot["rows"]
    figure = Figure(figsize=(WIDTH, 0.9 + 0.3 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, (_, estimate, low, high) in enumerate(rows):
        axes.plot([low, high], [place, place], color=INK, linewidth=1.4)
        axes.plot([low, high], [place, place], "|", color=INK, markersize=7)
        axes.plot([estimate], [place], "s", color=LOOKS[0]["color"], markersize=5)
    axes.axvline(0, color=INK, linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(rows)), [_folded(row[0]) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(plot["x_label"])
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure


def _folded(text: str, width: int = 34) -> str:
    """A long name in two lines, or cut."""
    if len(text) <= width:
        return text
    at = text.rfind(" ", 0, width) if " " in text[:width] else width
    rest = text[at:].strip()
    return f"{text[:at]}\n{rest if len(rest) <= width else rest[: width - 1] + '…'}"


def _finish(axes: Axes) -> None:
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)


DRAW: Mapping[str, Callable[[Plot], Figure]] = {
    "lines": _lines,
    "bars": _bars,
    "forest": _forest,
}

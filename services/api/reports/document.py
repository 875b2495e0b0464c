"""A report for people as headings, texts, tables and plots: what the page and the PDF are made of.

Nothing here knows of a trial, nor of how it will be drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Heading:
    """The beginning of a part."""

    text: str
    kind: str = field(default="heading", init=False)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text."""

    text: str
    kind: str = field(default="paragraph", init=False)


@dataclass(frozen=True, slots=True)
class Items:
    """A list of sentences."""

    items: Sequence[str]
    kind: str = field(default="items", init=False)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; the first column names the row, the others are figures."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    kind: str = field(default="table", init=False)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot, with the limits of an interval around it where they are given."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines over the same axis; `alt` says in words what a plot shows.

    `stepped` lines keep their value until the next point. `dates` tells that
    `x` counts days from 1 January of year 1, as `date.toordinal` does.
    """

    title: str
    alt: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    stepped: bool = False
    dates: bool = False
    share: bool = False
    kind: str = field(default="lines", init=False)


@dataclass(frozen=True, slots=True)
class Bars:
    """Stacked bars in panels: of each panel its title, the names of its bars, and their parts."""

    title: str
    alt: str
    x_label: str
    y_label: str
    parts: Sequence[str]
    panels: Sequence[tuple[str, Sequence[str], Sequence[Sequence[int]]]]
    kind: str = field(default="bars", init=False)


@dataclass(frozen=True, slots=True)
class Forest:
    """Estimates with their intervals, one under the other, beside a line where nothing differs."""

    title: str
    alt: str
    x_label: str
    rows: Sequence[tuple[str, float, float, float]]
    kind: str = field(default="forest", init=False)


Block = Heading | Paragraph | Items | Table | Lines | Bars | Forest


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report; `day` is that of its data."""

    title: str
    subtitle: str
    day: str
    blocks: Sequence[Block]

    def plain(self) -> Mapping[str, Any]:
        """As JSON has it."""
        return asdict(self)

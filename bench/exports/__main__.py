"""`python -m bench.exports`: rows per second and peak memory of every export, beside COPY."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench import servers
from bench.exports.cases import CASES
from bench.exports.measure import Figures, measure
from bench.exports.trial import furnished

SIZES = (200, 20_000)
LIMIT = 200
"""MiB that a worker may hold, however many rows it writes."""

console = Console(width=120)


def main(
    sizes: Annotated[
        list[int] | None, typer.Option(min=1, help="Gradings: 200 and 20,000; a million takes long")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Of each export, after one to warm up.")] = 3,
    only: Annotated[
        list[str] | None, typer.Option(help="Measure only formats whose name begins so.")
    ] = None,
) -> None:
    """Measure the exports; give it a machine with nothing else to do."""
    os.sched_setaffinity(0, servers.OTHER_CORES)
    chosen = [case for case in CASES if not only or case.name.startswith(tuple(only))]
    for size in sizes or SIZES:
        with tempfile.TemporaryDirectory(prefix="bench-") as home:
            directory = Path(home)
            with furnished(directory, size) as installed:
                found = dict[str, Figures]()
                for case in chosen:
                    found[case.name] = measure(installed, case, rounds, directory)
                    # A million takes hours: what is known is told at once.
                    console.print(f"{size:,} {case.name}: {found[case.name]}", highlight=False)
        console.print(_table(size, found))
    load = os.getloadavg()[0]
    console.print(f"Medians of {rounds} rounds in turns. The machine's load was {load:.1f}.")


def _table(size: int, found: dict[str, Figures]) -> Table:
    table = Table("export", title=f"A trial of {size:,} gradings", title_justify="left")
    for name in ("rows", "rows/s", "COPY rows/s", "ratio", "s", "CPU s", "MiB", "idle", "peak MiB"):
        table.add_column(name, justify="right")
    for name, one in found.items():
        table.add_row(
            name,
            f"{one.rows:,}",
            f"{one.rows / one.seconds:,.0f}",
            f"{one.rows / one.copied:,.0f}",
            f"{one.copied / one.seconds:.4f}",
            f"{one.seconds:,.2f}",
            f"{one.cpu:,.2f}",
            f"{one.size:,.1f}",
            f"{one.idle:.0f}",
            f"{one.peak:.0f}" + (" !" if one.peak > LIMIT else ""),
        )
    return table


if __name__ == "__main__":
    typer.run(main)

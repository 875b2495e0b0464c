"""`python -m bench.randomize`: allocations per second, and where the time of one goes."""

import tempfile
from contextlib import redirect_stderr
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench.randomize import pgbench, profile, rounds
from bench.randomize.rounds import Measured, OverHttp, Plan, ThroughPgbench, Way
from bench.randomize.script import Script, derive
from bench.randomize.trial import furnished

console = Console(width=130)

FIGURES = {
    "p50 ms": ("tally.median", ".1f"),
    "p95 ms": ("tally.p95", ".1f"),
    "p99 ms": ("tally.p99", ".1f"),
    "server": ("cpu.server", ".2f"),
    "PostgreSQL": ("cpu.postgresql", ".2f"),
    "load": ("tally.cpu", ".2f"),
    "cores": ("cores", ".2f"),
}


def _ways(log: Path, script: Script, workers: list[int], disk_share: bool) -> list[Way]:
    """The ways to allocate, pgbench first."""
    ways: list[Way] = [ThroughPgbench(script), *(OverHttp(number, log) for number in workers)]
    if disk_share:
        ways += [ThroughPgbench(script, False), OverHttp(workers[0], log, False)]
    return ways


def _table(measured: list[Measured]) -> Table:
    table = Table("way", title="Allocations (CPU in ms each)", title_justify="left")
    for name in ("per s", "ratio", "CPU ratio", *FIGURES):
        table.add_column(name, justify="right")
    for one in measured:
        table.add_row(
            one.way.name,
            f"{one.median('tally.rate'):,.0f}",
            f"{one.ratio(measured[0], 'tally.rate'):.2f}",
            f"{measured[0].ratio(one, 'work'):.2f}",
            *(format(one.median(figure), form) for figure, form in FIGURES.values()),
        )
    return table


def _told(script: Script, plan: Plan) -> str:
    return (
        f"Medians of {plan.rounds} rounds of {plan.seconds:g} s in turns,"
        f" {plan.connections} connections; a ratio is of the same round's pgbench.\n"
        f"{script.statements} statements an allocation; pgbench takes from one recorded"
        f" allocation for all: {', '.join(script.sampled)}."
    )


def main(
    subjects: Annotated[
        int, typer.Option(min=6, help="How many wait to be randomized, in all strata together.")
    ] = 6_000,
    rounds_: Annotated[int, typer.Option("--rounds", min=1, help="Measurements of each way.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.1, help="Length of a measurement.")] = 4.0,
    warm_up: Annotated[float, typer.Option(min=0.1, help="Seconds before each.")] = 2.0,
    connections: Annotated[int, typer.Option(min=1, help="Requests at a time.")] = 32,
    workers: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Workers; may be repeated. By default one, and two."),
    ] = None,
    disk_share: Annotated[
        bool, typer.Option(help="Measure also without waiting for the disk at commit.")
    ] = True,
    profiled: Annotated[
        int,
        typer.Option("--profile", min=0, help="Show instead where the time of so many goes."),
    ] = 0,
) -> None:
    """Measure allocations over HTTP beside the same SQL through pgbench."""
    plan = Plan(rounds_, seconds, warm_up, connections)
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        log = Path(directory) / "log"
        with (
            log.open("a") as own_log,
            redirect_stderr(own_log),
            furnished(Path(directory), subjects) as trial,
        ):
            script = derive(trial.recorded)
            pgbench.stock(trial, script)
            if profiled:
                profile.show(trial, script, profiled, console)
                return
            ways = _ways(log, script, workers or [1, 2], disk_share)
            measured = rounds.measure(trial, ways, plan)
    console.print(_table(measured), _told(script, plan), highlight=False)


if __name__ == "__main__":
    typer.run(main)

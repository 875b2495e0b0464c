"""`python -m bench`: what the service costs beside a bare server, over HTTP on loopback."""

import contextlib
import os
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from bench import load, servers, stages, tokens
from bench.subjects import Installation, installation

CHECKED = 20
"""How many answers of each kind are compared before anything is measured."""

console = Console()


class AnswersDiffer(Exception):
    """The two servers do not answer the same, so comparing their speed means nothing."""


@dataclass(frozen=True)
class Round:
    """What one round of load showed of one server."""

    rate: float
    """Requests per second."""
    median: float
    p99: float
    """Latency in milliseconds."""
    cpu: float
    """Processor time of the server per request in milliseconds; others' work hardly changes it."""
    busy: float
    """Share of its core that the server used; well below 1, something else was the limit."""


def measure_round(server: servers.Server, order: load.Order) -> Round:
    """Load the server once."""
    before = server.cpu_seconds()
    tally = load.run(order)
    used = server.cpu_seconds() - before
    return Round(
        rate=tally.rate,
        median=tally.median,
        p99=tally.p99,
        cpu=used * 1000 / tally.answers,
        busy=used * tally.rate / tally.answers,
    )


@dataclass
class Measured:
    """The rounds of one server on one kind of request."""

    server: servers.Server
    rounds: list[Round] = field(default_factory=list)

    def middle(self, name: str) -> float:
        """The median of a figure over the rounds."""
        return float(statistics.median(getattr(one, name) for one in self.rounds))


@dataclass(frozen=True)
class Plan:
    """How the measurement goes."""

    rounds: int
    seconds: float
    connections: int

    def order(self, server: servers.Server, paths: list[str], token: str) -> load.Order:
        """One round of load."""
        return load.Order(
            port=server.port,
            paths={token: paths},
            connections=self.connections,
            seconds=self.seconds,
        )

    def measure(
        self, running: list[servers.Server], paths: list[str], token: str
    ) -> list[Measured]:
        """Warm up, then take turns, so that a change of the machine's mood hits all alike."""
        measured = [Measured(server) for server in running]
        for one in measured:
            load.run(self.order(one.server, paths, token))
        for _ in range(self.rounds):
            for one in measured:
                one.rounds.append(measure_round(one.server, self.order(one.server, paths, token)))
        return measured


def check_same(installed: Installation, running: list[servers.Server]) -> list[int]:
    """Compare the answers; the size in bytes of one subject's and of one page's.

    Raises:
        AnswersDiffer: names the first path whose answers differ.
    """
    with httpx.Client(headers={"Authorization": f"Bearer {installed.token}"}) as client:
        for path in [*installed.one[-CHECKED:], *installed.pages[:CHECKED]]:
            answers = [client.get(f"http://127.0.0.1:{one.port}{path}") for one in running]
            bodies = [answer.raise_for_status().json() for answer in answers]
            if bodies[0] != bodies[1]:
                raise AnswersDiffer(f"{path}: {answers[0].text} against {answers[1].text}")
        return [
            len(client.get(f"http://127.0.0.1:{running[0].port}{paths[0]}").content)
            for paths in (installed.one, installed.pages)
        ]


def compare(directory: Path, rows: int, plan: Plan) -> None:
    """Measure both servers on both kinds of request, and print what was found."""
    log = directory / "log"
    with contextlib.ExitStack() as stack:
        installed = stack.enter_context(installation(directory, rows))
        programs = (servers.ours(installed, log), servers.bare(installed, log), servers.fixed(log))
        ours, bare, fixed = (stack.enter_context(program.started()) for program in programs)
        sizes = check_same(installed, [ours, bare])
        kinds = {"One subject": installed.one, f"A page of 50 of {rows:,}": installed.pages}
        for (kind, paths), size in zip(kinds.items(), sizes, strict=True):
            measured = plan.measure([ours, bare], paths, installed.token)
            ceiling = plan.measure([fixed], [f"/{size}"], installed.token)
            console.print(_table(kind, [*measured, *ceiling]))
        console.print(
            f"Memory of the worker: ours {ours.resident_mib():.0f} MiB,"
            f" bare {bare.resident_mib():.0f} MiB.\n"
            f"Medians of {plan.rounds} rounds of {plan.seconds:g} s in turns,"
            f" {plan.connections} connections.\n"
            f"Servers on core {servers.SERVER_CORE}; load and PostgreSQL on"
            f" {', '.join(map(str, servers.OTHER_CORES))}.",
            highlight=False,
        )


def _table(kind: str, measured: list[Measured]) -> Table:
    table = Table("server", title=kind, title_justify="left")
    for name in ("requests/s", "ratio", "median ms", "p99 ms", "CPU ms", "CPU ratio", "core"):
        table.add_column(name, justify="right")
    bare = measured[1]
    for one in measured:
        table.add_row(
            one.server.name,
            f"{one.middle('rate'):,.0f}",
            f"{one.middle('rate') / bare.middle('rate'):.2f}",
            f"{one.middle('median'):.2f}",
            f"{one.middle('p99'):.2f}",
            f"{one.middle('cpu'):.2f}",
            # The system counts in hundredths of a second: a short measurement may see none.
            f"{bare.middle('cpu') / one.middle('cpu'):.2f}" if one.middle("cpu") else "",
            f"{one.middle('busy'):.0%}",
        )
    return table


def main(
    rows: Annotated[int, typer.Option(min=200, help="Subjects in the database.")] = 100_000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each server.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.1, help="Length of a round.")] = 4.0,
    connections: Annotated[int, typer.Option(min=1, help="Requests at a time.")] = 16,
    profile: Annotated[
        int, typer.Option(min=0, help="Show instead where the time of so many requests goes.")
    ] = 0,
    token_checks: Annotated[
        bool, typer.Option("--tokens", help="Show instead what a token check costs.")
    ] = False,
) -> None:
    """Measure the service beside a bare server; give it a machine with nothing else to do."""
    os.sched_setaffinity(0, servers.OTHER_CORES)
    if token_checks:
        tokens.compare(console)
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        if profile:
            stages.profile(Path(directory), rows, profile, console)
        else:
            compare(Path(directory), rows, Plan(rounds, seconds, connections))


if __name__ == "__main__":
    typer.run(main)

"""`python -m bench.events`: what a page of the feed costs, and deliveries per second."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench.events import deliveries, feed
from bench.events.trial import installation

console = Console(width=100)


def bench(
    events: Annotated[int, typer.Option(help="In the feed, when pages are read.")] = 1_000_000,
    rounds: Annotated[int, typer.Option(help="How often each page is read, in turns.")] = 200,
    told: Annotated[int, typer.Option(help="Events that are delivered in each round.")] = 500,
    receivers: Annotated[int, typer.Option(help="Each gets every event.")] = 4,
    subjects: Annotated[int, typer.Option(help="Whom the delivered events are about.")] = 60,
    workers: Annotated[list[int] | None, typer.Option(help="How many workers deliver.")] = None,
) -> None:
    """Measure the feed and the deliveries."""
    with tempfile.TemporaryDirectory() as home, installation(Path(home)) as (settings, superuser):
        with deliveries.receivers(receivers) as ports:
            deliveries.register(superuser, settings, ports)
            rates = {
                number: deliveries.rate(superuser, settings, number, told, subjects)
                for number in workers or [1, 2]
            }
        table = Table("workers", title="Deliveries", title_justify="left")
        for name in ("per s", "ratio"):
            table.add_column(name, justify="right")
        first = next(iter(rates.values()))
        for number, rate in rates.items():
            table.add_row(str(number), f"{rate:,.0f}", f"{rate / first:.2f}")
        console.print(table)
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("TRUNCATE feed_event, webhook_delivery, postponed_event, webhook_secret")
        feed.fill(superuser, events)
        pages = feed.measure(settings, feed.cases(superuser, events), rounds)
        table = Table("page of 50", title=f"The feed at {events:,} events", title_justify="left")
        for name in ("ms", "ratio"):
            table.add_column(name, justify="right")
        first = next(iter(pages.values()))
        for name, took in pages.items():
            table.add_row(name, f"{took:.2f}", f"{took / first:.2f}")
        console.print(table)
        load = os.getloadavg()[0]
        console.print(f"Medians of {rounds} reads in turns. The machine's load was {load:.1f}.")


if __name__ == "__main__":
    typer.run(bench)

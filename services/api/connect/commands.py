"""`trial connect`: taking what happens in the trial to other open systems."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Annotated

import httpx
import typer
from rich.console import Console

from services.api.connect.edc_core import Intake
from services.api.connect.memory import MemoryFile, opened
from services.api.connect.patience import Patience
from services.api.connect.settings import EdcCoreSettings, read_settings, secret_in
from services.api.connect.transfer import Tell, Transfer, set_aside
from services.api.connect.trial import Trial

TRIES_ONCE = 5
TIMEOUT = 30.0

app = typer.Typer(help="Adapters to other systems.", no_args_is_help=True)


@app.callback()
def adapters() -> None:
    """Take what happens in the trial to other systems."""


@app.command("edc-core")
def edc_core(
    once: Annotated[bool, typer.Option("--once", help="Send what there is, and end.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send and keep nothing; tell what would be sent.")
    ] = False,
    aside: Annotated[
        str | None,
        typer.Option(
            "--set-aside",
            metavar="NUMBER",
            help="Send the held assignment with that randomization number no more, and end.",
        ),
    ] = None,
    again: Annotated[
        str | None,
        typer.Option(
            "--take-up", metavar="NUMBER", help="Send one that was set aside again, and end."
        ),
    ] = None,
) -> None:
    """Post the arm of each randomized subject to the EDC edc-core, each once.

    Follows the events feed from where it stopped, with the settings
    TRIAL_EDC_CORE_… of the environment. Ends with status 1 on a conflict, and
    after --once also while edc-core rejects an assignment.
    """
    console = Console(highlight=False, soft_wrap=True, markup=False)
    settings = read_settings()
    with opened(settings.state_file, settings.trial, settings.intake) as file:
        if aside is not None:
            set_aside(file, aside, aside=True)
        if again is not None:
            set_aside(file, again, aside=False)
        if aside is None and again is None:
            once = once or dry_run
            ended = Event()
            for order in (signal.SIGTERM, signal.SIGINT):
                signal.signal(order, lambda *_: ended.set())
            patience = Patience(ended, console.print, TRIES_ONCE if once else None)
            with _transfer(settings, file, patience, console.print, dry=dry_run) as transfer:
                transfer.run(None if once else settings.poll_seconds)
        waiting = _told_waiting(file, console)
    if waiting and once:
        raise typer.Exit(1)


@contextmanager
def _transfer(
    settings: EdcCoreSettings, file: MemoryFile, patience: Patience, tell: Tell, *, dry: bool
) -> Iterator[Transfer]:
    """The adapter between the two systems that the settings name."""
    with httpx.Client(timeout=TIMEOUT) as http:
        yield Transfer(
            Trial(http, settings.trial, settings.client_id, secret_in(settings.client_secret_file)),
            Intake(http, settings.intake, secret_in(settings.key_file)),
            file,
            settings.arms,
            settings.source,
            patience,
            tell,
            dry=dry,
        )


def _told_waiting(file: MemoryFile, console: Console) -> int:
    """Tell what edc-core has not taken; how many of them are still to be sent."""
    held = file.memory.held.values()
    for one in held:
        state = "set aside" if one.set_aside else one.outcome.value
        console.print(
            f"{one.number} ({one.randomization_number}): {state} since {one.since:%Y-%m-%d %H:%M}Z:"
            f" {one.reason}"
        )
    return sum(not one.set_aside for one in held)

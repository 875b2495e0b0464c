"""`trial`: serve, migrate, demo, openapi."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.api import migrate as schema
from services.api import serve as server
from services.api.demo.client import SANDBOX_PASSWORD
from services.api.demo.run import Options
from services.api.demo.run import run as play
from services.api.document import openapi_text
from services.api.embedded import ClusterError
from services.api.protocol.load import ProtocolMistake
from services.api.randomization.service import SeedMismatch
from services.api.settings import MissingSetting, Settings
from services.api.study.service import PublishedDiffers

app = typer.Typer(help="Runs a multi-centre clinical trial over a JSON API.", no_args_is_help=True)
console = Console()
errors = Console(stderr=True)

FAULTS = (MissingSetting, ProtocolMistake, PublishedDiffers, SeedMismatch, ClusterError, OSError)
"""What a person can mend: told in a sentence, without a traceback."""


@app.command()
def serve(
    sandbox: Annotated[
        bool, typer.Option(help="A practice installation with demo accounts and a movable clock.")
    ] = False,
) -> None:
    """Serve the API, in production with the settings of the environment."""
    try:
        settings = Settings()
        if sandbox or settings.sandbox:
            server.sandbox(settings, console)
        else:
            server.production(settings)
    except FAULTS as fault:
        errors.print(str(fault), style="red", markup=False)
        raise typer.Exit(1) from fault


@app.command()
def migrate(to: Annotated[str, typer.Argument(help="The revision to go to.")] = "head") -> None:
    """Bring the schema of TRIAL_DATABASE_URL to a revision, connecting as one who may."""
    settings = Settings()
    if settings.database_url is None:
        errors.print("TRIAL_DATABASE_URL is missing: the address of the database to migrate")
        raise typer.Exit(1)
    password = (
        settings.app_password_file.read_text().strip() if settings.app_password_file else None
    )
    schema.upgrade(settings.database_url.get_secret_value(), to=to, app_password=password)
    console.print(f"The schema is at {to}.")


@app.command()
def demo(
    subjects: Annotated[int, typer.Option(min=1, help="How many are to be randomized.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = 1,
    url: Annotated[str, typer.Option(help="Where a sandbox is running.")] = "http://127.0.0.1:8000",
    password: Annotated[
        str, typer.Option(help="Password of every demo account.")
    ] = SANDBOX_PASSWORD,
) -> None:
    """Take subjects of three hospitals through a running sandbox, from screening to endpoint."""
    raise typer.Exit(play(Options(subjects, seed, url, password), console))


@app.command()
def openapi(
    path: Annotated[Path, typer.Argument(help="Where to write the document.")],
) -> None:
    """Write the OpenAPI document of this version."""
    path.write_text(openapi_text())
    console.print(f"Wrote {path}.")

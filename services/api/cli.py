"""`trial`: serve, migrate, demo, openapi."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from alembic.util import CommandError
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.exc import DBAPIError

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
from services.api.setup import NotMigrated, SandboxDatabase
from services.api.study.service import PublishedDiffers

app = typer.Typer(help="Runs a multi-centre clinical trial over a JSON API.", no_args_is_help=True)
console = Console()
errors = Console(stderr=True)

FAULTS = (
    MissingSetting,
    ProtocolMistake,
    NotMigrated,
    SandboxDatabase,
    PublishedDiffers,
    SeedMismatch,
    ClusterError,
    CommandError,
    DBAPIError,
    ValidationError,
    OSError,
)
"""What a person can mend: told in a sentence, without a traceback."""


@contextmanager
def telling_faults() -> Iterator[None]:
    """End the command with status 1 and a sentence when a person can mend what went wrong."""
    try:
        yield
    except FAULTS as fault:
        told = fault.orig if isinstance(fault, DBAPIError) else fault
        errors.print(str(told), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from fault


@app.command()
def serve(
    sandbox: Annotated[
        bool, typer.Option(help="A practice installation with demo accounts and a movable clock.")
    ] = False,
) -> None:
    """Serve the API, in production with the settings of the environment."""
    with telling_faults():
        settings = Settings()
        if sandbox or settings.sandbox:
            server.sandbox(settings, console)
        else:
            server.production(settings)


@app.command()
def migrate(to: Annotated[str, typer.Argument(help="The revision to go to.")] = "head") -> None:
    """Bring the schema of TRIAL_DATABASE_URL to a revision, connecting as one who may."""
    with telling_faults():
        settings = Settings()
        if settings.database_url is None:
            raise MissingSetting(
                "TRIAL_DATABASE_URL is missing: the address of the database to migrate"
            )
        file = settings.app_password_file
        password = file.read_text().strip() if file else None
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

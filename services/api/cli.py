"""`trial`: serve, worker, migrate, user, demo, openapi, keys, audit, randomization, connect."""

import getpass
import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import psycopg
import typer
from alembic.util import CommandError
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from sqlalchemy.exc import DBAPIError
from typer.core import TyperGroup

from services.api import migrate as schema
from services.api import serve as server
from services.api.accounts.appointment import NotAppointed, appoint
from services.api.audit import sealing, verify
from services.api.audit.statements import BadStatement, name_of
from services.api.connect.commands import app as connect
from services.api.connect.patience import Stopped
from services.api.contract.publication import objections
from services.api.core import keys as signing_keys
from services.api.core.db import Database
from services.api.demo.client import SANDBOX_PASSWORD
from services.api.demo.run import Options
from services.api.demo.run import run as play
from services.api.document import openapi_text
from services.api.embedded import ClusterError
from services.api.protocol.load import ProtocolMistake
from services.api.randomization.commands import CeremonyFault
from services.api.randomization.commands import app as randomization
from services.api.randomization.contributions import DesignDiffers
from services.api.randomization.rules import BlockSizesError
from services.api.randomization.secret import SecretUnusable
from services.api.randomization.service import DesignChanged, SeedMismatch
from services.api.sandbox.errors import ResetNotPossible
from services.api.sandbox.scenarios import HIGHEST_SEED
from services.api.scenarios.databases import ScenarioFailed
from services.api.settings import MissingSetting, Settings
from services.api.setup import NotMigrated, ProductionDatabase, SandboxDatabase
from services.api.simulation.command import simulate
from services.api.study.service import PublishedDiffers
from services.api.worker import process as working

console = Console()
errors = Console(stderr=True)

FAULTS = (
    MissingSetting,
    ProtocolMistake,
    NotMigrated,
    NotAppointed,
    SandboxDatabase,
    ProductionDatabase,
    ResetNotPossible,
    ScenarioFailed,
    PublishedDiffers,
    SeedMismatch,
    DesignChanged,
    SecretUnusable,
    CeremonyFault,
    DesignDiffers,
    BlockSizesError,
    ClusterError,
    CommandError,
    DBAPIError,
    signing_keys.UnusableKeys,
    signing_keys.RotationRefused,
    ValidationError,
    SettingsError,
    verify.CannotVerify,
    BadStatement,
    Stopped,
    psycopg.Error,
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


class Commands(TyperGroup):
    """The commands, each of which tells its faults."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with telling_faults():
            return super().invoke(ctx)


app = typer.Typer(
    help="Runs a multi-centre clinical trial over a JSON API.",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they may hold secrets
)
keys = typer.Typer(help="The keys that sign access tokens.", no_args_is_help=True)
app.add_typer(keys, name="keys")
audit = typer.Typer(help="The seals over the audit trail.", no_args_is_help=True)
app.add_typer(audit, name="audit")
app.add_typer(randomization, name="randomization")
app.add_typer(connect, name="connect")
randomization.command()(simulate)


@app.command()
def serve(
    sandbox: Annotated[
        bool, typer.Option(help="A practice installation with demo accounts and a movable clock.")
    ] = False,
    scenario: Annotated[
        str | None, typer.Option(help="What a sandbox begins with: see docs/practising.md.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=HIGHEST_SEED, help="The same seed makes the same subjects."),
    ] = None,
) -> None:
    """Serve the API, in production with the settings of the environment."""
    asked = {"sandbox_scenario": scenario, "sandbox_seed": seed}
    told = {name: value for name, value in asked.items() if value is not None}
    settings = Settings().model_copy(update=told)
    if sandbox or settings.sandbox:
        server.sandbox(settings, console)
    else:
        server.production(settings)


@app.command()
def worker() -> None:
    """Publish events, act on them, remind, and deliver webhooks, as trial_app."""
    working.run(Settings(), Event())


@app.command()
def migrate(to: Annotated[str, typer.Argument(help="The revision to go to.")] = "head") -> None:
    """Bring the schema of TRIAL_DATABASE_URL to a revision, connecting as one who may."""
    settings = Settings()
    if settings.database_url is None:
        raise MissingSetting(
            "TRIAL_DATABASE_URL is missing: the address of the database to migrate"
        )
    schema.upgrade(
        settings.database_url.get_secret_value(),
        to=to,
        app_password=_secret(settings.app_password_file),
        sealer_password=_secret(settings.sealer_password_file),
        auditor_password=_secret(settings.auditor_password_file),
    )
    console.print(f"The schema is at {to}.")


def _secret(file: Path | None) -> str | None:
    return file.read_text().strip() if file else None


@app.command()
def user(
    username: Annotated[str, typer.Argument(help="The user name to sign in with.")],
    name: Annotated[
        str | None, typer.Option(help="The person's name, as it is to stand in the records.")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Create the first admin of TRIAL_DATABASE_URL, or let an existing admin in again.

    For an existing admin the password is replaced, the authenticator is
    forgotten and every session ends. All other accounts are made over the API.
    """
    settings = Settings()
    if settings.database_url is None:
        raise MissingSetting("TRIAL_DATABASE_URL is missing: the database, as the app role")
    password = _password(from_stdin=password_stdin)
    database = Database(settings.database_url.get_secret_value(), pool_size=1)
    with closing(database), database.transaction() as session:
        if schema.revision(session.connection()) is None:
            raise NotMigrated("TRIAL_DATABASE_URL: the database is empty; run trial migrate first")
        appoint(session, _operator(), username, password, name)
    console.print(f"{username} may sign in as an admin.", markup=False, soft_wrap=True)


def _password(*, from_stdin: bool) -> str:
    """The password, never from the command line: process lists show that."""
    if from_stdin:
        return typer.get_text_stream("stdin").readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _operator() -> str:
    """Who runs the command, for the audit trail."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"uid {os.getuid()}"


@app.command()
def demo(
    subjects: Annotated[int, typer.Option(min=1, help="How many are to be randomized.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = 1,
    url: Annotated[str, typer.Option(help="Where a sandbox is running.")] = "http://127.0.0.1:8000",
    password: Annotated[
        str, typer.Option(help="Password of every demo account.")
    ] = SANDBOX_PASSWORD,
    report: Annotated[
        Path | None, typer.Option(help="Where the DMC's report goes; the data directory if unsaid.")
    ] = None,
) -> None:
    """Take the trial's subjects through a running sandbox, from screening to the DMC's report."""
    told = report or Settings().data_dir / "dmc-report.pdf"
    raise typer.Exit(play(Options(subjects, seed, url, told, password), console))


@app.command()
def openapi(
    path: Annotated[
        Path | None, typer.Argument(help="Where to write the document; nowhere if unsaid.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="A published document, whose callers must not break.")
    ] = None,
    changelog: Annotated[
        Path, typer.Option(help="What must name each operation that breaks all the same.")
    ] = Path("CHANGELOG.md"),
) -> None:
    """Write the OpenAPI document of this version, or tell what it breaks for callers of another."""
    text = openapi_text()
    if against is not None:
        known, told = json.loads(against.read_text()), changelog.read_text()
        found = objections(known, json.loads(text), told, datetime.now(UTC))
        for objection in found:
            errors.print(objection, highlight=False, markup=False, soft_wrap=True)
        if found:
            errors.print("The rule stands in services/api/contract/publication.py.")
            raise typer.Exit(1)
        console.print(f"Nothing breaks for callers of {known['info']['version']}.")
    if path is not None:
        path.write_text(text)
        console.print(f"Wrote {path}.")


@keys.command()
def rotate(
    now: Annotated[
        bool, typer.Option("--now", help="A key has leaked: drop every key but the new one.")
    ] = False,
) -> None:
    """Sign with a new key; the one before goes on verifying, and those before it are dropped.

    Running servers take the keys without a restart. With --now they refuse
    every access token that was given out before.
    """
    path = Settings().signing_key_file
    if path is None:
        raise MissingSetting("TRIAL_SIGNING_KEY_FILE is missing: the file to rotate")
    first, *others = signing_keys.rotate(path, leaked=now)
    console.print(f"Key {first.kid} signs from now on.", soft_wrap=True)
    for other in others:
        console.print(f"Key {other.kid} goes on verifying.", soft_wrap=True)


@audit.command()
def seal(
    once: Annotated[bool, typer.Option("--once", help="Seal what there is, and end.")] = False,
) -> None:
    """Seal the trail of TRIAL_DATABASE_URL, as trial_sealer, every TRIAL_SEAL_SECONDS."""
    if not once:
        sealing.run(Settings(), Event())
        return
    sealed = sealing.seal_once(Settings())
    console.print("Another sealer is at work." if sealed is None else f"Sealed {sealed:,} events.")


@audit.command("verify")
def verify_trail(
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Checkpoints kept earlier: saved answers of GET /v1/audit/checkpoints."),
    ] = None,
    key: Annotated[
        list[Path] | None, typer.Option(help="PEM of the sealer's public key; may be repeated.")
    ] = None,
) -> None:
    """Verify the whole trail of TRIAL_DATABASE_URL, as trial_auditor.

    Every fault is told with its place, and the exit status is 1 if there is any.
    """
    findings = verify.verify(
        Settings(),
        keys=frozenset(name_of(path.read_bytes()) for path in key or ()),
        kept=verify.kept_files(path.read_text() for path in against or ()),
    )
    for fault in findings.faults:
        errors.print(fault, style="red", markup=False, highlight=False, soft_wrap=True)
    console.print(findings.account(), markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if findings.faults else 0)

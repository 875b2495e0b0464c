"""`trial randomization`: the ceremony of two parties that makes the secret, and its restore."""

import os
import secrets
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel, ValidationError
from rich.console import Console

from services.api.core.db import Database
from services.api.protocol.load import load
from services.api.randomization import service
from services.api.randomization.contributions import (
    Commitment,
    Contribution,
    Party,
    RandomizationSecret,
)
from services.api.randomization.generator import SECRET_BYTES
from services.api.randomization.rules import Design
from services.api.randomization.secret import Opened, is_public
from services.api.settings import MissingSetting, Settings

app = typer.Typer(
    help="The randomization list's secret, and the choice of its blocks.", no_args_is_help=True
)
console = Console()
Document = TypeVar("Document", bound=BaseModel)

Opens = Annotated[
    list[Path], typer.Argument(help="Both contributions, the sponsor's and the DMC's.")
]


class CeremonyFault(Exception):
    """The files at hand do not make the list that was agreed on; the text says why."""


@app.command()
def prepare(
    party: Annotated[Party, typer.Argument(help="Whose contribution it is.")],
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path(),
) -> None:
    """Draw one party's contribution to the seed, and the commitment to give away first.

    Each party runs this on a machine of its own. The sponsor's statistician is
    asked for the block sizes. Exchange the commitments, and only then open the
    contributions with `trial randomization combine`.
    """
    design = _design()
    sizes = _block_sizes(design) if party == "sponsor" else ()
    contribution = Contribution(
        party=party,
        design=design.digest(),
        block_sizes=sizes,
        secret=secrets.token_hex(SECRET_BYTES),
    )
    out.mkdir(parents=True, exist_ok=True)
    kept, given = out / f"{party}-contribution.json", out / f"{party}-commitment.json"
    _write_once(kept, contribution, mode=0o600)
    _write_once(given, Commitment.to(contribution), mode=0o644)
    _say(f"{kept}: keep it secret, with a sealed copy, until both commitments are exchanged.")
    _say(f"{given}: give it to the other party now, and to the ethics committees.")
    _say(f"Design {contribution.design}: both parties need the same.")
    _say(f"Commitment {contribution.commitment()}")


def _block_sizes(design: Design) -> tuple[int, ...]:
    """Asked for, not given as an option: command lines are seen by others and kept in histories."""
    asked = "Block sizes, separated by commas"
    text = typer.prompt(asked, hide_input=True, confirmation_prompt=True)
    try:
        sizes = tuple(int(size) for size in text.split(","))
    except ValueError:
        raise CeremonyFault("Block sizes are numbers separated by commas, such as 2,4") from None
    design.check_block_sizes(sizes)
    return sizes


@app.command()
def combine(
    contributions: Opens,
    commitment: Annotated[
        list[Path],
        typer.Option(help="A party's commitment, as it was given away before; give both."),
    ],
    out: Annotated[Path, typer.Option(help="The secret's file to write, with mode 600.")],
) -> None:
    """Open both contributions and write the secret that the service draws from.

    Refused unless each contribution is the one that its party committed to.
    """
    secret, opened = _open(contributions)
    given = {one.party: one for one in (_read(path, Commitment) for path in commitment)}
    if given != {one.party: Commitment.to(one) for one in secret.contributions}:
        raise CeremonyFault(
            "A contribution is not the one that was committed to, or a commitment is missing:"
            " do not use this list. Ask both parties to prepare anew."
        )
    if is_public(secret):
        raise CeremonyFault("A contribution is the sandbox's, which everybody knows.")
    _write_once(out, secret, mode=0o600)
    _tell(out, opened)


@app.command()
def restore(
    contributions: Opens,
    out: Annotated[Path, typer.Option(help="The secret's file to write, with mode 600.")],
) -> None:
    """Write a lost secret again from the sealed copies of both contributions.

    Refused unless it makes the list that TRIAL_DATABASE_URL (as the app role)
    has published. A running service takes the file without a restart.
    """
    secret, opened = _open(contributions)
    settings = Settings()
    if settings.database_url is None:
        raise MissingSetting("TRIAL_DATABASE_URL is missing: the database, as the app role")
    database = Database(settings.database_url.get_secret_value(), pool_size=1)
    try:
        with database.transaction() as session:
            known = service.published(session)
    finally:
        database.close()
    if known is None:
        raise CeremonyFault("No list is published in this database: there is nothing to restore.")
    service.check(known, opened)
    _write(out, secret, mode=0o600)
    _tell(out, opened)


def _design() -> Design:
    return Design.of(load(Settings().protocol_document).protocol.randomization)


def _open(paths: list[Path]) -> tuple[RandomizationSecret, Opened]:
    """The secret and its list, whichever order the contributions are given in."""
    parts = sorted((_read(path, Contribution) for path in paths), key=lambda one: one.party)
    try:
        secret = RandomizationSecret.model_validate({"contributions": tuple(reversed(parts))})
    except ValidationError as fault:
        raise CeremonyFault(_sentence(fault)) from None
    return secret, Opened(secret.list_for(_design()), secret.commitments())


def _read(path: Path, kind: type[Document]) -> Document:
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as fault:
        raise CeremonyFault(f"{path} is no {kind.__name__.lower()}: {_sentence(fault)}") from None


def _sentence(fault: ValidationError) -> str:
    """What is wrong, without the values: they are secret."""
    details = fault.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(detail["msg"].removeprefix("Value error, ") for detail in details)


def _write_once(path: Path, document: BaseModel, mode: int) -> None:
    """Write a new file, never over another."""
    if path.exists():
        raise CeremonyFault(f"File exists: {path}. Keep it, or move it away yourself.")
    _write(path, document, mode)


def _write(path: Path, document: BaseModel, mode: int) -> None:
    """Write a file whole or not at all; what was there before stays until the new one is kept."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with os.fdopen(os.open(draft, flags, mode), "w") as file:
            file.write(document.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _tell(path: Path, opened: Opened) -> None:
    for party, commitment in opened.commitments.items():
        _say(f"Commitment of {party}: {commitment}")
    _say(f"{path} makes a list of {len(opened.list.leaves):,} slots.")
    _say(f"Root {opened.list.root.hex()}: the service has to publish this one.")


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)

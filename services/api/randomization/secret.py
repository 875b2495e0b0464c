"""The randomization secret's file, outside the database: what the service draws from."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from pydantic import ValidationError

from services.api.randomization.contributions import (
    PARTIES,
    Contribution,
    DesignDiffers,
    Party,
    RandomizationSecret,
)
from services.api.randomization.rules import AllocationList, BlockSizesError, Design


class SecretUnusable(Exception):
    """The file is absent or makes no list; the text says why and shows nothing of it."""


@dataclass(frozen=True)
class Opened:
    """The list that the secret makes, and each party's commitment to its part."""

    list: AllocationList
    commitments: dict[str, str]


@dataclass
class SecretFile:
    """The secret in a file, read anew whenever the file changes.

    So a lost secret is noticed at once, and a restored one needs no restart.
    """

    path: Path
    design: Design
    sandbox: bool = False
    _known: tuple[tuple[int, int, int], Opened] | None = field(default=None, repr=False)

    def opened(self) -> Opened:
        """The list.

        Raises:
            SecretUnusable: there is no such file, or it makes no list of this design.
        """
        try:
            found = self.path.stat()
            stamp = (found.st_ctime_ns, found.st_ino, found.st_size)
            if self._known is None or self._known[0] != stamp:
                self._known = (stamp, self._read())
        except OSError:
            raise SecretUnusable(
                "TRIAL_RANDOMIZATION_SECRET_FILE: no readable file at the path given"
            ) from None
        return self._known[1]

    def _read(self) -> Opened:
        try:
            secret = RandomizationSecret.model_validate_json(self.path.read_bytes())
            made = secret.list_for(self.design)
        except ValidationError:
            raise SecretUnusable(
                "TRIAL_RANDOMIZATION_SECRET_FILE: the file must hold the two contributions that"
                " `trial randomization combine` wrote"
            ) from None
        except (DesignDiffers, BlockSizesError) as fault:
            raise SecretUnusable(f"TRIAL_RANDOMIZATION_SECRET_FILE: {fault}") from None
        if not self.sandbox and is_public(secret):
            raise SecretUnusable(
                "TRIAL_RANDOMIZATION_SECRET_FILE holds a public contribution of the sandbox"
            )
        return Opened(made, secret.commitments())


def sandbox_secret(design: Design) -> RandomizationSecret:
    """The secret of every sandbox: published on purpose, so that practice runs repeat.

    Its blocks hold twice and three times what the smallest could. A production
    start refuses it.
    """
    smallest = len(design.unit)
    sizes = {"sponsor": (2 * smallest, 3 * smallest), "dmc": ()}
    sponsor, dmc = (
        Contribution(
            party=party,
            design=design.digest(),
            block_sizes=sizes[party],
            secret=_public(party),
        )
        for party in PARTIES
    )
    return RandomizationSecret(contributions=(sponsor, dmc))


def is_public(secret: RandomizationSecret) -> bool:
    """Whether either contribution is the sandbox's, which everybody knows."""
    return any(one.secret == _public(one.party) for one in secret.contributions)


def _public(party: Party) -> str:
    return sha256(f"public sandbox contribution: {party}".encode()).hexdigest()


async def _secret(request: Request) -> SecretFile:
    secret: SecretFile = request.app.state.randomization_secret
    return secret


SecretDep = Annotated[SecretFile, Depends(_secret)]

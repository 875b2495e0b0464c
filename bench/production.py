"""The settings of a production start, with secrets made for one run of a measurement."""

import json
import secrets
from pathlib import Path

from pydantic import SecretStr

from services.api.core.keys import KeyRing, new_signing_key
from services.api.core.tokens import TokenIssuer
from services.api.embedded import Cluster
from services.api.protocol.load import load
from services.api.protocol.schema import Protocol
from services.api.randomization.contributions import (
    PARTIES,
    Contribution,
    RandomizationSecret,
)
from services.api.randomization.generator import SECRET_BYTES
from services.api.randomization.rules import Design
from services.api.randomization.secret import SecretFile
from services.api.settings import DOCUMENTS, Settings

SHIPPED = DOCUMENTS / "nct07312656-1.0.yaml"
BLOCKS = (2, 3)
"""How many times the smallest block a block may hold."""


def app_url(cluster: Cluster, password: str, database: str = "postgres") -> str:
    """A database's address as the role that serves."""
    return cluster.url("trial_app", password, database)


def settings(directory: Path, url: str, document: Path = SHIPPED) -> Settings:
    """Settings over a database, their secrets written to the directory."""
    (directory / "key.pem").write_text(new_signing_key())
    (directory / "person").write_text(secrets.token_hex(32))
    (directory / "list.json").write_text(randomization_secret(document).model_dump_json())
    return Settings(
        sandbox=False,
        database_url=SecretStr(url),
        signing_key_file=directory / "key.pem",
        randomization_secret_file=directory / "list.json",
        person_key_file=directory / "person",
        issuer="http://bench.invalid",
        protocol_document=document,
    )


def randomization_secret(document: Path) -> RandomizationSecret:
    """Two contributions that nobody has seen before."""
    design = Design.of(load(document).protocol.randomization)
    sizes = {"sponsor": tuple(blocks * len(design.unit) for blocks in BLOCKS), "dmc": ()}
    sponsor, dmc = (
        Contribution(
            party=party,
            design=design.digest(),
            block_sizes=sizes[party],
            secret=secrets.token_hex(SECRET_BYTES),
        )
        for party in PARTIES
    )
    return RandomizationSecret(contributions=(sponsor, dmc))


def environment(chosen: Settings) -> dict[str, str]:
    """The settings as the variables that the service reads."""
    given = json.loads(chosen.model_dump_json(exclude_defaults=True))
    url = chosen.database_url
    given["database_url"] = url.get_secret_value() if url else ""
    return {f"TRIAL_{name.upper()}": str(value) for name, value in given.items()}


def secret_file(chosen: Settings, protocol: Protocol) -> SecretFile:
    """The randomization secret as the service reads it."""
    if chosen.randomization_secret_file is None:
        raise ValueError("the settings name no randomization secret")
    return SecretFile(chosen.randomization_secret_file, Design.of(protocol.randomization))


def issuer(chosen: Settings) -> TokenIssuer:
    """Who signs the tokens that a server with these settings takes."""
    if chosen.signing_key_file is None:
        raise ValueError("the settings name no signing key")
    return TokenIssuer(
        keys=KeyRing(chosen.signing_key_file),
        issuer=chosen.issuer,
        audience=chosen.audience,
        seconds=chosen.token_seconds,
    )

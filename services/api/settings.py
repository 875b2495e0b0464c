"""The environment, read once. Secrets come from files, so they never show in a process list."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DOCUMENTS = Path(__file__).parent / "protocol" / "documents"

SANDBOX_SEED = b"public seed of every sandbox...."
"""The sandbox's randomization seed: published on purpose, so that practice runs repeat.

A production start refuses it.
"""


class MissingSetting(Exception):
    """A production start lacks a setting, or has one that is only fit for the sandbox."""


class Settings(BaseSettings):
    """`TRIAL_…` variables; a name here is the variable's name in capitals after `TRIAL_`."""

    model_config = SettingsConfigDict(
        env_prefix="TRIAL_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    sandbox: bool = False
    database_url: SecretStr | None = Field(
        default=None, description="The database, as the app role to serve, as the owner to migrate."
    )
    app_password_file: Path | None = Field(
        default=None, description="Password that `trial migrate` gives the role trial_app."
    )
    signing_key_file: Path | None = Field(
        default=None, description="PEM of the EC P-256 key that signs access tokens."
    )
    randomization_seed_file: Path | None = Field(
        default=None, description="64 hexadecimal digits: the seed of the randomization list."
    )
    person_key_file: Path | None = Field(
        default=None, description="Hexadecimal key of the HMAC over national identifiers."
    )
    issuer: str = Field(default="", description="The service's public URL: `iss` of its tokens.")
    audience: str = "trial-api"
    protocol_document: Path = DOCUMENTS / "nct07312656-1.0.yaml"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    data_dir: Path = Path(".trial")
    pool_size: int = Field(default=20, ge=1, le=200)
    token_seconds: int = Field(default=900, ge=60, le=900)
    max_body_bytes: int = 256 * 1024

    @field_validator("database_url")
    @classmethod
    def driver_is_psycopg(cls, given: SecretStr | None) -> SecretStr | None:
        """Take the address as PostgreSQL writes it, and name our driver in it."""
        scheme, _, rest = given.get_secret_value().partition("://") if given else ("", "", "")
        if not scheme:
            return None
        if scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
            raise ValueError("write it as postgresql://user:password@host:port/database")
        return SecretStr(f"postgresql+psycopg://{rest}")

    @model_validator(mode="after")
    def sandbox_is_one_process(self) -> Self:
        if self.sandbox and self.workers != 1:
            raise ValueError("TRIAL_WORKERS: the sandbox's movable clock needs exactly one worker")
        return self

    def require_production(self) -> None:
        """Refuse a start that lacks a setting or carries a sandbox secret.

        Raises:
            MissingSetting: names every variable at fault and what it must hold.
        """
        needed = (
            "database_url",
            "signing_key_file",
            "randomization_seed_file",
            "person_key_file",
            "issuer",
        )
        faults = [
            f"TRIAL_{name.upper()} is missing: {type(self).model_fields[name].description}"
            for name in needed
            if not getattr(self, name)
        ]
        faults += [
            f"TRIAL_{name.upper()}: no readable file at the path given"
            for name in needed
            if isinstance(path := getattr(self, name), Path) and not path.is_file()
        ]
        faults = faults or [*self._unfit_secrets()]
        if faults:
            raise MissingSetting("\n".join(faults))

    def _unfit_secrets(self) -> Iterator[str]:
        """What is wrong with the secrets in the files that were found."""
        for name in ("seed", "person_key"):
            try:
                secret = getattr(self, name)
            except MissingSetting as fault:
                yield str(fault)
            else:
                if secret == SANDBOX_SEED:
                    yield "TRIAL_RANDOMIZATION_SEED_FILE holds the public seed of the sandbox"

    @cached_property
    def seed(self) -> bytes:
        """The randomization list's secret, 32 bytes; the public one in a sandbox without a file."""
        if self.randomization_seed_file is None and self.sandbox:
            return SANDBOX_SEED
        return _hex(self.randomization_seed_file, "TRIAL_RANDOMIZATION_SEED_FILE", 32)

    @cached_property
    def person_key(self) -> bytes:
        """The key of the HMAC over national identifiers, 32 bytes."""
        return _hex(self.person_key_file, "TRIAL_PERSON_KEY_FILE", 32)

    @cached_property
    def signing_key(self) -> str:
        """The PEM text of the token signing key."""
        if self.signing_key_file is None:
            raise MissingSetting("TRIAL_SIGNING_KEY_FILE is missing")
        return self.signing_key_file.read_text()


def _hex(path: Path | None, name: str, length: int) -> bytes:
    if path is None:
        raise MissingSetting(f"{name} is missing")
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except ValueError:
        secret = b""
    if len(secret) != length:
        raise MissingSetting(f"{name}: the file must hold {2 * length} hexadecimal digits")
    return secret

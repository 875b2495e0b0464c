"""The environment, read once. Secrets come from files, so they never show in a process list."""

import json
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DOCUMENTS = Path(__file__).parent / "protocol" / "documents"
PERSON_KEY_BYTES = 32


class MissingSetting(Exception):
    """A production start lacks a setting, or has one that is only fit for the sandbox."""


def _no_text_is_no_map(given: object) -> object:
    """Read JSON; an empty variable, as a compose file passes it, is an empty map."""
    return json.loads(given or "{}") if isinstance(given, str) else given


Map = Annotated[dict[str, str], NoDecode, BeforeValidator(_no_text_is_no_map)]


def _no_text_is_no_list(given: object) -> object:
    return json.loads(given or "[]") if isinstance(given, str) else given


ANY_ORIGIN = "*"
"""Pages of every origin: for practice only."""

_ORIGIN = re.compile(r"(https?)://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def _as_browsers_write_it(origin: str) -> str:
    """Refuse a text that no browser ever sends as an origin: it would allow nobody."""
    if origin == ANY_ORIGIN:
        return origin
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        raise ValueError("write each as browsers do: https://edc.example.org, without a path")
    if found[2] == _DEFAULT_PORTS[found[1]]:
        raise ValueError("leave the usual port away, as browsers do")
    return origin


Origins = Annotated[
    frozenset[Annotated[str, AfterValidator(_as_browsers_write_it)]],
    NoDecode,
    BeforeValidator(_no_text_is_no_list),
]


def _writable(directory: Path) -> bool:
    return directory.is_dir() and os.access(directory, os.W_OK | os.X_OK)


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
    sealer_password_file: Path | None = Field(
        default=None, description="Password that `trial migrate` gives the role trial_sealer."
    )
    auditor_password_file: Path | None = Field(
        default=None, description="Password that `trial migrate` gives the role trial_auditor."
    )
    sealing_key_file: Path | None = Field(
        default=None, description="PEM of the EC P-256 key that seals the trail: not the app's."
    )
    seal_seconds: float = Field(
        default=5, gt=0, le=60, description="How often `trial audit seal` seals the trail."
    )
    signing_key_file: Path | None = Field(
        default=None,
        description="PEM of EC P-256 keys: the first signs access tokens, all verify them.",
    )
    randomization_secret_file: Path | None = Field(
        default=None, description="The two contributions that make the randomization list."
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
    session_hours: int = Field(
        default=12, ge=1, le=24, description="How long one may stay signed in by refreshing."
    )
    session_idle_minutes: int = Field(
        default=60, ge=15, le=480, description="How long a session lives without a refresh."
    )
    totp_roles: frozenset[str] = Field(
        default=frozenset(), description='Roles that need a second factor, as JSON: ["admin"].'
    )
    trusted_proxies: str = Field(
        default="127.0.0.1", description="Addresses whose X-Forwarded-For is believed."
    )
    max_body_bytes: int = 256 * 1024
    cors_origins: Origins = Field(
        default=frozenset(),
        description="Origins whose pages may call the API from a browser, as JSON:"
        ' ["https://edc.example.org"].',
    )
    send_seconds: float = Field(
        default=60,
        gt=0,
        le=3600,
        description="How long a reader may take nothing of an answer, and how long one of a long"
        " answer may take for 64 KiB, before the connection is dropped.",
    )
    event_streams: int = Field(
        default=500, ge=1, le=10_000, description="Streams of events that a process holds open."
    )
    event_streams_per_account: int = Field(
        default=10, ge=1, le=10_000, description="How many of them belong to one account."
    )
    spool_dir: Path | None = Field(
        default=None,
        description="Where exports wait for their readers; the system's temporary directory if"
        " none is given. They hold the whole trial, without a name, and up to some GiB.",
    )

    sandbox_scenario: str = Field(
        default="", description="What a sandbox begins with: see GET /sandbox/scenarios."
    )
    sandbox_seed: int = Field(
        default=1, ge=0, lt=2**31, description="The same seed makes the same subjects and ids."
    )
    sandbox_reset_hours: float | None = Field(
        default=None, gt=0, le=24 * 366, description="How often a sandbox begins anew by itself."
    )

    webhook_private_addresses: bool = Field(
        default=False,
        description="Whether webhooks may lead to addresses of no public network.",
    )
    webhook_http: bool = Field(
        default=False, description="Whether webhooks may lead to http, which anyone can read."
    )

    oidc_issuer: str = Field(default="", description="An outside identity provider, by its `iss`.")
    oidc_audience: str = Field(default="", description="`aud` of its tokens for this service.")
    oidc_jwks_uri: str = Field(
        default="", description="Its keys; by default where its discovery document says."
    )
    oidc_role_claim: str = Field(
        default="roles", description="Claim with its roles; a dot leads into an object."
    )
    oidc_roles: Map = Field(
        default={}, description='Its roles and ours, as JSON: {"trial-monitors": "monitor"}.'
    )
    oidc_sites_claim: str = Field(default="sites", description="Claim with the sites.")
    oidc_sites: Map = Field(
        default={}, description="Its sites and ours, as JSON; by default the same codes."
    )
    oidc_name_claim: str = Field(default="name", description="Claim with the person's name.")

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
    def provider_is_whole(self) -> Self:
        """An outside identity provider needs its issuer, our audience and the meaning of roles."""
        fields = type(self).model_fields.items()
        wanted = any(
            getattr(self, name) not in ("", {}, field.default)
            for name, field in fields
            if name.startswith("oidc_")
        )
        needed = ("oidc_issuer", "oidc_audience", "oidc_roles")
        missing = [f"TRIAL_{name.upper()}" for name in needed if not getattr(self, name)]
        if wanted and missing:
            raise ValueError(f"{', '.join(missing)}: needed when an identity provider is set")
        return self

    @field_validator("sandbox_reset_hours", "spool_dir", mode="before")
    @classmethod
    def no_text_is_none(cls, given: object) -> object:
        """Take an empty variable, as a compose file passes it, as none."""
        return None if given == "" else given

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
            "randomization_secret_file",
            "person_key_file",
            "issuer",
        )
        # An empty variable makes an empty path.
        missing = [name for name in needed if getattr(self, name) in (None, "", Path())]
        # A lost randomization secret stops allocations only: adverse events must still be taken.
        unreadable = [
            name
            for name in ("signing_key_file", "person_key_file")
            if name not in missing and not getattr(self, name).is_file()
        ]
        faults = [
            f"TRIAL_{name.upper()} is missing: {type(self).model_fields[name].description}"
            for name in missing
        ]
        faults += [
            f"TRIAL_{name.upper()}: no readable file at the path given" for name in unreadable
        ]
        if self.spool_dir is not None and not _writable(self.spool_dir):
            faults.append("TRIAL_SPOOL_DIR: no directory at the path given that we may write to")
        if ANY_ORIGIN in self.cors_origins:
            faults.append("TRIAL_CORS_ORIGINS: name each origin; * lets every page in the world in")
        faults += [
            f"TRIAL_{name.upper()} is only fit for a sandbox"
            for name in ("sandbox_scenario", "sandbox_seed", "sandbox_reset_hours")
            if getattr(self, name) != type(self).model_fields[name].default
        ]
        if faults:
            raise MissingSetting("\n".join(faults))
        _ = self.person_key  # which names its own fault

    @property
    def plain_database_url(self) -> str:
        """The database's address as psycopg takes it.

        Raises:
            MissingSetting: there is none.
        """
        if self.database_url is None:
            raise MissingSetting("TRIAL_DATABASE_URL is missing")
        return self.database_url.get_secret_value().replace("+psycopg", "", 1)

    @property
    def sealing_key(self) -> str:
        """The PEM text of the key that seals the trail.

        Raises:
            MissingSetting: no file is named, or it cannot be read.
        """
        if self.sealing_key_file is None or not self.sealing_key_file.is_file():
            raise MissingSetting(
                "TRIAL_SEALING_KEY_FILE is missing, or no readable file at the path given"
            )
        return self.sealing_key_file.read_text()

    @cached_property
    def person_key(self) -> bytes:
        """The key of the HMAC over national identifiers, 32 bytes.

        Raises:
            MissingSetting: no file is named, or it does not hold such a key.
        """
        if self.person_key_file is None:
            raise MissingSetting("TRIAL_PERSON_KEY_FILE is missing")
        try:
            key = bytes.fromhex(self.person_key_file.read_text().strip())
        except ValueError:
            key = b""
        if len(key) != PERSON_KEY_BYTES:
            raise MissingSetting(
                f"TRIAL_PERSON_KEY_FILE: the file must hold {2 * PERSON_KEY_BYTES}"
                " hexadecimal digits"
            )
        return key

    def derived_key(self, purpose: str) -> bytes:
        """A key for one purpose alone, 32 bytes (HKDF, RFC 5869), from the person key."""
        info = f"trial-api {purpose}".encode()
        return HKDF(hashes.SHA256(), length=32, salt=None, info=info).derive(self.person_key)

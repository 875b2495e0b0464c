"""What the adapter is told by its environment; secrets come from files."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, HttpUrl, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.api.connect.patience import Stopped

LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})


def _read_map(given: object) -> object:
    return json.loads(given) if isinstance(given, str) else given


class EdcCoreSettings(BaseSettings):
    """`TRIAL_EDC_CORE_…` variables."""

    model_config = SettingsConfigDict(
        env_prefix="TRIAL_EDC_CORE_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    trial_url: HttpUrl = Field(description="The trial's API, as https://trial.example.org.")
    client_id: str = Field(description="Name of the machine client that reads the feed.")
    client_secret_file: Path = Field(description="Its secret.")
    url: HttpUrl = Field(description="edc-core's API, as https://edc.example.org/api.")
    study: str = Field(
        pattern=r"^[\w-]{1,64}$", description="The id of the study in edc-core, from its address."
    )
    key_file: Path = Field(description="The key of the study's intake (edcrtsm_…).")
    arms: Annotated[dict[str, str], NoDecode, BeforeValidator(_read_map)] = Field(
        description='The name of each arm in edc-core, as JSON: {"control": "ARM-A", …}.'
    )
    state_file: Path = Field(description="What the adapter keeps; its folder must exist.")
    source: str = Field(default="trial-api", description="How edc-core names where it came from.")
    poll_seconds: float = Field(default=5, gt=0, le=3600, description="How often the feed is read.")
    http: bool = Field(
        default=False, description="Both may be reached by http, which anyone on the way can read."
    )

    @property
    def trial(self) -> str:
        """The trial's address."""
        return self._safe(self.trial_url)

    @property
    def intake(self) -> str:
        """Where the assignments go."""
        return f"{self._safe(self.url)}/studies/{self.study}/rtsm/assignments"

    def _safe(self, url: HttpUrl) -> str:
        if url.scheme != "https" and url.host not in LOCAL and not self.http:
            raise Stopped(
                f"{url.scheme}://{url.host}: keys and arms would be readable on the way; use https,"
                " or say TRIAL_EDC_CORE_HTTP=true"
            )
        return str(url).rstrip("/")


def read_settings() -> EdcCoreSettings:
    """The settings of the environment.

    Raises:
        Stopped: one is missing or wrong; each is named with its meaning, without its value.
    """
    try:
        return EdcCoreSettings()
    except ValidationError as mistakes:
        names = dict.fromkeys(str(mistake["loc"][0]) for mistake in mistakes.errors())
        fields = EdcCoreSettings.model_fields
        told = [f"TRIAL_EDC_CORE_{name.upper()}: {fields[name].description}" for name in names]
        raise Stopped("\n".join(["Missing or wrong:", *told])) from None


def secret_in(path: Path) -> str:
    """A secret from its file.

    Raises:
        OSError: no such file.
        Stopped: it is empty.
    """
    secret = path.read_text(encoding="utf-8").strip()
    if not secret.isascii() or not secret.isprintable() or not secret:
        raise Stopped(f"{path}: the file must hold one secret in plain characters")
    return secret

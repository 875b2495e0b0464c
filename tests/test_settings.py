"""The environment: what a production start needs, and that it names all that is missing."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from pydantic import SecretStr, ValidationError

from services.api.core.keys import new_signing_key
from services.api.main import create_app
from services.api.settings import MissingSetting, Settings

NEEDED = (
    "TRIAL_DATABASE_URL",
    "TRIAL_SIGNING_KEY_FILE",
    "TRIAL_RANDOMIZATION_SECRET_FILE",
    "TRIAL_PERSON_KEY_FILE",
    "TRIAL_ISSUER",
)
Environment = dict[str, str]


@pytest.fixture(autouse=True)
def nothing_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("TRIAL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """Everything that a production start needs."""
    (tmp_path / "key").write_text(new_signing_key())
    (tmp_path / "person").write_text("cd" * 32)
    return {
        "TRIAL_DATABASE_URL": "postgresql+psycopg://trial_app:secret@127.0.0.1:1/none",
        "TRIAL_SIGNING_KEY_FILE": str(tmp_path / "key"),
        "TRIAL_RANDOMIZATION_SECRET_FILE": str(tmp_path / "list.json"),
        "TRIAL_PERSON_KEY_FILE": str(tmp_path / "person"),
        "TRIAL_ISSUER": "https://trial.example",
    }


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[[Environment], Settings]:
    """Read the environment as a production start does."""

    def read(environment: Environment) -> Settings:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        settings = Settings()
        settings.require_production()
        return settings

    return read


Start = Callable[[Environment], Settings]


def test_a_complete_environment_starts(start: Start, environment: Environment) -> None:
    settings = start(environment)
    assert settings.person_key == b"\xcd" * 32
    assert (settings.sandbox, settings.workers, settings.token_seconds) == (False, 1, 900)
    assert create_app(settings).state.issuer.issuer == "https://trial.example"


@pytest.mark.parametrize("missing", NEEDED)
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_a_missing_setting_is_named(
    start: Start, environment: Environment, missing: str, how: str
) -> None:
    changed = {**environment, missing: ""}
    if how == "absent":
        del changed[missing]
    with pytest.raises(MissingSetting) as refusal:
        start(changed)
    (fault,) = str(refusal.value).splitlines()
    assert fault.startswith(missing)


def test_all_that_is_missing_is_named_at_once(start: Start) -> None:
    with pytest.raises(MissingSetting) as refusal:
        start({})
    faults = str(refusal.value).splitlines()
    assert [fault.split()[0] for fault in faults] == list(NEEDED)
    assert all(len(fault) > 50 for fault in faults), "each says what it must hold"
    with pytest.raises(MissingSetting):
        create_app(Settings())


@pytest.mark.parametrize("name", ["TRIAL_SIGNING_KEY_FILE", "TRIAL_PERSON_KEY_FILE"])
def test_a_file_that_is_not_there_is_named(
    start: Start, environment: Environment, name: str
) -> None:
    with pytest.raises(MissingSetting) as refusal:
        start({**environment, name: "/nowhere/secret"})
    assert str(refusal.value) == f"{name}: no readable file at the path given"


@pytest.mark.parametrize("made", ["nothing", "file"])
def test_a_directory_for_exports_that_is_none_is_named(
    start: Start, environment: Environment, tmp_path: Path, made: str
) -> None:
    spool = tmp_path / "spool"
    if made == "file":
        spool.touch()
    with pytest.raises(MissingSetting, match=r"^TRIAL_SPOOL_DIR: no directory"):
        start({**environment, "TRIAL_SPOOL_DIR": str(spool)})


def test_exports_go_where_the_environment_says(
    start: Start, environment: Environment, tmp_path: Path
) -> None:
    assert start({**environment, "TRIAL_SPOOL_DIR": str(tmp_path)}).spool_dir == tmp_path
    assert start({**environment, "TRIAL_SPOOL_DIR": ""}).spool_dir is None


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 33, "zz" * 32, "ab", "ä" * 64])
def test_the_person_key_has_exactly_32_bytes(
    start: Start, environment: Environment, text: str
) -> None:
    name = "TRIAL_PERSON_KEY_FILE"
    Path(environment[name]).write_text(text)
    with pytest.raises(MissingSetting) as refusal:
        start(environment)
    assert str(refusal.value) == f"{name}: the file must hold 64 hexadecimal digits"
    assert text == "" or text not in str(refusal.value)


def test_a_lost_randomization_secret_does_not_stop_the_start(
    start: Start, environment: Environment
) -> None:
    """Adverse events must still be taken; what is published already decides about the rest."""
    assert not Path(environment["TRIAL_RANDOMIZATION_SECRET_FILE"]).exists()
    start(environment)


def p384() -> bytes:
    key = ec.generate_private_key(ec.SECP384R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def encrypted() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))


@pytest.mark.parametrize(
    "text", [b"", b"not a key", p384(), encrypted()], ids=["nothing", "text", "P-384", "encrypted"]
)
def test_a_signing_key_that_cannot_sign_is_named(
    start: Start, environment: Environment, text: bytes
) -> None:
    Path(environment["TRIAL_SIGNING_KEY_FILE"]).write_bytes(text)
    settings = start(environment)
    with pytest.raises(MissingSetting, match="TRIAL_SIGNING_KEY_FILE"):
        create_app(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRIAL_PORT", "65536"),
        ("TRIAL_PORT", "-1"),
        ("TRIAL_PORT", "http"),
        ("TRIAL_WORKERS", "0"),
        ("TRIAL_WORKERS", "65"),
        ("TRIAL_POOL_SIZE", "0"),
        ("TRIAL_TOKEN_SECONDS", "901"),
        ("TRIAL_TOKEN_SECONDS", "59"),
        ("TRIAL_SANDBOX", "perhaps"),
    ],
)
def test_a_value_out_of_range_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.removeprefix("TRIAL_").lower()):
        Settings()


def test_the_sandbox_is_one_process() -> None:
    with pytest.raises(ValidationError, match="exactly one worker"):
        Settings(sandbox=True, workers=2)


def test_no_secret_shows_in_a_printed_setting(start: Start, environment: Environment) -> None:
    settings = start(environment)
    _ = settings.person_key
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "secret@" not in shown
        assert "cdcd" not in shown
        assert "PRIVATE KEY" not in shown
    assert isinstance(settings.database_url, SecretStr)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_database_s_address_is_taken_as_postgresql_writes_it(scheme: str) -> None:
    settings = Settings(
        database_url=SecretStr(f"{scheme}://me:a%40b@db:5432/trial?sslmode=require")
    )
    assert settings.database_url is not None
    expected = "postgresql+psycopg://me:a%40b@db:5432/trial?sslmode=require"
    assert settings.database_url.get_secret_value() == expected


@pytest.mark.parametrize("url", ["mysql://me:secret@db/trial", "secret", "db:5432/secret"])
def test_another_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValidationError, match="postgresql://user:password@host") as refusal:
        Settings(database_url=SecretStr(url))
    assert "secret" not in str(refusal.value)


def test_settings_are_read_once() -> None:
    settings = Settings()
    for name in Settings.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(settings, name, "other")


def test_a_role_that_the_trial_has_not_asks_nobody_for_a_second_factor_so_it_is_named(
    environment: Environment, start: Callable[[Environment], Settings]
) -> None:
    with pytest.raises(MissingSetting, match="TRIAL_TOTP_ROLES: the trial has no role admins"):
        create_app(start({**environment, "TRIAL_TOTP_ROLES": '["admins"]'}))


def test_no_origin_is_allowed_unless_named(start: Start, environment: Environment) -> None:
    assert start(environment).cors_origins == frozenset()
    assert start({**environment, "TRIAL_CORS_ORIGINS": ""}).cors_origins == frozenset()
    named = '["https://edc.example.org", "http://10.0.0.7:8080", "http://[2001:db8::1]:81"]'
    found = start({**environment, "TRIAL_CORS_ORIGINS": named}).cors_origins
    assert found == {"https://edc.example.org", "http://10.0.0.7:8080", "http://[2001:db8::1]:81"}


def test_production_names_each_origin(start: Start, environment: Environment) -> None:
    changed = {**environment, "TRIAL_CORS_ORIGINS": '["https://edc.example.org", "*"]'}
    with pytest.raises(MissingSetting) as refusal:
        start(changed)
    assert str(refusal.value).startswith("TRIAL_CORS_ORIGINS: name each origin")


@pytest.mark.parametrize(
    "origin",
    [
        "https://edc.example.org/",
        "https://edc.example.org/app",
        "https://EDC.example.org",
        "https://edc.example.org:443",
        "http://edc.example.org:80",
        "https://edc.example.org:0",
        "edc.example.org",
        "https://*.example.org",
        "https://user@edc.example.org",
        "ftp://edc.example.org",
        "null",
        "",
    ],
)
def test_an_origin_that_no_browser_sends_is_refused(
    monkeypatch: pytest.MonkeyPatch, origin: str
) -> None:
    monkeypatch.setenv("TRIAL_CORS_ORIGINS", json.dumps([origin]))
    with pytest.raises(ValidationError) as refusal:
        Settings()
    assert "as browsers" in str(refusal.value)


def test_origins_that_are_no_list_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_CORS_ORIGINS", "https://edc.example.org")
    with pytest.raises(ValidationError, match="cors_origins"):
        Settings()

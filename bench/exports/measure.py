"""One export from a worker of its own, in turns with COPY of the same rows."""

import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
from psycopg import sql

from bench import production, servers
from bench.exports.cases import Case
from bench.subjects import Installation

WARM_UP = 2**20
"""Bytes after which the reader of the first export leaves."""
WAIT = httpx.Timeout(60, read=600)


@dataclass(frozen=True)
class Figures:
    """What an export of so many rows took; seconds are medians over the rounds."""

    rows: int
    seconds: float
    copied: float
    """Seconds of COPY of the same rows, to a client that throws them away."""
    cpu: float
    """The worker's processor time, in seconds an export."""
    size: float
    """MiB that were answered."""
    idle: float
    peak: float
    """MiB of memory that the worker held before the first export, and at most."""


def measure(installed: Installation, case: Case, rounds: int, directory: Path) -> Figures:
    """Start a worker, take the export's beginning to warm up, then all of it in turns with COPY."""
    settings = installed.settings.model_copy(update={"spool_dir": directory})
    taken, copied, used = list[float](), list[float](), list[float]()
    with servers.service("ours", settings, directory / "log").started() as server:
        idle = server.resident_mib()
        _take(server, installed, case, WARM_UP)
        for _ in range(rounds):
            before, began = server.cpu_seconds(), time.perf_counter()
            size = _take(server, installed, case)
            taken.append(time.perf_counter() - began)
            used.append(server.cpu_seconds() - before)
            began = time.perf_counter()
            rows = _copy(installed.admin_url, case.tables)
            copied.append(time.perf_counter() - began)
        peak = server.peak_mib()
    return Figures(
        rows=rows,
        seconds=statistics.median(taken),
        copied=statistics.median(copied),
        cpu=statistics.median(used),
        size=size / 2**20,
        idle=idle,
        peak=peak,
    )


def _take(
    server: servers.Server, installed: Installation, case: Case, most: int = sys.maxsize
) -> int:
    """Take the export as fast as it comes, and leave after so many bytes; how many came."""
    token = production.issuer(installed.settings).issue(
        subject=uuid4(), role=case.role, sites=installed.sites, name="Bench", machine=False
    )
    headers = {"Authorization": f"Bearer {token}", "Accept": case.accept}
    address = f"http://127.0.0.1:{server.port}{case.path}"
    with httpx.stream("GET", address, headers=headers, timeout=WAIT) as answer:
        answer.raise_for_status()
        # One that fails ends without its end, which httpx takes for a broken connection.
        size = 0
        for piece in answer.iter_raw():
            size += len(piece)
            if size >= most:
                break
        return size


def _copy(url: str, tables: tuple[str, ...]) -> int:
    """Have PostgreSQL write the rows of these tables; how many there are."""
    rows = 0
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table in tables:
            with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
                for _ in copy:
                    pass
            rows += cursor.rowcount
    return rows

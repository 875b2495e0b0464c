"""What is written down while something happens: by the service, by its server, by PostgreSQL."""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from structlog.testing import capture_logs

from services.api.embedded import Cluster

HOW_LONG = "milliseconds"
PATIENCE = 20
OF_THE_PROCESS = re.compile(
    r"^\S+ \S+ UTC \[\d+\] |(?<=Process )\d+|(?<=transaction )\d+|(?<=tuple )\(\d+,\d+\)"
    r"|(?<=relation )\d+(?= of)|(?<=database )\d+",
    re.MULTILINE,
)
"""What PostgreSQL's log says of when and in which process; and objects of the one database."""
BY_ITSELF = re.compile(r"^\S+ \S+ UTC \[\d+\] LOG:  checkpoint .*\n", re.MULTILINE)
"""What PostgreSQL does every few minutes, whoever asks for what."""


@dataclass
class Written:
    """Every line that was written."""

    ours: list[dict[str, Any]] = field(default_factory=list)
    servers: list[str] = field(default_factory=list)
    postgresql: str = ""

    def lasting(self) -> tuple[list[dict[str, Any]], list[str], str]:
        """All of it but times, durations and numbers of processes."""
        ours = [{name: line[name] for name in line if name != HOW_LONG} for line in self.ours]
        return ours, self.servers, OF_THE_PROCESS.sub("…", BY_ITSELF.sub("", self.postgresql))

    def everything(self) -> str:
        """All of it as one text."""
        return f"{self.ours}\n{self.servers}\n{self.postgresql}"


class _Keeping(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def writing(cluster: Cluster) -> Iterator[Written]:
    """What is written meanwhile; whole at the end."""
    written = Written()
    handler = _Keeping(written.servers)
    loggers = [logging.getLogger(), logging.getLogger("uvicorn")]  # which tells no other
    log = cluster.data / "cluster" / "server.log"
    begin = log.stat().st_size
    for one in loggers:
        one.addHandler(handler)
    try:
        with capture_logs() as lines:
            yield written
            # The server writes of a fault once its answer is sent.
            deadline = time.monotonic() + PATIENCE
            faults = [line for line in lines if line["event"] == "unforeseen"]
            while len(written.servers) < len(faults) and time.monotonic() < deadline:
                time.sleep(0.01)
    finally:
        for one in loggers:
            one.removeHandler(handler)
    written.ours = [dict(line) for line in lines]
    written.postgresql = log.read_bytes()[begin:].decode()

"""The same SQL through pgbench, from the wheel that holds the embedded PostgreSQL."""

import os
import re
import resource
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from psycopg import sql
from sqlalchemy import make_url

from bench.load import Tally
from bench.randomize.script import KNOWN, Script
from bench.randomize.trial import READY, Trial
from services.api.core.making import new_id
from services.api.embedded import bindir

DONE = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
COMMAND = re.compile(r"^ +([0-9.]+) +[0-9]+ +(.*)$", re.MULTILINE)
AS_THE_DRIVER = "prepared"
"""psycopg prepares on each connection what it has sent five times."""


class PgbenchFailed(Exception):
    """pgbench did not finish; the text is what it said."""


def stock(trial: Trial, script: Script) -> None:
    """Lay out for pgbench, in the database that the copies are made of, what its script needs."""
    columns = (*KNOWN, *script.of_stratum, *script.numbers.values(), *script.digests.values())
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    types = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(one)) for one in columns)
    with trial.as_superuser(READY) as connection:
        connection.execute("CREATE SCHEMA bench")
        connection.execute("CREATE SEQUENCE bench.turn")
        connection.execute(
            sql.SQL("CREATE TABLE bench.subject (n serial PRIMARY KEY, {})").format(types)
        )
        connection.execute(
            "CREATE TABLE bench.list (stratum text, seq integer, arm text,"
            " PRIMARY KEY (stratum, seq))"
        )
        with (
            connection.cursor() as cursor,
            cursor.copy(sql.SQL("COPY bench.subject ({}) FROM STDIN").format(names)) as copy,
        ):
            for row in _subjects(trial, script):
                copy.write_row([row[column] for column in columns])
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY bench.list FROM STDIN") as copy,
        ):
            for stratum, arms in trial.whole.arms.items():
                for seq, arm in enumerate(arms, start=1):
                    copy.write_row((stratum, seq, arm))
        connection.execute("VACUUM ANALYZE bench.subject, bench.list")
        connection.execute("GRANT USAGE ON SCHEMA bench TO trial_app")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA bench TO trial_app")
        connection.execute("GRANT USAGE ON SEQUENCE bench.turn TO trial_app")


def _subjects(trial: Trial, script: Script) -> Iterator[dict[str, str]]:
    for subject in trial.waiting:
        yield {
            "subject_id": str(subject.id),
            "stratum": subject.stratum,
            "key": str(new_id()),
            "request_id": secrets.token_hex(16),
            "allocation_id": str(new_id()),
            **{column: same[subject.stratum] for column, same in script.of_stratum.items()},
            **{column: str(secrets.randbits(63)) for column in script.numbers.values()},
            **{column: rf"\x{secrets.token_hex(32)}" for column in script.digests.values()},
        }


@dataclass(frozen=True)
class Transaction:
    """One line of pgbench's log."""

    ended_at: float
    """Seconds since 1970."""
    took: float
    """Seconds."""

    @classmethod
    def of(cls, line: str) -> Self:
        """Read client, number, microseconds, script, and when it ended in two parts."""
        _, _, took, _, seconds, microseconds = line.split()
        return cls(int(seconds) + int(microseconds) / 1e6, int(took) / 1e6)


@dataclass(frozen=True)
class Done:
    """What a run of pgbench did, and the processor time in seconds that pgbench took itself."""

    transactions: list[Transaction]
    cpu: float

    @property
    def allocations(self) -> int:
        """How many; each is in the database."""
        return len(self.transactions)

    def summed_up(self, warm_up: float) -> Tally:
        """Without the first seconds, in which each client prepares its statements."""
        began = min(one.ended_at - one.took for one in self.transactions) + warm_up
        counted = [one for one in self.transactions if one.ended_at >= began]
        return Tally.of(
            [one.took for one in counted],
            max(one.ended_at for one in counted) - began,
            self.cpu * len(counted) / self.allocations,
        )


@dataclass(frozen=True)
class Pgbench:
    """How pgbench is run: as the serving role, with as many clients as the load has connections."""

    script: Script
    clients: int
    waiting_for_the_disk: bool = True

    def run(self, url: str, seconds: float) -> Done:
        """Allocate for some seconds.

        Raises:
            PgbenchFailed: a client gave up.
        """
        before = _cpu_of_the_ended()
        with tempfile.TemporaryDirectory(prefix="pgbench-") as directory:
            told = self._started(url, directory, f"--time={max(1, round(seconds))}", "--log")
            logs = sorted(Path(directory).glob("pgbench_log.*"))
            lines = [line for log in logs for line in log.read_text().splitlines()]
        if len(lines) != _done(told):
            raise PgbenchFailed(f"{len(lines)} transactions are logged, but {_done(told)} done")
        return Done([Transaction.of(line) for line in lines], _cpu_of_the_ended() - before)

    def one_by_one(self, url: str, allocations: int) -> tuple[int, list[float]]:
        """How many were done, and the mean time in microseconds of each statement.

        Raises:
            PgbenchFailed: a client gave up.
        """
        with tempfile.TemporaryDirectory(prefix="pgbench-") as directory:
            told = self._started(
                url, directory, f"--transactions={allocations}", "--report-per-command"
            )
        return _done(told), [float(took) * 1000 for took in _statements(told)][1:]

    def _started(self, url: str, directory: str, *options: str) -> str:
        """What pgbench says at its end."""
        given = make_url(url)
        path = Path(directory) / "allocate.sql"
        path.write_text(self.script.text)
        command = [
            str(bindir() / "pgbench"),
            *("--no-vacuum", f"--protocol={AS_THE_DRIVER}", f"--file={path}", "--exit-on-abort"),
            *(f"--client={self.clients}", f"--jobs={min(self.clients, os.cpu_count() or 1)}"),
            *(f"--define={name}={value}" for name, value in self.script.constants.items()),
            *(f"--host={given.host}", f"--port={given.port}", f"--username={given.username}"),
            *options,
            str(given.database),
        ]
        waiting = "" if self.waiting_for_the_disk else "-c synchronous_commit=off"
        done = subprocess.run(
            command,
            env={**os.environ, "PGPASSWORD": str(given.password), "PGOPTIONS": waiting},
            cwd=directory,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise PgbenchFailed(done.stderr[-2000:])
        return done.stdout


def _statements(told: str) -> Iterator[str]:
    """What each statement took in milliseconds; a pipeline's time is told at its end."""
    inside = False
    for took, command in COMMAND.findall(told):
        inside = inside or command.startswith("\\startpipeline")
        if command.startswith("\\endpipeline"):
            inside = False
            yield took
        elif not inside and not command.startswith("\\"):
            yield took


def _done(told: str) -> int:
    """How many transactions pgbench says it did."""
    found = DONE.search(told)
    if found is None:
        raise PgbenchFailed(told)
    return int(found.group(1))


def _cpu_of_the_ended() -> float:
    """Processor time in seconds of every process that this one has started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

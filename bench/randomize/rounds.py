"""Allocations through HTTP and through pgbench in turns, each on a fresh copy of the database."""

import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import CalledProcessError
from typing import Protocol

from bench import load, processes, servers
from bench.load import Tally
from bench.randomize.pgbench import Pgbench
from bench.randomize.script import Script
from bench.randomize.trial import Copy, Trial

START_SECONDS = 120.0
COPY = "copy"
PREPARED = 10
"""Allocations of a connection until it is at its best: psycopg prepares a statement that it sends
for the fifth time, and PostgreSQL settles on its plan after five more."""
NO_WAITING = "?options=-c%20synchronous_commit%3Doff"


@dataclass(frozen=True)
class Plan:
    """How long and how hard each way is tried."""

    rounds: int
    seconds: float
    warm_up: float
    """Seconds before each measurement, and again until every connection is at its best."""
    connections: int


@dataclass(frozen=True)
class Cpu:
    """Processor time of the server and of PostgreSQL."""

    server: float
    postgresql: float

    @classmethod
    def now(cls, server: int | None, postmaster: int) -> "Cpu":
        """What was used up to now, in seconds."""
        return cls(
            server=processes.cpu_seconds(server) if server else 0.0,
            postgresql=processes.cpu_seconds(postmaster),
        )

    def since(self, before: "Cpu", allocations: int) -> "Cpu":
        """Milliseconds an allocation, since then."""
        return Cpu(
            server=(self.server - before.server) * 1000 / allocations,
            postgresql=(self.postgresql - before.postgresql) * 1000 / allocations,
        )


@dataclass(frozen=True)
class Round:
    """What one measurement showed."""

    tally: Tally
    cpu: Cpu
    """Milliseconds an allocation."""

    @property
    def work(self) -> float:
        """Processor time of an allocation in milliseconds, whoever spent it."""
        return self.cpu.server + self.cpu.postgresql + self.tally.cpu

    @property
    def cores(self) -> float:
        """How many cores were busy with it on average."""
        return self.work * self.tally.rate / 1000


class Refused(Exception):
    """The service did not allocate; the text shows what it logged."""


class Way(Protocol):
    """A way to allocate."""

    @property
    def name(self) -> str:
        """What to call it."""

    def measure(self, trial: Trial, copy: Copy, plan: Plan) -> Round:
        """Allocate on a fresh copy for some seconds, and check what is stored."""


@dataclass(frozen=True)
class OverHttp:
    """The service in production, asked by a load of its own process."""

    workers: int
    log: Path
    waiting_for_the_disk: bool = True

    @property
    def name(self) -> str:
        """What to call it."""
        several = "s" if self.workers > 1 else ""
        return f"HTTP, {self.workers} worker{several}" + _disk(self.waiting_for_the_disk)

    def measure(self, trial: Trial, copy: Copy, plan: Plan) -> Round:
        """As for every way.

        Raises:
            Refused: an answer was not 201, or no subject was left.
            WrongDatabase: what is stored differs from what was answered.
        """
        url = trial.url(copy.name) + ("" if self.waiting_for_the_disk else NO_WAITING)
        pool = max(1, plan.connections // self.workers)
        settings = trial.serving(url, workers=self.workers, pool_size=pool)
        program = servers.service(self.name, settings, self.log)
        everywhere = replace(program, cores=os.sched_getaffinity(0))
        with everywhere.started() as server:
            self._wait(copy)
            order = load.Order(
                port=server.port,
                paths=trial.paths(),
                connections=plan.connections,
                seconds=plan.warm_up,
                method="POST",
            )
            warm = 0
            while warm < PREPARED * plan.connections:
                answers = self._load(order).answers
                warm, order = warm + answers, _without(order, answers)
            postmaster = trial.postmaster()
            before = Cpu.now(server.process, postmaster)
            tally = self._load(order.model_copy(update={"seconds": plan.seconds}))
            cpu = Cpu.now(server.process, postmaster).since(before, tally.answers)
        copy.check(warm + tally.answers)
        return Round(tally, cpu)

    def _load(self, order: load.Order) -> Tally:
        try:
            return load.run(order)
        except CalledProcessError:
            raise Refused(f"{self.name}; the log ends:\n{self.log.read_text()[-2000:]}") from None

    def _wait(self, copy: Copy) -> None:
        """Until each worker serves: from its start on it has a connection to watch sessions."""
        deadline = time.monotonic() + START_SECONDS
        while copy.connected() < self.workers:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start: see {self.log}")
            time.sleep(0.05)


def _without(order: load.Order, asked: int) -> load.Order:
    """The order for those who were not asked for yet."""
    each = -(-asked // len(order.paths))
    rest = {token: paths[each:] for token, paths in order.paths.items()}
    return order.model_copy(update={"paths": rest})


@dataclass(frozen=True)
class ThroughPgbench:
    """The recorded SQL, sent by pgbench."""

    script: Script
    waiting_for_the_disk: bool = True

    @property
    def name(self) -> str:
        """What to call it."""
        return "pgbench" + _disk(self.waiting_for_the_disk)

    def measure(self, trial: Trial, copy: Copy, plan: Plan) -> Round:
        """As for every way.

        Raises:
            PgbenchFailed: a client gave up, perhaps because no subject was left.
            WrongDatabase: what is stored differs from what was done.
        """
        pgbench = Pgbench(self.script, plan.connections, self.waiting_for_the_disk)
        postmaster = trial.postmaster()
        before = Cpu.now(None, postmaster)
        done = pgbench.run(trial.url(copy.name), plan.warm_up + plan.seconds)
        cpu = Cpu.now(None, postmaster).since(before, done.allocations)
        copy.check(done.allocations)
        return Round(done.summed_up(plan.warm_up), cpu)


def _disk(waiting: bool) -> str:
    return "" if waiting else ", disk not awaited"


@dataclass
class Measured:
    """The rounds of one way."""

    way: Way
    rounds: list[Round] = field(default_factory=list)

    def median(self, figure: str) -> float:
        """The median of a figure over the rounds, such as `tally.rate`."""
        return float(statistics.median(_figure(one, figure) for one in self.rounds))

    def ratio(self, other: "Measured", figure: str) -> float:
        """The median of what a figure of each round is of the other's in the same round."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return float(statistics.median(_figure(a, figure) / _figure(b, figure) for a, b in pairs))


def _figure(one: Round, name: str) -> float:
    found: object = one
    for part in name.split("."):
        found = getattr(found, part)
    if not isinstance(found, float):
        raise TypeError(name)
    return found


def measure(trial: Trial, ways: Sequence[Way], plan: Plan) -> list[Measured]:
    """Take turns, so that a change of the machine's mood hits all alike."""
    measured = [Measured(way) for way in ways]
    for _ in range(plan.rounds):
        for one in measured:
            with trial.copy(COPY) as copy:
                one.rounds.append(one.way.measure(trial, copy, plan))
    return measured

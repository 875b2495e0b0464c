"""Where the time of an allocation goes, one at a time through the application without a socket."""

import cProfile
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import fastapi.routing
import uvloop
from fastapi import FastAPI
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine, event

from bench import stages
from bench.randomize.pgbench import Pgbench
from bench.randomize.rounds import COPY
from bench.randomize.script import Script
from bench.randomize.trial import Trial
from bench.stages import REST, Stages, Stopwatch
from services.api.core import logs
from services.api.main import create_app

ALLOCATION: Stages = (
    *stages.FRAMEWORK,
    ("Idempotency-Key", "services.api.core.idempotency:recall"),
    ("Idempotency-Key", "services.api.core.idempotency:keep"),
    ("eligibility", "services.api.eligibility.service:current"),
    ("preconditions", "services.api.randomization.preconditions:missing"),
    ("allocation", "services.api.randomization.service:randomize"),
)
ENDPOINT = "_run_sync_endpoint"
"""What FastAPI's routing runs in the thread."""
WARM_UP = 60
SHOWN = 12
PACKAGE = re.compile(r"site-packages/(\w+(?:/orm)?)")
OURS = re.compile(r"services/api/(\w+)")

Requests = Iterator[tuple[str, dict[str, str]]]


def show(trial: Trial, script: Script, allocations: int, console: Console) -> None:
    """Print the statements, the packages and the stages."""
    with trial.copy(COPY) as copy:
        done, alone = Pgbench(script, clients=1).one_by_one(trial.url(copy.name), allocations)
        copy.check(done)
    with trial.copy(COPY) as copy, _application(trial, trial.url(copy.name)) as app:
        requests = _requests(trial)
        _drive(app, requests, WARM_UP)
        with _heard(app.state.database.engine) as heard:
            _drive(app, requests, allocations, each=heard.begin)
        console.print(_statements(heard, alone))
        console.print(_packages(_profiled(app, requests, allocations)))
        stopwatch = Stopwatch()
        stopwatch.install(ALLOCATION)
        _drive(app, requests, allocations, stopwatch=stopwatch)
        console.print(stages.table("an allocation", ALLOCATION, stopwatch, allocations))
        copy.check(WARM_UP + 3 * allocations)


@contextmanager
def _application(trial: Trial, url: str) -> Iterator[FastAPI]:
    logs.configure()
    app = create_app(trial.serving(url))
    with app.state.watch:
        yield app
    app.state.database.close()


def _requests(trial: Trial) -> Requests:
    each = ([(token, path) for path in paths] for token, paths in trial.paths().items())
    for turn in zip(*each, strict=True):
        for token, path in turn:
            yield path, {"authorization": f"Bearer {token}", "idempotency-key": str(uuid4())}


def _drive(
    app: FastAPI,
    requests: Requests,
    allocations: int,
    *,
    each: Callable[[], None] | None = None,
    stopwatch: Stopwatch | None = None,
) -> None:
    """Ask for so many allocations, one after another."""

    async def drive() -> None:
        for _ in range(allocations):
            path, headers = next(requests)
            if each:
                each()
            if stopwatch:
                stopwatch.enter(REST)
            await stages.ask(app, path, headers, "POST", 201)
            if stopwatch:
                stopwatch.leave()

    uvloop.run(drive())


# --- by statement ---------------------------------------------------------------------


@dataclass
class Heard:
    """When the statements of each request began and ended, in the order in which they were sent."""

    requests: list[list["Mark"]] = field(default_factory=list)

    def begin(self) -> None:
        """The next request begins."""
        self.requests.append([Mark("")])

    def mark(self, text: str) -> None:
        """A statement begins; without a text, it has ended."""
        self.requests[-1].append(Mark(text))


class Mark:
    """A moment, on the clock and in processor time, in microseconds."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.wall = time.perf_counter_ns() / 1000
        self.cpu = time.process_time_ns() / 1000


@contextmanager
def _heard(engine: Engine) -> Iterator[Heard]:
    heard = Heard()
    commit = engine.dialect.do_commit

    def begin(_: Connection, __: Any, text: str, *___: Any) -> None:
        heard.mark(text)

    def end(*_: Any) -> None:
        heard.mark("")

    def do_commit(connection: Any) -> None:
        heard.mark("COMMIT")
        commit(connection)
        heard.mark("")

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    try:
        with patch.object(engine.dialect, "do_commit", do_commit):
            yield heard
    finally:
        event.remove(engine, "before_cursor_execute", begin)
        event.remove(engine, "after_cursor_execute", end)


def _statements(heard: Heard, alone: list[float]) -> Table:
    table = Table(
        "statement",
        "Python before",
        "driver's CPU",
        "round trip",
        "in pgbench",
        title="Statements of an allocation, medians in µs",
        title_justify="left",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    sums = [0.0] * 4
    marks = list(zip(*heard.requests, strict=True))
    for place in range(1, len(marks), 2):
        before, began, ended = marks[place - 1 : place + 2]
        row = (
            _median(one.cpu - other.cpu for one, other in zip(began, before, strict=True)),
            _median(one.cpu - other.cpu for one, other in zip(ended, began, strict=True)),
            _median(one.wall - other.wall for one, other in zip(ended, began, strict=True)),
            alone[place // 2],
        )
        sums = [total + one for total, one in zip(sums, row, strict=True)]
        table.add_row(_short(began[0].text), *(f"{one:.0f}" for one in row))
    table.add_section()
    table.add_row("together", *(f"{one:.0f}" for one in sums))
    return table


def _median(values: Iterator[float]) -> float:
    return statistics.median(values)


def _short(text: str) -> str:
    """What a statement does to which table."""
    verb = text.split(maxsplit=1)[0].rstrip(";")
    table = re.search(r"(?:FROM|INTO|UPDATE) (\w+)", text)
    lock = " … lock" if " FOR " in text else ""
    return f"{verb} {table.group(1)}{lock}" if table else text.split("(")[0][:40]


# --- by package -----------------------------------------------------------------------


def _profiled(app: FastAPI, requests: Requests, allocations: int) -> dict[str, float]:
    """Processor time by package, of both threads: the loop's, and the one of the transaction."""
    loop, thread = (cProfile.Profile(time.thread_time) for _ in range(2))
    plain: Callable[..., Any] = vars(fastapi.routing)[ENDPOINT]

    def profiled(**arguments: Any) -> Any:
        return thread.runcall(plain, **arguments)

    with patch.object(fastapi.routing, ENDPOINT, profiled):
        loop.runcall(_drive, app, requests, allocations)
    spent = defaultdict[str, float](float)
    for entry in (*loop.getstats(), *thread.getstats()):
        if package := _package(entry.code):
            spent[package] += entry.inlinetime
            # What is written in C, or of the standard library, is booked on who called it.
            spent[package] += sum(
                called.inlinetime for called in entry.calls or () if not _package(called.code)
            )
    return spent


def _packages(spent: dict[str, float]) -> Table:
    table = Table("package", "share", title="Processor time, by package", title_justify="left")
    table.columns[1].justify = "right"
    whole = sum(spent.values())
    for package, seconds in sorted(spent.items(), key=lambda one: -one[1])[:SHOWN]:
        table.add_row(package, f"{seconds / whole:.0%}")
    return table


def _package(code: CodeType | str) -> str | None:
    """None for what is written in C, or of the standard library."""
    if isinstance(code, str):
        return None
    if found := OURS.search(code.co_filename):
        return f"services.api.{found.group(1)}"
    found = PACKAGE.search(code.co_filename)
    return found.group(1).replace("/", ".") if found else None

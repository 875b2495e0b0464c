"""Where the time of a request goes: every moment is booked on the innermost stage that runs.

Requests go one after another through the ASGI application in this process, without a
socket. So there is no waiting in line, and the processor time of a moment belongs to the
stage whichever thread it runs in. Time that is not processor time is spent waiting for
PostgreSQL, or for the other thread.
"""

import functools
import inspect
import itertools
import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from importlib import import_module
from pathlib import Path
from typing import Any

import uvloop
from fastapi import FastAPI
from rich.console import Console
from rich.table import Table
from starlette.types import Message, Scope

from bench import servers
from bench.subjects import installation
from services.api.core import logs
from services.api.main import create_app

WARM_UP = 300
REST = "framework, routing"
"""What belongs to no other stage, from the innermost middleware inwards."""

Stages = Sequence[tuple[str, str]]
"""Name, and the function whose own time it is, without that of stages inside."""

FRAMEWORK: Stages = (
    ("request id", "asgi_correlation_id:CorrelationIdMiddleware.__call__"),
    ("access log", "services.api.core.logs:AccessLog.__call__"),
    ("access log", "services.api.core.logs:log.info"),
    (REST, "starlette.middleware.exceptions:ExceptionMiddleware.__call__"),
    ("dependencies", "fastapi.routing:solve_dependencies"),
    ("token", "services.api.core.auth:TokenCache.principal"),
    ("to the thread and back", "fastapi.routing:run_in_threadpool"),
    ("transaction, session", "fastapi.routing:_run_sync_endpoint"),
    ("from and to the pool", "sqlalchemy:Pool.connect"),
    ("from and to the pool", "sqlalchemy.pool.base:_finalize_fairy"),
    ("SQLAlchemy: context", "sqlalchemy:Connection.exec_driver_sql"),
    ("PostgreSQL: statements", "psycopg:Cursor.execute"),
    ("PostgreSQL: end", "psycopg:Connection.commit"),
    ("PostgreSQL: end", "psycopg:Connection.rollback"),
    ("JSON, ETag", "services.api.core.routing:_answer"),
)
"""What every request goes through."""
READS: Stages = (
    *FRAMEWORK,
    ("SQLAlchemy: query", "services.api.enrolment.service:read_subject"),
    ("SQLAlchemy: query", "services.api.enrolment.service:list_subjects"),
    ("schema", "services.api.enrolment.routes:_subject"),
)


class Stopwatch:
    """Wall and processor time per stage, in nanoseconds."""

    def __init__(self) -> None:
        self.wall: defaultdict[str, int] = defaultdict(int)
        self.cpu: defaultdict[str, int] = defaultdict(int)
        self._running: list[str] = []
        self._since = (0, 0)

    def enter(self, stage: str) -> None:
        """A stage begins inside the one that runs."""
        self._book()
        self._running.append(stage)

    def leave(self) -> None:
        """The innermost stage ends."""
        self._book()
        self._running.pop()

    def clear(self) -> None:
        """Forget what was booked."""
        self.wall.clear()
        self.cpu.clear()

    def _book(self) -> None:
        now = (time.perf_counter_ns(), time.process_time_ns())
        if self._running:
            stage = self._running[-1]
            self.wall[stage] += now[0] - self._since[0]
            self.cpu[stage] += now[1] - self._since[1]
        self._since = now

    def watch(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        """The function, its time booked on the stage."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def watched_async(*args: Any, **named: Any) -> Any:
                self.enter(stage)
                try:
                    return await function(*args, **named)
                finally:
                    self.leave()

            return watched_async

        @functools.wraps(function)
        def watched(*args: Any, **named: Any) -> Any:
            self.enter(stage)
            try:
                return function(*args, **named)
            finally:
                self.leave()

        return watched

    def install(self, stages: Stages) -> None:
        """Watch every stage."""
        for stage, place in stages:
            module, _, name = place.partition(":")
            owner: Any = import_module(module)
            *parents, name = name.split(".")
            for parent in parents:
                owner = getattr(owner, parent)
            setattr(owner, name, self.watch(getattr(owner, name), stage))


def profile(directory: Path, rows: int, requests: int, console: Console) -> None:
    """Print the stages of one subject's and of one page's request."""
    stopwatch = Stopwatch()
    with (
        installation(directory, rows) as installed,
        (directory / "log").open("w") as log,
        redirect_stderr(log),
    ):
        os.sched_setaffinity(0, {servers.SERVER_CORE})
        logs.configure()
        stopwatch.install(READS)
        app = create_app(installed.settings)
        for kind, paths in (("one subject", installed.one), ("one page", installed.pages)):
            uvloop.run(_drive(app, paths, installed.token, WARM_UP, stopwatch))
            stopwatch.clear()
            uvloop.run(_drive(app, paths, installed.token, requests, stopwatch))
            console.print(table(kind, READS, stopwatch, requests))
        app.state.database.close()


async def _drive(
    app: FastAPI, paths: list[str], token: str, requests: int, stopwatch: Stopwatch
) -> None:
    for path in itertools.islice(itertools.cycle(paths), requests):
        stopwatch.enter(REST)
        await ask(app, path, {"authorization": f"Bearer {token}"})
        stopwatch.leave()


async def ask(
    app: FastAPI, path: str, headers: Mapping[str, str], method: str = "GET", expected: int = 200
) -> None:
    """One request without a socket.

    Raises:
        RuntimeError: another status than expected.
    """
    place, _, query = path.partition("?")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": place,
        "raw_path": place.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [
            (name.encode(), value.encode()) for name, value in {"host": "bench", **headers}.items()
        ],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 40000),
        "state": {},
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] != expected:
            raise RuntimeError(f"{path} was answered with {message['status']}")

    await app(scope, receive, send)


def table(kind: str, stages: Stages, stopwatch: Stopwatch, requests: int) -> Table:
    """Microseconds a request, by stage."""
    made = Table("stage", "µs", "of it CPU", title=f"{kind}, one at a time", title_justify="left")
    for column in made.columns[1:]:
        column.justify = "right"
    for stage in dict.fromkeys((REST, *(name for name, _ in stages))):
        wall, cpu = (booked[stage] / requests / 1000 for booked in (stopwatch.wall, stopwatch.cpu))
        made.add_row(stage, f"{wall:.0f}", f"{cpu:.0f}")
    made.add_section()
    total = (sum(booked.values()) / requests / 1000 for booked in (stopwatch.wall, stopwatch.cpu))
    made.add_row("together", *(f"{value:.0f}" for value in total))
    return made

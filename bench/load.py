"""The load: requests over connections that stay open, one at a time on each.

Runs in its own process, so that it never takes a turn of the server's:
`python -m bench.load` reads an `Order` as JSON and writes a `Tally`.
"""

import asyncio
import itertools
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self, cast
from uuid import uuid4

import uvloop
from pydantic import BaseModel

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Order(BaseModel):
    """What to send where, for some seconds: each token's paths in turn, one token after another.

    A GET is repeated for ever. A POST goes once to each path, with a fresh
    Idempotency-Key and without a body.
    """

    port: int
    paths: dict[str, list[str]]
    """What to ask for with each token."""
    connections: int
    seconds: float
    method: Literal["GET", "POST"] = "GET"

    @property
    def expected(self) -> bytes:
        """How an answer has to begin."""
        return b"HTTP/1.1 200 " if self.method == "GET" else b"HTTP/1.1 201 "

    def requests(self) -> Iterator[bytes]:
        """The requests as bytes."""
        once = self._once()
        return itertools.cycle(list(once)) if self.method == "GET" else once

    def _once(self) -> Iterator[bytes]:
        each = ([(token, path) for path in paths] for token, paths in self.paths.items())
        turns = zip(*each, strict=True)
        for token, path in itertools.chain.from_iterable(turns):
            head = (
                f"{self.method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                f"Accept: application/json\r\nAuthorization: Bearer {token}\r\n"
            )
            if self.method == "POST":
                head += f"Idempotency-Key: {uuid4()}\r\nContent-Length: 0\r\n"
            yield f"{head}\r\n".encode()


class Tally(BaseModel):
    """What came back: how many answers, how many a second, latency in milliseconds."""

    answers: int
    rate: float
    median: float
    p95: float
    p99: float
    cpu: float
    """Processor time of the load itself, in milliseconds an answer."""

    @classmethod
    def of(cls, latencies: list[float], seconds: float, cpu: float) -> Self:
        """Sum up latencies, given in seconds as everything here."""
        cuts = statistics.quantiles(latencies if len(latencies) > 1 else latencies * 2, n=100)
        return cls(
            answers=len(latencies),
            rate=len(latencies) / seconds,
            median=cuts[49] * 1000,
            p95=cuts[94] * 1000,
            p99=cuts[98] * 1000,
            cpu=cpu / len(latencies) * 1000,
        )


class Connection(asyncio.Protocol):
    """One connection: sends, reads the answer's length, skips its body, sends again."""

    def __init__(
        self, requests: Iterator[bytes], expected: bytes, latencies: list[float], until: float
    ) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._expected = expected
        self._latencies = latencies
        self._until = until
        self._head = b""
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        """A server that hangs up spoils the measurement."""
        if not self.done.done():
            self.done.set_exception(ConnectionError("the server closed a connection"))

    def data_received(self, data: bytes) -> None:
        """Count the answer when its last byte is there."""
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            length = LENGTH.search(self._head, 0, end + 2)
            if length is None or not self._head.startswith(self._expected):
                self._refuse()
                return
            self._missing = end + 4 + int(length.group(1)) - len(self._head)
            self._head = b""
        if not self._missing:
            self._next()

    def _next(self) -> None:
        now = time.perf_counter()
        self._latencies.append(now - self._sent)
        if now < self._until:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._give_up("the requests ran out before the time")
        else:
            self._sent = time.perf_counter()
            self._transport.write(request)

    def _refuse(self) -> None:
        status = self._head.split(b"\r\n", 1)[0].decode(errors="replace")
        self._give_up(f"an answer was not as expected: {status}")

    def _give_up(self, reason: str) -> None:
        self.done.set_exception(ConnectionError(reason))
        self._transport.close()


async def drive(order: Order) -> Tally:
    """Send until the seconds are over and every answer is there.

    Raises:
        ConnectionError: an answer not as expected, a closed connection, or no request left.
    """
    loop = asyncio.get_running_loop()
    requests, latencies = order.requests(), list[float]()
    started, used = time.perf_counter(), time.process_time()
    connections = [
        (
            await loop.create_connection(
                lambda: Connection(requests, order.expected, latencies, started + order.seconds),
                "127.0.0.1",
                order.port,
            )
        )[1]
        for _ in range(order.connections)
    ]
    await asyncio.gather(*(connection.done for connection in connections))
    return Tally.of(latencies, time.perf_counter() - started, time.process_time() - used)


def run(order: Order) -> Tally:
    """Drive from a process of its own.

    Raises:
        CalledProcessError: as for `drive`, which has told why on standard error.
    """
    answer = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=order.model_dump_json().encode(),
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
        check=True,
    )
    return Tally.model_validate_json(answer.stdout)


if __name__ == "__main__":
    print(uvloop.run(drive(Order.model_validate_json(sys.stdin.read()))).model_dump_json())

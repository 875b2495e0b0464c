"""Nobody enters while the gate is closed, who is inside may finish, and streams end."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from services.api.sandbox.gate import Gate, Gated
from tests.listening import listening

GATE = Gate()
LINES: list[int] = []


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server behind the gate: one path takes a while, one never ends."""
    app = FastAPI()

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(0.5)
        return "done"

    @app.get("/quick")
    async def quick() -> str:
        return "done"

    @app.get("/healthz")
    async def healthz() -> str:
        return "well"

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def lines() -> AsyncIterator[str]:
            while True:
                LINES.append(1)
                yield "line\n"
                await asyncio.sleep(0.01)

        return StreamingResponse(lines())

    app.add_middleware(Gated, gate=GATE)
    with listening(app) as found:
        yield found


def inside(number: int) -> None:
    deadline = time.monotonic() + 20
    while GATE._inside != number:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_closed_gate_tells_to_come_again_and_an_open_one_lets_pass(address: str) -> None:
    assert httpx.get(f"{address}/quick").text == '"done"'
    with GATE.closed(patience=1):
        refused = httpx.get(f"{address}/quick")
        assert httpx.get(f"{address}/healthz").status_code == 200
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert refused.json()["type"] == "/problems/unavailable"
    assert httpx.get(f"{address}/quick").status_code == 200


def test_a_closed_gate_speaks_the_callers_language(address: str) -> None:
    with GATE.closed(patience=1):
        refused = httpx.get(f"{address}/quick", headers={"Accept-Language": "zh-CN"})
    assert refused.json()["detail"] == "练习环境正在重置。"
    assert refused.headers["Content-Language"] == "zh-Hans"
    assert refused.headers["Vary"] == "Accept-Language"


def test_whoever_is_inside_may_finish(address: str) -> None:
    got: list[int] = []
    asking = threading.Thread(
        target=lambda: got.append(httpx.get(f"{address}/slow", timeout=20).status_code)
    )
    asking.start()
    inside(1)
    with GATE.closed(patience=20):
        assert GATE._inside == 0
    asking.join()
    assert got == [200]


def test_waiting_for_those_inside_ends(address: str) -> None:
    asking = threading.Thread(target=lambda: httpx.get(f"{address}/slow", timeout=20))
    asking.start()
    inside(1)
    with GATE.closed(patience=0.05):
        assert GATE._inside == 1
    asking.join()


def test_a_stream_is_cut_and_never_ends_as_if_it_were_whole(address: str) -> None:
    cut: list[str] = []

    def listen() -> None:
        with httpx.stream("GET", f"{address}/stream", timeout=20) as answer:
            try:
                for _ in answer.iter_lines():
                    pass
            except httpx.RemoteProtocolError as error:
                cut.append(str(error))

    listening_thread = threading.Thread(target=listen)
    listening_thread.start()
    inside(1)
    with GATE.closed(patience=20):
        assert GATE._inside == 0
    listening_thread.join(timeout=20)
    assert len(cut) == 1
    told = len(LINES)
    time.sleep(0.1)
    assert len(LINES) == told

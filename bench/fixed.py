"""A server that costs nothing: `GET /1234` answers 1,234 bytes. It shows what the load can drive.

python -m bench.fixed PORT
"""

import asyncio
import sys
from functools import cache
from typing import cast

import uvloop


@cache
def _answer(size: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b" " * size


class Fixed(asyncio.Protocol):
    """One connection; a request arrives whole, because the load never sends two at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer with as many bytes as the path says."""
        self._transport.write(_answer(int(data[5 : data.index(b" ", 5)])))


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Fixed, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))

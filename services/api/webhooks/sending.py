"""One signed request to a receiver: to the very address that was checked, and nowhere else.

The name is resolved here and the connection made to the address found, so that
a name cannot answer with another address in between. Redirects are told, not
followed, no proxy is used, and of the answer only its status is kept.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from socket import SOCK_STREAM
from urllib.parse import urljoin, urlsplit

import httpx

from services.api.webhooks.rules import unusual_address

SECONDS = 10.0
"""How long a receiver may take, from the look-up of its name to the end of its answer."""
MOST_BYTES = 64 * 1024
"""Of the answer; it is read so far so that the connection can be used again, and thrown away."""
PORTS = {"https": 443, "http": 80}


class DeliveryFault(StrEnum):
    """Why an attempt failed."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    NOT_PUBLIC_ADDRESS = "not_public_address"
    REDIRECTS = "redirects"
    STATUS = "status"
    ENDED = "ended"
    OWNER_WITHOUT_RIGHT = "owner_without_right"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt: a status, or why there is none."""

    status: int | None = None
    fault: DeliveryFault | None = None
    location: str | None = None
    """Where a redirect leads, as a whole URL, if it says so."""

    @property
    def delivered(self) -> bool:
        """Whether the receiver has it."""
        return self.fault is None


@dataclass(frozen=True, slots=True)
class Message:
    """A request's body, and the headers that sign it."""

    body: str
    headers: Mapping[str, str]


@cache
def _trust() -> ssl.SSLContext:
    """The authorities that certificates must come from; SSL_CERT_FILE names others instead."""
    return httpx.create_ssl_context()


@asynccontextmanager
async def connections() -> AsyncIterator[httpx.AsyncHTTPTransport]:
    """Connections for the messages to one receiver; never shared between two.

    Connections are kept by address, and two names may have the same. A
    transport, for a client would read cookies and where a redirect leads.
    """
    async with httpx.AsyncHTTPTransport(verify=_trust(), trust_env=False) as transport:
        yield transport


async def addresses_of(url: str) -> list[str]:
    """Every address that the URL's host has now, or none if it is no URL or has no known name."""
    with suppress(OSError, ValueError):
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 443)
        if parts.hostname is not None:  # which would be this machine
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(parts.hostname, port, type=SOCK_STREAM)
            return list(dict.fromkeys(str(address[0]) for *_, address in found))
    return []


async def send(
    transport: httpx.AsyncBaseTransport, url: str, message: Message, *, private: bool
) -> Answer:
    """Send a message and tell what came of it; `private` allows addresses of no public network.

    It never raises for what a receiver or its name is like, so each attempt is one.
    """
    try:
        async with asyncio.timeout(SECONDS):
            addresses = await addresses_of(url)
            if not private and unusual_address(addresses):
                return Answer(fault=DeliveryFault.NOT_PUBLIC_ADDRESS)
            return await _send_to_any(transport, url, addresses, message)
    except TimeoutError:
        return Answer(fault=DeliveryFault.TIMEOUT)
    except (OSError, ValueError, httpx.InvalidURL):
        return Answer(fault=DeliveryFault.UNREACHABLE)


async def _send_to_any(
    transport: httpx.AsyncBaseTransport, url: str, addresses: list[str], message: Message
) -> Answer:
    """Send to the first address that takes the connection."""
    for address in addresses:
        try:
            return await _send_to(transport, url, address, message)
        except httpx.ConnectError:
            continue
        except httpx.TimeoutException:
            return Answer(fault=DeliveryFault.TIMEOUT)
        except httpx.TransportError:
            return Answer(fault=DeliveryFault.UNREACHABLE)
    return Answer(fault=DeliveryFault.UNREACHABLE)


async def _send_to(
    transport: httpx.AsyncBaseTransport, url: str, address: str, message: Message
) -> Answer:
    named = httpx.URL(url)
    request = httpx.Request(
        "POST",
        named.copy_with(host=address),
        content=message.body,
        headers={
            **message.headers,
            "Host": named.netloc.decode(),
            "Content-Type": "application/json",
            "User-Agent": "trial-api",
        },
        extensions={
            "sni_hostname": named.raw_host.decode(),  # as it is written; `host` would decode it
            "timeout": httpx.Timeout(SECONDS).as_dict(),
        },
    )
    answer = await transport.handle_async_request(request)
    try:
        read = 0
        async for chunk in answer.aiter_raw():
            read += len(chunk)
            if read > MOST_BYTES:
                break
    finally:
        await answer.aclose()
    return _judged(url, answer)


def _judged(url: str, answer: httpx.Response) -> Answer:
    status = answer.status_code
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Answer(status)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        given = answer.headers.get("Location")
        with suppress(ValueError):
            return Answer(status, DeliveryFault.REDIRECTS, urljoin(url, given) if given else None)
        return Answer(status, DeliveryFault.REDIRECTS)
    return Answer(status, DeliveryFault.STATUS)

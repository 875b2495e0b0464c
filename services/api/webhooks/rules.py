"""What a webhook's address may be, how long a delivery is tried, and how it is signed."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from standardwebhooks import Webhook as Signer

from services.api.core.errors import FieldError

LANE_OF_NO_SUBJECT = UUID(int=0)
"""The lane of events that are about no subject."""

ROTATION = timedelta(hours=24)
"""How long the secret before goes on signing beside the new one: a receiver's working day."""

BACKOFF = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=8),
    timedelta(hours=12),
    timedelta(hours=12),
    timedelta(hours=12),
    timedelta(hours=12),
)
"""The pause after each failed attempt; after the one that follows the last pause it is dead.

The first mend a restart, the next a deployment, and those of hours a weekend:
72 hours in all, so what broke on Friday evening is still tried on Monday evening.
Source: Standard Webhooks, "Retries with exponential backoff".
"""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL = (ipaddress.ip_network("fec0::/10"), ipaddress.ip_network("192.0.0.0/24"))
"""Addresses of one site (RFC 3879) and of protocols (RFC 6890); `ipaddress` calls some global."""

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")
"""A host's name in letters, digits and hyphens. Source: RFC 1123 section 2.1, RFC 1035."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def pause_after(attempts: int) -> timedelta | None:
    """How long to wait after so many failed attempts; None when there is no further one."""
    return BACKOFF[attempts - 1] if attempts <= len(BACKOFF) else None


# --- addresses -----------------------------------------------------------------------


def url_faults(url: str, *, plain_http: bool) -> list[FieldError]:
    """What is wrong with a webhook's URL as it is written; empty if nothing is."""
    try:
        parts = urlsplit(url)
        readable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return [_fault("not_a_url", "This is not a URL")]
    schemes = {"https", "http"} if plain_http else {"https"}
    found = []
    if parts.scheme not in schemes:
        found.append(_fault("https_only", "Events are sent over https only"))
    if "@" in parts.netloc:
        found.append(_fault("credentials", "Leave credentials out: deliveries are signed"))
    if "#" in url:
        found.append(_fault("fragment", "Leave the fragment out: it is never sent"))
    if not readable or not _is_sendable(url):
        found.append(_fault("not_a_url", "This is not a URL that can be sent to"))
    elif not _is_host(parts):
        found.append(
            _fault("host", "The host is no address, and no name of letters, digits and hyphens")
        )
    return found


def _is_sendable(url: str) -> bool:
    """Whether it is ASCII without spaces, control characters and backslashes."""
    return all("!" <= sign <= "~" and sign != "\\" for sign in url)


def _is_host(parts: SplitResult) -> bool:
    """Whether the host is an address, or a name that every system reads alike.

    An internationalised name is given encoded (`xn--…`); `%` would be decoded by some.
    """
    host = parts.hostname or ""
    if "[" not in parts.netloc:
        return _NAME.match(host) is not None
    try:
        return ipaddress.IPv6Address(host).scope_id is None
    except ValueError:
        return False


def unusual_address(addresses: Iterable[str]) -> bool:
    """Whether any of the addresses is not of the public internet."""
    return any(not is_public(ipaddress.ip_address(one.partition("%")[0])) for one in addresses)


def is_public(address: Address) -> bool:
    """Whether an address, or the one that it stands for, is of the public internet.

    Source: IANA special-purpose address registries, by way of `ipaddress`. An
    IPv6 address may carry an IPv4 address to which the packet goes in the end.
    """
    carried = _carried(address) if isinstance(address, ipaddress.IPv6Address) else None
    if carried is not None:
        return is_public(carried)
    if any(address in network for network in _LOCAL):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address within: mapped, translated (NAT64, RFC 6052) or 6to4."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _fault(code: str, detail: str) -> FieldError:
    return FieldError(pointer="/url", code=code, detail=detail)


# --- signatures ----------------------------------------------------------------------


def signed_headers(
    secrets: Sequence[str], message_id: str, at: datetime, body: str
) -> dict[str, str]:
    """The headers of Standard Webhooks: one signature for each secret, the newest first."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(
            Signer(secret).sign(message_id, at, body) for secret in secrets
        ),
    }

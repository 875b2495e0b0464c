"""What checking credentials needs, and where a caller stands."""

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from services.api.core.db import Database
from services.api.settings import Settings


@dataclass(frozen=True)
class Door:
    """The database, and the settings whose keys stay outside it."""

    database: Database
    settings: Settings

    @classmethod
    def of(cls, session: Session) -> "Door":
        """The door of the installation that a request's session belongs to."""
        return cls(session.info["database"], session.info["request"].app.state.settings)

    def mac(self, purpose: str, text: str) -> bytes:
        """An HMAC-SHA-256 of a text under the purpose's own key, 32 bytes."""
        key = self.settings.derived_key(purpose)
        return hmac.digest(key, text.encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Source:
    """Where credentials come from: an address, and the device or session known to us, if any.

    `device` is what we gave out at an earlier sign-in, as the caller sends it back.
    """

    address: str
    device: str | None = None
    session: UUID | None = None

    @property
    def network(self) -> str:
        """The address, or the /64 of IPv6, of which one caller has the whole."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
        if address.ipv4_mapped is not None:  # as a proxy on a dual-stack socket writes it
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))

"""What every part of the worker needs: the database as the service itself, and clinical time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlmodel import Session

from services.api.core.auth import Worker
from services.api.core.clock import Clock
from services.api.core.db import Database
from services.api.protocol.load import load
from services.api.protocol.schema import Protocol
from services.api.sandbox import service as sandbox
from services.api.settings import MissingSetting, Settings


@dataclass(frozen=True)
class Workshop:
    """One worker's database, clock and protocol; its caller is nobody but the service."""

    settings: Settings
    database: Database
    protocol: Protocol
    clock: Clock
    worker: Worker

    @classmethod
    def of(cls, settings: Settings) -> "Workshop":
        """The workshop for the settings at hand.

        Raises:
            MissingSetting: no database, or no key for the secrets of webhooks.
            ProtocolMistake: the protocol document has a mistake.
        """
        if settings.database_url is None:
            raise MissingSetting("TRIAL_DATABASE_URL is missing")
        _ = settings.person_key  # which names its own fault
        protocol = load(settings.protocol_document).protocol
        return cls(
            settings=settings,
            database=Database(settings.database_url.get_secret_value(), settings.pool_size),
            protocol=protocol,
            clock=Clock(ZoneInfo(protocol.study.time_zone)),
            worker=Worker(tuple(site.code for site in protocol.sites)),
        )

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction as the service itself; it is kept unless it raises."""
        with self.database.session(self.worker) as session:
            yield session
            session.commit()

    def set_clock(self) -> None:
        """Follow the sandbox's clock; elsewhere clinical time is real time."""
        if self.settings.sandbox:
            with self.transaction() as session:
                sandbox.resume_clock(session, self.clock)

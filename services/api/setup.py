"""The first start of an installation: publish the protocol and commit to the list."""

from contextlib import suppress

import structlog
from sqlalchemy import text
from sqlmodel import Session

from services.api import migrate
from services.api.core.clock import Clock
from services.api.core.db import Database
from services.api.protocol.load import Loaded
from services.api.protocol.schema import Protocol
from services.api.randomization import service as randomization
from services.api.randomization.secret import SecretFile, SecretUnusable
from services.api.randomization.service import SeedMismatch
from services.api.sandbox import service as sandbox
from services.api.settings import Settings
from services.api.study import service as study

log = structlog.get_logger()


class NotMigrated(Exception):
    """The database has no schema yet."""


class SandboxDatabase(Exception):
    """The database belongs to a sandbox, whose demo accounts have a published password."""


class ProductionDatabase(Exception):
    """The database holds what no sandbox began: a trial, or the tables of others."""


def prepare(
    database: Database, settings: Settings, loaded: Loaded, secret: SecretFile, clock: Clock
) -> None:
    """Publish the protocol, the sites and the list's commitment, unless that was done before.

    Several workers may start at once; the first does it and the others wait.
    Once the list is published, a secret that is lost or wrong stops no start:
    what happens to subjects must still be recorded. Then the service is not
    ready and allocates nothing.

    Raises:
        NotMigrated: the database is empty.
        SandboxDatabase: a production start on a sandbox's database.
        ProductionDatabase: a sandbox's start on a database that holds a trial.
        PublishedDiffers: the document changed without a new version.
        DesignChanged: the protocol asks for another list than the published one.
        SecretUnusable: there is no secret to make the first list from.
    """
    with suppress(SecretUnusable):
        _ = secret.opened().list.root  # a long list takes its time: not while others wait
    with database.session() as session:
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('trial setup'))"))
        if migrate.revision(session.connection()) is None:
            raise NotMigrated("TRIAL_DATABASE_URL: the database is empty; run trial migrate first")
        if not settings.sandbox and sandbox.furnished(session):
            raise SandboxDatabase(
                "TRIAL_DATABASE_URL: the database belongs to a sandbox, whose accounts have a"
                " published password"
            )
        if settings.sandbox and sandbox.holds_a_trial(session):
            raise ProductionDatabase(
                "TRIAL_DATABASE_URL: the database holds a trial and was not furnished as a sandbox"
            )
        randomization.check_design(session, loaded.protocol.randomization)
        study.publish(session, loaded)
        _commit_to_list(session, loaded.protocol, secret)
        if settings.sandbox:
            sandbox.furnish(session, loaded.protocol)
            sandbox.resume_clock(session, clock)
        session.commit()


def _commit_to_list(session: Session, protocol: Protocol, secret: SecretFile) -> None:
    try:
        randomization.publish(session, protocol, secret.opened())
    except (SecretUnusable, SeedMismatch) as fault:
        if randomization.published(session) is None:
            raise
        log.critical("not ready: nothing will be allocated", reason=str(fault))

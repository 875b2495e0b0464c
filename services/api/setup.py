"""The first start of an installation: publish the protocol and commit to the list."""

from sqlalchemy import text

from services.api import migrate
from services.api.core.clock import Clock
from services.api.core.db import Database
from services.api.protocol.load import Loaded
from services.api.randomization import service as randomization
from services.api.sandbox import service as sandbox
from services.api.settings import Settings
from services.api.study import service as study


class NotMigrated(Exception):
    """The database has no schema yet."""


class SandboxDatabase(Exception):
    """The database belongs to a sandbox, whose demo accounts have a published password."""


def prepare(database: Database, settings: Settings, loaded: Loaded, clock: Clock) -> None:
    """Publish the protocol, the sites and the list's commitment, unless that was done before.

    Several workers may start at once; the first does it and the others wait.

    Raises:
        NotMigrated: the database is empty.
        SandboxDatabase: a production start on a sandbox's database.
        PublishedDiffers: the document changed without a new version.
        SeedMismatch: the seed is not that of the published list.
    """
    with database.session() as session:
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('trial setup'))"))
        if migrate.revision(session.connection()) is None:
            raise NotMigrated("TRIAL_DATABASE_URL: the database is empty; run trial migrate first")
        if not settings.sandbox and sandbox.furnished(session):
            raise SandboxDatabase(
                "TRIAL_DATABASE_URL: the database belongs to a sandbox, whose accounts have a"
                " published password"
            )
        study.publish(session, loaded)
        randomization.publish(session, loaded.protocol, settings.seed)
        if settings.sandbox:
            sandbox.furnish(session, loaded.protocol)
            sandbox.resume_clock(session, clock)
        session.commit()

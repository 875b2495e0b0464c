"""A migrated and furnished database for the feed, in a PostgreSQL of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from pydantic import SecretStr

from services.api import migrate
from services.api.core.auth import Principal
from services.api.core.permissions import Role
from services.api.embedded import Cluster
from services.api.settings import Settings

PASSWORD = "a password of the bench only"
SITES = ("LZ", "NN", "YL")


@contextmanager
def installation(home: Path) -> Iterator[tuple[Settings, psycopg.Connection]]:
    """What a worker and a reader need, and the superuser's connection."""
    with Cluster(home / "postgresql") as cluster:
        admin = cluster.url(cluster.superuser, cluster.password, "postgres")
        migrate.upgrade(admin, app_password=PASSWORD)
        (home / "person-key").write_text("5c" * 32)
        settings = Settings(
            database_url=SecretStr(cluster.url("trial_app", PASSWORD, "postgres")),
            person_key_file=home / "person-key",
            webhook_private_addresses=True,
            webhook_http=True,
        )
        with psycopg.connect(admin.replace("+psycopg", ""), autocommit=True) as superuser:
            superuser.execute(
                "INSERT INTO site SELECT code, code, code, 0 FROM unnest(%s::text[]) AS code",
                (list(SITES),),
            )
            yield settings, superuser


def reader(sites: tuple[str, ...]) -> Principal:
    """Who reads the feed at those sites."""
    role = Role.DATA_MANAGER if len(sites) > 1 else Role.INVESTIGATOR
    return Principal(uuid4(), "Bench", role, sites, machine=False, session=uuid4())

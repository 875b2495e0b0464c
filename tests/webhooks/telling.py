"""Events told by hand, and a worker for the database at hand."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from uuid import UUID, uuid4

from pydantic import SecretStr
from sqlmodel import Session

from services.api.core.auth import Worker
from services.api.core.db import Database
from services.api.core.events import EventType, announce
from services.api.settings import Settings
from services.api.worker.process import work
from services.api.worker.workshop import Workshop
from tests.make import Api, Json, created

EVERYWHERE = Worker(("LZ", "NN", "YL"))


def tell(session: Session, subject: UUID | None, kind: EventType, site: str = "NN") -> None:
    """Announce an event of a subject, or of the whole trial."""
    at = site if subject is not None else None
    announce(session, kind, subject or uuid4(), site=at, subject_id=subject)


def told(
    database: Database,
    subject: UUID | None,
    number: int = 1,
    kind: EventType = EventType.VISIT_RECORDED,
    site: str = "NN",
) -> None:
    """So many events, each in a transaction of its own."""
    for _ in range(number):
        with database.session(EVERYWHERE) as session:
            tell(session, subject, kind, site)
            session.commit()


def settings_of(api: Api, **changed: object) -> Settings:
    """The settings of a worker for the API's database."""
    url = api.state.database.engine.url.render_as_string(hide_password=False).replace(" ", "%20")
    settings: Settings = api.state.settings
    return settings.model_copy(update={"database_url": SecretStr(url), "pool_size": 20, **changed})


def shop_of(api: Api) -> Workshop:
    """A worker's workshop over the API's own connections."""
    state = api.state
    return Workshop(
        settings_of(api), state.database, state.loaded.protocol, state.clock, EVERYWHERE
    )


@contextmanager
def working(settings: Settings) -> Iterator[None]:
    """A worker in a thread of this process."""
    stop = Event()
    thread = Thread(target=work, args=(settings, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def worker_process(settings: Settings) -> subprocess.Popen[bytes]:
    """A worker in a process of its own, which can be killed."""
    given = {
        "TRIAL_DATABASE_URL": settings.plain_database_url,
        "TRIAL_PERSON_KEY_FILE": str(settings.person_key_file),
        "TRIAL_PROTOCOL_DOCUMENT": str(settings.protocol_document),
        "TRIAL_WEBHOOK_PRIVATE_ADDRESSES": "true",
        "TRIAL_WEBHOOK_HTTP": "true",
    }
    others = {name: text for name, text in os.environ.items() if not name.startswith("TRIAL_")}
    return subprocess.Popen(
        [sys.executable, "-m", "services.api.worker.process", str(os.getpid())],
        env={**others, **given},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process without warning."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def hook(api: Api, url: str, **changed: object) -> Json:
    """A webhook of the hospital's system at NN, with its secret."""
    body = {"url": url, "sites": ["NN"], **changed}
    return created(api.as_("hospital_system").post("/v1/webhooks", body))

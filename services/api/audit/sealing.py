"""The sealer: every few seconds a signed Merkle root over the events that have none yet.

It runs apart from the service, as a role that may read events and add
checkpoints, with a key that the service cannot read: who takes over the
service, or the database, cannot mend what was sealed.
"""

import os
import signal
import time
from threading import Event, Thread

import psycopg
import structlog

from services.api.audit.rules import moment
from services.api.audit.statements import digest, sign
from services.api.core import logs
from services.api.core.keys import TokenKey, UnusableKeys
from services.api.randomization.merkle import leaf_hash, tree_head
from services.api.settings import MissingSetting, Settings

log = structlog.get_logger()

BATCH = 50_000
"""Events under one root at most."""

_LEAD = "SELECT pg_try_advisory_lock(hashtextextended('trial sealing', 0))"
_UNSEALED = """
    SELECT e.id, e.hash FROM audit_event e
    WHERE e.id > %s AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id)
    ORDER BY e.id LIMIT %s
"""
_ADD_LEAVES = "COPY audit_leaf (event_id, checkpoint, position, hash) FROM STDIN"


class Sealer:
    """Seals what one database holds; only one sealer may work at a time.

    An event without a leaf is unsealed, whenever its transaction committed and
    whatever its id, so one that commits late is never passed over. Looking for
    them begins behind `_floor`: every id up to it was given to a transaction
    that had ended when the events were last looked through.
    """

    def __init__(self, connection: psycopg.Connection, key: TokenKey) -> None:
        self._connection = connection
        self._key = key
        self._floor = -(2**63)
        self._mark: tuple[int, int] | None = None

    def seal(self) -> int:
        """Seal every committed event that is not sealed; answers how many there were."""
        settled = self._settled()
        sealed = 0
        while (batch := self._seal_batch()) != 0:
            sealed += batch
        if settled is not None:
            self._floor, self._mark = settled, None
        if self._mark is None:
            self._mark = self._marked()
        return sealed

    def _settled(self) -> int | None:
        """The marked id, once no transaction that was running when it was marked still is."""
        if self._mark is None:
            return None
        last, transaction = self._mark
        ended = self._connection.execute(
            "SELECT pg_snapshot_xmin(pg_current_snapshot()) > %s::text::xid8", (transaction,)
        ).fetchone()
        return last if ended == (True,) else None

    def _marked(self) -> tuple[int, int] | None:
        """The greatest id, and a transaction younger than any that was given an id up to it.

        A transaction has its number before its events have theirs.
        """
        with self._connection.transaction():
            found = self._connection.execute("SELECT max(id) FROM audit_event").fetchone()
            if found is None or found[0] is None or found[0] == self._floor:
                return None
            own = self._connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
        return (found[0], own[0]) if own else None

    def _seal_batch(self) -> int:
        with self._connection.transaction(), self._connection.cursor() as cursor:
            rows = cursor.execute(_UNSEALED, (self._floor, BATCH)).fetchall()
            if not rows:
                return 0
            number, statement = self._statement(cursor, rows)
            cursor.execute("INSERT INTO audit_checkpoint VALUES (%s, %s)", (number, statement))
            with cursor.copy(_ADD_LEAVES) as copy:
                for position, (event, event_hash) in enumerate(rows):
                    copy.write_row((event, number, position, event_hash))
        log.info("sealed", checkpoint=number, events=len(rows))
        return len(rows)

    def _statement(self, cursor: psycopg.Cursor, rows: list[tuple[int, bytes]]) -> tuple[int, str]:
        """The next checkpoint's number, and what it says of these events."""
        before = cursor.execute(
            "SELECT number, statement FROM audit_checkpoint ORDER BY number DESC LIMIT 1"
        ).fetchone()
        (now,) = cursor.execute("SELECT clock_timestamp()").fetchone() or ()
        number = before[0] + 1 if before else 1
        content = {
            "number": number,
            "at": moment(now),
            "events": len(rows),
            "first": rows[0][0],
            "last": rows[-1][0],
            "root": tree_head([leaf_hash(event_hash) for _, event_hash in rows]).hex(),
            "previous": digest(before[1]) if before else None,
        }
        return number, sign(self._key, content)


def seal_once(settings: Settings) -> int | None:
    """Seal what there is; None when another sealer is at work.

    Raises:
        MissingSetting: no database or no key; psycopg.Error: the database refuses.
    """
    key = _key(settings)
    with _connected(settings) as connection:
        if not _leads(connection):
            return None
        return Sealer(connection, key).seal()


def seal_for_ever(settings: Settings, stop: Event) -> None:
    """Seal every `seal_seconds` until told to stop; a database that is away is waited for.

    Of several sealers one works and the others wait for its end.

    Raises:
        MissingSetting: no database or no key.
    """
    key = _key(settings)
    while not stop.is_set():
        try:
            with _connected(settings) as connection:
                _seal_while_connected(connection, key, settings.seal_seconds, stop)
        except psycopg.Error as error:
            log.warning("sealing_interrupted", kind=type(error).__name__)
            stop.wait(settings.seal_seconds)


def _seal_while_connected(
    connection: psycopg.Connection, key: TokenKey, seconds: float, stop: Event
) -> None:
    while not stop.is_set() and not _leads(connection):
        stop.wait(seconds)
    sealer = Sealer(connection, key)
    while not stop.is_set():
        sealer.seal()
        stop.wait(seconds)


def _key(settings: Settings) -> TokenKey:
    try:
        return TokenKey.from_pem(settings.sealing_key)
    except UnusableKeys as fault:
        raise MissingSetting(f"TRIAL_SEALING_KEY_FILE: {fault}") from None


def _connected(settings: Settings) -> psycopg.Connection:
    return psycopg.connect(
        settings.plain_database_url,
        autocommit=True,
        application_name="trial sealer",
        connect_timeout=5,
        keepalives_idle=10,
        tcp_user_timeout=15_000,
    )


def _leads(connection: psycopg.Connection) -> bool:
    return connection.execute(_LEAD).fetchone() == (True,)


def run(settings: Settings, stop: Event) -> None:
    """Seal until told to stop, by SIGTERM or SIGINT too.

    Raises:
        MissingSetting: no database or no key.
    """
    for order in (signal.SIGTERM, signal.SIGINT):
        signal.signal(order, lambda *_: stop.set())
    logs.configure()
    seal_for_ever(settings, stop)


def main() -> None:
    """Seal a sandbox, for as long as the process lives that started this one."""
    owner, stop = os.getppid(), Event()

    def watch() -> None:
        while os.getppid() == owner:
            time.sleep(0.5)
        stop.set()

    Thread(target=watch, daemon=True).start()
    run(Settings(), stop)


if __name__ == "__main__":
    main()

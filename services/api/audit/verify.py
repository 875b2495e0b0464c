"""Verifies the whole trail: every chain, seal and signature anew, and that nothing is missing.

It reads one snapshot, as trial_auditor, and recomputes from the raw columns:
nothing that the database's own functions say is believed. What was sealed
before the newest checkpoint cannot be changed without the sealer's key; a tail
that was cut off, or an older backup, is told by the checkpoints that others
have kept.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import psycopg

from services.api.audit import chains, seals, tables
from services.api.settings import Settings

GRACE = 60.0
"""Seconds after which an event must be sealed: many times what the sealer takes."""
TOLD = 20
"""Faults of one kind that are told one by one."""


class CannotVerify(Exception):
    """The trail cannot be verified at all; the text says what to do."""


@dataclass
class Findings:
    """What was found: faults as sentences, and how much was looked at."""

    faults: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    anchored: bool = False
    """Whether it was compared with anything that was kept elsewhere: keys or checkpoints."""

    def account(self) -> str:
        """What was looked at, and whether all is well."""
        looked = "{events:,} events in {chains:,} chains, {sealed:,} of them under {checkpoints:,}"
        looked += " checkpoints; {rows:,} rows of {tables:,} tables; {kept:,} kept checkpoints"
        whole = "The trail is whole."
        if not self.anchored:
            whole += " Whole in itself: give --key or --against to compare with what was kept."
        told = ["THE TRAIL IS NOT WHOLE." if self.faults else whole]
        told.append(f"Looked at {looked.format_map(self.counts)}.")
        told += [f"Sealed by the key {key}." for key in self.keys]
        return "\n".join(told)


def verify(
    settings: Settings,
    *,
    keys: frozenset[str] = frozenset(),
    kept: Mapping[int, str] | None = None,
    grace: float = GRACE,
) -> Findings:
    """Look through the trail of the settings' database.

    `keys` are the names (thumbprints) of the sealer's keys; without any, all
    checkpoints must carry the key of the first. `kept` are statements by
    number that were fetched earlier and kept elsewhere.

    Raises:
        CannotVerify: the role cannot see everything, or there is no trail yet.
        MissingSetting: no database is named; psycopg.Error: it cannot be read.
    """
    with psycopg.connect(settings.plain_database_url, application_name="trial verify") as found:
        found.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        found.read_only = True
        with found.transaction():
            _prepare(found)
            return _look(found, keys, kept or {}, grace)


def _look(
    connection: psycopg.Connection, keys: frozenset[str], kept: Mapping[int, str], grace: float
) -> Findings:
    progress = seals.Progress(keys)
    findings = Findings(keys=progress.keys, anchored=bool(keys or kept))
    counts = findings.counts
    checks: tuple[Callable[[], Iterator[str]], ...] = (
        lambda: chains.verify(connection, counts),
        lambda: seals.verify(connection, progress, counts),
        lambda: seals.unsealed(connection, grace),
        lambda: seals.compare(connection, kept, counts),
        lambda: tables.guarded(connection),
        lambda: tables.visible(connection),
        lambda: tables.verify(connection, counts),
    )
    for check in checks:
        faults = check()
        findings.faults += islice(faults, TOLD)
        if further := sum(1 for _ in faults):
            findings.faults.append(f"… and {further:,} more of this kind.")
    return findings


def _prepare(connection: psycopg.Connection) -> None:
    """See everything, and in the form in which the triggers wrote it."""
    for setting, value in (
        ("timezone", "UTC"),
        ("bytea_output", "hex"),
        ("extra_float_digits", "1"),
        ("intervalstyle", "postgres"),
    ):
        connection.execute("SELECT set_config(%s, %s, true)", (setting, value))
    found = connection.execute(
        "SELECT to_regclass('public.audit_checkpoint') IS NOT NULL,"
        " rolsuper OR pg_has_role('trial_auditor', 'USAGE') FROM pg_roles"
        " WHERE rolname = current_user AND EXISTS"
        " (SELECT FROM pg_roles WHERE rolname = 'trial_auditor')"
    ).fetchone()
    if found is None or not found[0]:
        raise CannotVerify("TRIAL_DATABASE_URL: the database holds no sealed trail; migrate it")
    if not found[1]:
        raise CannotVerify("TRIAL_DATABASE_URL: connect as trial_auditor, who sees everything")
    connection.execute(
        "SELECT set_config('trial.sites', coalesce(string_agg(code, ','), ''), true) FROM"
        " (SELECT code FROM site UNION SELECT site FROM audit_event WHERE site <> '') AS sites"
    )


def kept_checkpoints(text: str) -> dict[int, str]:
    """The statements by number in saved answers of GET /v1/audit/checkpoints.

    The file may hold one answer or several after each other.

    Raises:
        CannotVerify: it holds no checkpoint, or two with one number.
    """
    found: dict[int, str] = {}
    decoder, place = json.JSONDecoder(), 0
    try:
        given = text.rstrip()
        while place < len(given):
            place += len(given[place:]) - len(given[place:].lstrip())
            page, place = decoder.raw_decode(given, place)
            for item in page["items"]:
                number, statement = int(item["number"]), str(item["statement"])
                if found.setdefault(number, statement) != statement:
                    raise CannotVerify(f"The kept checkpoints have two with the number {number}.")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CannotVerify(
            "The kept checkpoints must be saved answers of GET /v1/audit/checkpoints."
        ) from None
    if text and not found:
        raise CannotVerify("The file of kept checkpoints holds none.")
    return found


def kept_files(texts: Iterable[str]) -> dict[int, str]:
    """The statements by number in files of saved answers, each of which must hold some.

    Raises:
        CannotVerify: one holds no checkpoint, or they have two with one number.
    """
    files = [*texts]
    for text in files:
        kept_checkpoints(text or "\n")
    return kept_checkpoints("\n".join(files))

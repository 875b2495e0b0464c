"""The seals: each checkpoint follows the one before, is signed, and its tree holds its events."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

import psycopg

from services.api.audit.rules import moment
from services.api.audit.statements import BadStatement, Statement, digest, read
from services.api.randomization.merkle import leaf_hash, tree_head

SLACK = timedelta(seconds=60)
"""How long a transaction may take until its events are seen, or a clock may be set back."""
LATE = timedelta(days=1)
"""How long an event may wait for its seal until it is told: nobody vouches for it in between."""

# A checkpoint's statement comes with its first leaf only.
_LEAVES = """
    SELECT coalesce(c.number, l.checkpoint) AS number,
           CASE WHEN row_number() OVER (
               PARTITION BY coalesce(c.number, l.checkpoint) ORDER BY l.position
           ) = 1 THEN c.statement END,
           l.position, l.event_id, l.hash, e.hash, e.at
    FROM audit_checkpoint c FULL JOIN audit_leaf l ON l.checkpoint = c.number
    LEFT JOIN audit_event e ON e.id = l.event_id
    ORDER BY number, l.position
"""
_UNSEALED = """
    SELECT e.id, e.operation, e.record, e.at FROM audit_event e
    WHERE e.at < now() - make_interval(secs => %s)
      AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id)
    ORDER BY e.id
"""
_ROWS = 5_000


class Leaf(NamedTuple):
    """One event in the tree of a checkpoint: the hash that was sealed, and the event's own now."""

    position: int
    event: int
    sealed: bytes
    hash: bytes | None
    at: datetime | None


@dataclass(slots=True)
class Progress:
    """The last checkpoint read: its number, digest and time; the keys that may sign and did."""

    allowed: frozenset[str]
    number: int = 0
    digest: str | None = None
    at: datetime | None = None
    keys: list[str] = field(default_factory=list)


def verify(
    connection: psycopg.Connection, progress: Progress, counts: dict[str, int]
) -> Iterator[str]:
    """Each checkpoint that is missing, replaced or wrong, and each sealed event that is.

    Counts `checkpoints` and `sealed` events.
    """
    counts["checkpoints"] = counts["sealed"] = 0
    with connection.cursor(name="leaves") as cursor:
        cursor.itersize = _ROWS
        for number, group in groupby(cursor.execute(_LEAVES), key=lambda row: int(row[0])):
            rows = [*group]
            leaves = [Leaf(*row[2:]) for row in rows if row[3] is not None]
            counts["checkpoints"] += 1
            counts["sealed"] += len(leaves)
            yield from _checkpoint(progress, number, rows[0][1], leaves)


def _checkpoint(
    progress: Progress, number: int, statement: str | None, leaves: list[Leaf]
) -> Iterator[str]:
    expected, previous, earlier = progress.number + 1, progress.digest, progress.at
    progress.number = number
    if number != expected:
        yield f"Checkpoint {expected} is missing: the next one is {number}."
    if statement is None:
        progress.digest = None
        yield f"Checkpoint {number} is missing, and {len(leaves)} events say that it sealed them."
        return
    progress.digest = digest(statement)
    try:
        said = read(statement)
    except BadStatement as fault:
        yield f"Checkpoint {number} is not what the sealer wrote: {fault}."
        return
    progress.at = said.at
    if said.number != number or (said.previous != previous and number == expected):
        yield f"Checkpoint {number} does not follow the one before it: one of them was replaced."
    if not _signed_by_the_sealer(progress, said):
        yield f"Checkpoint {number} is signed by another key, {said.kid}."
    yield from _tree(number, said, leaves)
    yield from _events(number, said, leaves, earlier)


def _signed_by_the_sealer(progress: Progress, said: Statement) -> bool:
    """Whether the key is one of those allowed, or the first one's where none was named."""
    if said.kid not in progress.keys:
        progress.keys.append(said.kid)
    return said.kid in (progress.allowed or progress.keys[:1])


def _tree(number: int, said: Statement, leaves: list[Leaf]) -> Iterator[str]:
    root = tree_head([leaf_hash(leaf.sealed) for leaf in leaves]).hex()
    ids = [leaf.event for leaf in leaves]
    bounds = (len(ids), ids[0], ids[-1]) if ids else (0, 0, 0)
    if bounds != (said.events, said.first, said.last) or root != said.root:
        yield (
            f"Checkpoint {number} sealed {said.events} events from {said.first} to {said.last},"
            f" and its {len(leaves)} leaves do not lead to the root that was signed:"
            " some were removed, added, changed or reordered."
        )


def _events(
    number: int, said: Statement, leaves: list[Leaf], earlier: datetime | None
) -> Iterator[str]:
    for leaf in leaves:
        if leaf.hash is None or leaf.at is None:
            yield f"Event {leaf.event}, sealed by checkpoint {number}, is missing."
        elif leaf.hash != leaf.sealed:
            yield f"Event {leaf.event} is not the one that checkpoint {number} sealed."
        elif earlier is not None and leaf.at < earlier - SLACK:
            yield (
                f"Event {leaf.event} says {moment(leaf.at)}, but was not there when checkpoint"
                f" {number - 1} was made at {moment(earlier)}: it is backdated."
            )
        elif leaf.at > said.at + SLACK:
            yield (
                f"Event {leaf.event} says {moment(leaf.at)}, after checkpoint {number} sealed it"
                f" at {moment(said.at)}."
            )
        elif (waited := said.at - leaf.at) > LATE:
            yield (
                f"Event {leaf.event}, in checkpoint {number}, was sealed {waited / LATE:.1f} days"
                " after it was written: the sealer did not run, or the trail was sealed anew."
            )


def unsealed(connection: psycopg.Connection, grace: float) -> Iterator[str]:
    """Each event that no checkpoint sealed within `grace` seconds."""
    with connection.cursor(name="unsealed") as cursor:
        for event, operation, record, at in cursor.execute(_UNSEALED, (grace,)):
            yield (
                f"Event {event} ({operation} of {record}, {moment(at)}) is not sealed:"
                " it was put there later, or the sealer does not run."
            )


def compare(
    connection: psycopg.Connection, kept: Mapping[int, str], counts: dict[str, int]
) -> Iterator[str]:
    """Each checkpoint that was kept elsewhere and is not here any more, byte for byte.

    Counts `kept`.
    """
    counts["kept"] = len(kept)
    found: dict[int, str] = dict(
        connection.execute(
            "SELECT number, statement FROM audit_checkpoint WHERE number = ANY (%s)", ([*kept],)
        ).fetchall()
    )
    for number, statement in sorted(kept.items()):
        if number not in found:
            yield (
                f"Checkpoint {number} was kept and is not here: the end of the trail was cut off,"
                " or an older backup was restored."
            )
        elif found[number] != statement:
            yield (
                f"Checkpoint {number} is not the one that was kept: the trail was rewritten,"
                " or went on from an older backup."
            )

"""The chains: each event follows the one before it, and its hash is that of its content."""

from collections.abc import Iterator
from typing import Any

import psycopg

from services.api.audit.rules import BEGINNING, FIELDS, event_hash, moment

_EVENTS = """
    SELECT id, at, site, subject_id::text, record, record_id, operation, old::text, new::text,
           actor, role, request_id, reason, transaction::text, actor_name, chain, seq, hash
    FROM audit_event ORDER BY id
"""
_ID, _AT, _RECORD, _OPERATION, _CHAIN, _SEQ = (
    FIELDS.index(name) for name in ("id", "at", "record", "operation", "chain", "seq")
)
_ROWS = 2_000
"""Rows that are fetched at once."""

Row = tuple[Any, ...]
Heads = dict[str, tuple[int, bytes]]


def verify(connection: psycopg.Connection, counts: dict[str, int]) -> Iterator[str]:
    """Each event that is changed, missing, added or out of order, and each head that is not last.

    Counts `events` and `chains`.
    """
    heads: Heads = {}
    events = 0
    with connection.cursor(name="trail") as cursor:
        cursor.itersize = _ROWS
        for row in cursor.execute(_EVENTS):
            events += 1
            yield from _follow(heads, row)
    counts["events"], counts["chains"] = events, len(heads)
    yield from _compare_heads(connection, heads)


def _follow(heads: Heads, row: Row) -> Iterator[str]:
    """What is wrong with the next event of its chain; it becomes the head."""
    chain, seq, stored = row[_CHAIN], row[_SEQ], row[-1]
    before, previous = heads.get(chain, (0, BEGINNING))
    heads[chain] = (seq, stored)
    if seq != before + 1:
        yield (
            f"{named(row)} is number {seq} of the chain {chain} and follows number {before}:"
            " events between them were removed, added or reordered."
        )
    elif event_hash(previous, texts(row)) != stored:
        yield (
            f"{named(row)}, number {seq} of the chain {chain}, does not match its hash:"
            " it was changed, or put there later."
        )


def texts(row: Row) -> list[str | None]:
    """The columns as the hash takes them."""
    fields = [None if value is None else str(value) for value in row[: len(FIELDS)]]
    fields[_AT] = moment(row[_AT])
    return fields


def named(row: Row) -> str:
    """An event as a fault names it."""
    return f"Event {row[_ID]} ({row[_OPERATION]} of {row[_RECORD]}, {moment(row[_AT])})"


def _compare_heads(connection: psycopg.Connection, heads: Heads) -> Iterator[str]:
    kept: Heads = {
        chain: (seq, value)
        for chain, seq, value in connection.execute("SELECT chain, seq, hash FROM audit_chain")
    }
    for chain in sorted(heads.keys() | kept.keys()):
        last, head = heads.get(chain, (0, BEGINNING)), kept.get(chain, (0, BEGINNING))
        if last[0] != head[0]:
            yield (
                f"The chain {chain} ends with number {last[0]}, and its head says {head[0]}:"
                " events at its end were removed or added."
            )
        elif last != head:
            yield f"The chain {chain} ends with another hash than its head says."

"""The hash of an event, recomputed from its columns: what the database's function does too."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

BEGINNING = bytes(32)
"""What stands for the hash before the first event of a chain."""

FIELDS = (
    "id",
    "at",
    "site",
    "subject_id",
    "record",
    "record_id",
    "operation",
    "old",
    "new",
    "actor",
    "role",
    "request_id",
    "reason",
    "transaction",
    "actor_name",
    "chain",
    "seq",
)
"""The columns that the hash covers, in its order."""


def event_hash(previous: bytes, fields: Sequence[str | None]) -> bytes:
    """SHA-256 over the hash before and the texts of `FIELDS`.

    A text is the byte 1, its length in four bytes, most significant first, and
    its UTF-8 bytes; NULL is the byte 0. So no two different events have the
    same bytes. `old` and `new` are PostgreSQL's text of a jsonb.
    """
    parts = [previous]
    for field in fields:
        if field is None:
            parts.append(b"\x00")
        else:
            encoded = field.encode()
            parts.append(b"\x01" + len(encoded).to_bytes(4, "big") + encoded)
    return sha256(b"".join(parts)).digest()


def moment(at: datetime) -> str:
    """A time as hashes and checkpoints have it: RFC 3339 in UTC with six decimals."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

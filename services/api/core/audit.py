"""The audit trail: chained events that triggers write in the change's own transaction.

The app role can neither write, change nor remove an event: the functions of
the database do, as the owner. Events of one chain (a subject's, an account's,
or the trial's) each hold the hash of the one before, so none can be changed or
left out unseen; a sealer signs them all, and `services/api/audit` verifies.
Source: ICH E6(R3) 4.2.2; 21 CFR 11.10(e); OWASP ASVS 5.0 V16.
"""

import json
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, Session, SQLModel


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's xid8: the transaction that wrote the row."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The column's type in DDL."""
        return "xid8"


ischema_names["xid8"] = TransactionId


class Happening(StrEnum):
    """What is in the trail though no row changed; the database refuses any other word."""

    SIGN_IN_REFUSED = "SIGN_IN_REFUSED"
    SIGN_IN_THROTTLED = "SIGN_IN_THROTTLED"
    SIGNATURE_REFUSED = "SIGNATURE_REFUSED"
    REFUSED = "REFUSED"
    READ = "READ"
    EXPORT = "EXPORT"


class AuditEvent(SQLModel, table=True):
    """Who did what to which record when, from what to what, and why.

    `chain` is `subject:<id>`, `account:<id>` or `trial`; `seq` counts from 1
    in it, and `hash` covers every other column and the hash before.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("audit_event_subject_index", "site", "subject_id", "id"),
        Index("audit_event_actor_index", "actor", "id"),
        Index("audit_event_at_index", "at", postgresql_using="brin"),
        Index("audit_event_chain_index", "chain", "seq", unique=True),
    )

    id: int | None = Field(
        default=None, primary_key=True, sa_type=BigInteger, sa_column_args=(Identity(always=True),)
    )
    at: datetime
    site: str | None
    subject_id: UUID | None
    record: str
    record_id: str
    operation: str
    old: dict[str, Any] | None = Field(sa_type=JSONB)
    new: dict[str, Any] | None = Field(sa_type=JSONB)
    actor: str | None
    role: str | None
    request_id: str | None
    reason: str | None
    transaction: int = Field(sa_type=TransactionId)
    actor_name: str | None
    chain: str
    seq: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_type=LargeBinary)


class AuditChain(SQLModel, table=True):
    """The last event of each chain; its row is the lock that orders the chain's events."""

    __tablename__ = "audit_chain"

    chain: str = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_type=LargeBinary)


class AuditCheckpoint(SQLModel, table=True):
    """What the sealer signed: `statement` is a compact JWS (RFC 7515) over a Merkle root."""

    __tablename__ = "audit_checkpoint"

    number: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    statement: str


class AuditLeaf(SQLModel, table=True):
    """Where an event stands in the tree of its checkpoint, `position` from 0, and its hash."""

    __tablename__ = "audit_leaf"
    __table_args__ = (Index("audit_leaf_position_index", "checkpoint", "position", unique=True),)

    event_id: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    checkpoint: int = Field(sa_type=BigInteger, foreign_key="audit_checkpoint.number")
    position: int
    hash: bytes = Field(sa_type=LargeBinary)


_NOTE = "SELECT note_audit_event(%s, %s, %s, %s, %s::uuid, %s::jsonb)"


def note(
    session: Session,
    happening: Happening,
    record: str,
    record_id: str,
    *,
    site: str | None = None,
    subject: UUID | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Put what happened into the trail, with the actor of the session's transaction.

    It is kept when that transaction commits: what has to be kept although the
    request is refused needs `Database.transaction`. `record` and `record_id`
    say what it happened to, `detail` how; none of them may hold a secret.
    """
    told = None if detail is None else json.dumps(detail)
    session.connection().exec_driver_sql(
        _NOTE, (happening.value, record, record_id, site, subject, told)
    )


def remember_read(session: Session, site: str | None = None, subject: UUID | None = None) -> None:
    """Have the answer to this GET noted as a read: of a subject's record, or of a list."""
    session.info["read"] = (site, subject)


def note_read(session: Session, operation: str, detail: dict[str, str]) -> None:
    """Note what `remember_read` asked for, if anything.

    The database lets a transaction that stored nothing else commit without
    waiting for the disk: a crash may lose the reads of the last tenths of a
    second, never a change, and never what was sealed.
    """
    if (read := session.info.pop("read", None)) is None:
        return
    site, subject = read
    note(session, Happening.READ, operation, "", site=site, subject=subject, detail=detail or None)

"""Signing: the only way in which a signature comes to be (21 CFR 11.50, 11.70, 11.200)."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import Session, col, select

from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import Invalid
from services.api.core.records import latest
from services.api.identity.service import reauthenticate
from services.api.language.wording import Wording
from services.api.signatures.errors import AlreadySigned, ContentChanged, PeopleOnly
from services.api.signatures.models import Signable, Signature
from services.api.signatures.rules import SignatureMeaning
from services.api.signatures.schemas import Statement

Kind = TypeVar("Kind", bound=Signature)


@dataclass(frozen=True)
class Signer:
    """A person who has just shown who they are, and what they are about to state."""

    caller: Principal
    meaning: SignatureMeaning


def prove(session: Session, caller: Principal, table: type[Signature], given: Statement) -> Signer:
    """Make sure that a person signs, that it is the one signed in, and that they state what fits.

    It takes as long as a password takes to check, so it comes before any lock.

    Raises:
        PeopleOnly: a system asks, whatever its role was granted.
        Invalid: nobody states this of such a record.
        ReauthenticationFailed, TooManyRequests.
    """
    if caller.machine:
        raise PeopleOnly
    if given.meaning not in table.meanings:
        wanted = tuple(f"«{meaning.value}»" for meaning in table.meanings)
        raise Invalid.at(
            "/meaning", "enum", Wording("Of this record one states {meanings}", meanings=wanted)
        )
    reauthenticate(session, caller, password=given.password, totp=given.totp)
    return Signer(caller, given.meaning)


def sign(
    session: Session,
    clock: Clock,
    signer: Signer,
    table: type[Kind],
    current: Signable,
    content_hash: str,
    **key: UUID,
) -> Kind:
    """Sign the current version of a record, whose subject the transaction has locked.

    `key` names the record. `content_hash` is that of the version which the
    signer read, so nothing is signed unread, and a signature meant for one
    record or version is none for another.

    Raises:
        AlreadySigned: the version bears a signature.
        ContentChanged: the signer read another version, or another record.
    """
    last = latest(session, table, **key)
    if last is not None and last.version == current.version:
        raise AlreadySigned
    if content_hash != current.content_hash:
        raise ContentChanged
    record: dict[str, Any] = {"site": current.site, "subject_id": current.subject_id, **key}
    signature = table(
        **record,
        version=current.version,
        content_hash=content_hash,
        meaning=signer.meaning.value,
        signed_by=signer.caller.name,
        signer_role=signer.caller.role.value,
        signed_at=clock.now(),
        recorded_by=signer.caller.id,
    )
    session.add(signature)
    session.flush()
    return signature


# --- showing ---------------------------------------------------------------------------


def last_signatures(
    session: Session, table: type[Kind], column: Any, ids: Collection[UUID]
) -> dict[UUID, Kind]:
    """The last signature on each of those records that was ever signed; `column` names them."""
    query = select(table).where(col(column).in_(ids)).order_by(col(table.version))
    return {getattr(row, column.key): row for row in session.exec(query)}


def signatures_by_version(session: Session, table: type[Kind], **key: UUID) -> dict[int, Kind]:
    """The signature on each version of one record that was signed."""
    return {row.version: row for row in session.exec(select(table).filter_by(**key))}


def covers(signature: Signature, current: Signable) -> bool:
    """Whether the signature counts: it stands on the current version, whose content it is bound to.

    A change makes a new version, which voids it; so does a change that went
    around the service.
    """
    return (signature.version, signature.content_hash) == (current.version, current.content_hash)


def shown(signature: Signature, current: Signable) -> dict[str, Any]:
    """The members of a signature as callers see it, beside the record's current version."""
    return {
        **signature.model_dump(),
        "signer": signature.recorded_by,
        "role": signature.signer_role,
        "valid": covers(signature, current),
    }

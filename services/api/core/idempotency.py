"""Idempotency-Key: a retried POST gets the first answer, never a second effect.

Source: draft-ietf-httpapi-idempotency-key-header. The answer is stored in the
transaction that it answers, so there is an answer exactly when there is an
effect.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from typing import Annotated
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Header, Request
from sqlalchemy import CheckConstraint, LargeBinary, bindparam
from sqlmodel import Field, Session, SQLModel, select
from starlette.responses import Response

from services.api.core.errors import IdempotencyKeyMissing, KeyReused, StillInFlight

KEPT = timedelta(days=30)
_HEADERS = ("ETag", "Location")
_NONCE_BYTES = 12


class IdempotentAnswer(SQLModel, table=True):
    """The first success of a key: `body` as sent, kept until `expires_at` (null: forever)."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (CheckConstraint("status BETWEEN 200 AND 299", name="status_is_success"),)

    caller: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True, max_length=255)
    fingerprint: bytes = Field(sa_type=LargeBinary)
    status: int
    headers: str
    body: bytes = Field(sa_type=LargeBinary)
    created_at: datetime
    expires_at: datetime | None = None


_STORED = select(IdempotentAnswer).where(
    IdempotentAnswer.caller == bindparam("caller"), IdempotentAnswer.key == bindparam("key")
)


class Once:
    """The dependency that makes a POST safe to retry.

    With `forever` the answer outlives the usual 30 days. With `sealed` it is
    stored encrypted under a key outside the database, for it shows a secret.
    """

    def __init__(self, *, forever: bool = False, sealed: bool = False) -> None:
        self.forever = forever
        self.sealed = sealed

    async def __call__(
        self,
        request: Request,
        key: Annotated[
            str,
            Header(
                alias="Idempotency-Key",
                min_length=1,
                max_length=255,
                pattern=r"^[!-~]+$",
                description="A fresh value for each new request, the same value for its retries.",
                examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
            ),
        ],
    ) -> None:
        """Note the key and what it stands for; the work is done around the endpoint."""
        digest = hmac.new(request.app.state.settings.person_key, digestmod=hashlib.sha256)
        for part in (request.method.encode(), request.url.path.encode(), await request.body()):
            digest.update(hashlib.sha256(part).digest())
        request.state.once = (key, digest.digest(), self.forever)
        request.state.answer_sealed = self.sealed


def recall(session: Session, request: Request) -> Response | None:
    """The stored answer of this request's key, if there is one.

    Holds the key until the transaction ends, so a duplicate in flight is told
    to wait instead of doing the work again.

    Raises:
        StillInFlight: another request holds the key now.
        KeyReused: the key stands for another request.
    """
    once = getattr(request.state, "once", None)
    if once is None:
        return None
    key, _, __ = once
    caller = session.info["caller"].id
    fingerprint = _fingerprint(session, request)
    lock = hashlib.sha256(f"{caller} {key}".encode()).digest()[:8]
    held = session.connection().exec_driver_sql(
        "SELECT pg_try_advisory_xact_lock(%s)", (int.from_bytes(lock, signed=True),)
    )
    if not held.scalar_one():
        raise StillInFlight
    stored = session.execute(_STORED, {"caller": caller, "key": key}).scalars().one_or_none()
    if stored is None:
        return None
    if stored.expires_at is not None and stored.expires_at <= datetime.now(UTC):
        session.delete(stored)
        session.flush()
        return None
    if not hmac.compare_digest(stored.fingerprint, fingerprint):
        raise KeyReused
    return _replay(request, stored)


def keep(session: Session, request: Request, answer: Response) -> None:
    """Store the answer with the effect that it reports, unless it is a replay itself."""
    once = getattr(request.state, "once", None)
    if once is None or "Idempotency-Replayed" in answer.headers:
        return
    key, _, forever = once
    now = datetime.now(UTC)
    session.add(
        IdempotentAnswer(
            caller=session.info["caller"].id,
            key=key,
            fingerprint=_fingerprint(session, request),
            status=answer.status_code,
            headers="\n".join(
                f"{name}: {answer.headers[name]}" for name in _HEADERS if name in answer.headers
            ),
            body=_stored_body(request, bytes(answer.body)),
            created_at=now,
            expires_at=None if forever else now + KEPT,
        )
    )
    session.flush()  # a connection lost here, before COMMIT, is certainly nothing stored


def _fingerprint(session: Session, request: Request) -> bytes:
    """What the key stands for: the request, by this caller in this role at these sites.

    An answer to someone who has moved since may hold what they no longer see.
    """
    caller = session.info["caller"]
    who = " ".join((caller.role.value, *sorted(caller.sites))).encode()
    return hashlib.sha256(request.state.once[1] + who).digest()


def _stored_body(request: Request, body: bytes) -> bytes:
    if not request.state.answer_sealed:
        return body
    nonce = token_bytes(_NONCE_BYTES)
    return nonce + _cipher(request).encrypt(nonce, body, None)


def _shown_body(request: Request, stored: bytes) -> bytes:
    if not request.state.answer_sealed:
        return stored
    return _cipher(request).decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], None)


def _cipher(request: Request) -> AESGCM:
    return AESGCM(request.app.state.settings.derived_key("sealed answer"))


def _replay(request: Request, stored: IdempotentAnswer) -> Response:
    headers = dict(line.split(": ", 1) for line in stored.headers.splitlines())
    return Response(
        _shown_body(request, stored.body),
        stored.status,
        {**headers, "Idempotency-Replayed": "true"},
        "application/json",
    )


REFUSALS = (IdempotencyKeyMissing, StillInFlight, KeyReused)

"""Accounts, their sessions, and what throttles guessing."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from services.api.core.making import new_id, recorded_now

_KEY_SET: Any = JSONB(none_as_null=True)


def _now() -> datetime:
    return datetime.now(UTC)


class Account(SQLModel, table=True):
    """Who may sign in; never deleted.

    A person signs in by password, a client by its secret or by the private
    key to one of its `jwks`. `password_expires_at` marks a password that an
    admin gave and the person has yet to replace. `totp_secret` is encrypted
    under a key outside the database, and counts once `totp_confirmed_at` is set.
    """

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("kind IN ('user', 'client')", name="account_kind_known"),
        CheckConstraint(
            "(kind = 'client') = (role = 'hospital_system')", name="account_role_of_kind"
        ),
        CheckConstraint(
            "(role IN ('investigator', 'coordinator', 'assessor', 'monitor', 'hospital_system'))"
            " = (cardinality(sites) > 0)",
            name="account_sites_of_role",
        ),
        CheckConstraint(
            "secret_hash IS NOT NULL OR (kind = 'client' AND jwks IS NOT NULL)",
            name="account_can_sign_in",
        ),
        CheckConstraint("jwks IS NULL OR kind = 'client'", name="account_jwks_of_client"),
        CheckConstraint(
            "totp_confirmed_at IS NULL OR totp_secret IS NOT NULL", name="account_totp_has_secret"
        ),
        CheckConstraint("version >= 1", name="account_version_from_one"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str
    username: str = Field(unique=True)
    name: str
    role: str
    sites: list[str] = Field(sa_type=ARRAY(String))
    secret_hash: str | None = None
    password_expires_at: datetime | None = None
    totp_secret: bytes | None = Field(default=None, sa_type=LargeBinary)
    totp_confirmed_at: datetime | None = None
    totp_last_step: int | None = Field(default=None, sa_type=BigInteger)
    jwks: dict[str, Any] | None = Field(default=None, sa_type=_KEY_SET)
    active: bool = True
    version: int = 1
    created_at: datetime = Field(default_factory=recorded_now)


class AccountSession(SQLModel, table=True):
    """From signing in to signing out; every access token names one.

    `generation` counts the refresh tokens given out: only the newest is good.
    `signed_at` is the first signing with every component (21 CFR 11.200).
    """

    __tablename__ = "account_session"
    __table_args__ = (
        CheckConstraint(
            "(ended_at IS NULL) = (ended_because IS NULL)", name="account_session_end_has_cause"
        ),
        CheckConstraint(
            "ended_because IN ('signed_out', 'token_reused', 'account_changed')",
            name="account_session_cause_known",
        ),
        CheckConstraint("generation >= 0", name="account_session_generation_counts"),
        Index("account_session_account_index", "account"),
        Index("account_session_ended_index", "ended_at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account: UUID = Field(foreign_key="account.id")
    generation: int = 0
    opened_at: datetime = Field(default_factory=_now)
    refreshed_at: datetime = Field(default_factory=_now)
    expires_at: datetime
    signed_at: datetime | None = None
    ended_at: datetime | None = None
    ended_because: str | None = None


class SignInAttempt(SQLModel, table=True):
    """A guess that failed or is being checked; keys are HMACs, so nobody's name is kept.

    `source` is the caller's device if it is known, else the address.
    """

    __tablename__ = "sign_in_attempt"
    __table_args__ = (
        Index("sign_in_attempt_account_index", "account_key", "at"),
        Index("sign_in_attempt_address_index", "address_key", "at"),
        Index("sign_in_attempt_at_index", "at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = Field(default_factory=_now)
    account_key: bytes = Field(sa_type=LargeBinary)
    source_key: bytes = Field(sa_type=LargeBinary)
    address_key: bytes = Field(sa_type=LargeBinary)
    familiar: bool


class FamiliarSource(SQLModel, table=True):
    """A device or address from which an account signed in before."""

    __tablename__ = "familiar_source"

    account_key: bytes = Field(primary_key=True, sa_type=LargeBinary)
    source_key: bytes = Field(primary_key=True, sa_type=LargeBinary)
    seen_at: datetime = Field(default_factory=_now)


class UsedAssertion(SQLModel, table=True):
    """The `jti` of a client assertion that was used, kept until the assertion expires."""

    __tablename__ = "used_assertion"

    client: UUID = Field(primary_key=True, foreign_key="account.id")
    jti_digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    expires_at: datetime

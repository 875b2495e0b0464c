"""Reference data of the study: protocol versions, sites and their activations."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from services.api.core.making import new_id, recorded_now


class ProtocolVersion(SQLModel, table=True):
    """A published protocol document; `sha256` is over its canonical JSON."""

    __tablename__ = "protocol_version"

    version: str = Field(primary_key=True)
    sha256: str = Field(min_length=64, max_length=64)
    document: dict[str, Any] = Field(sa_type=JSONB)
    published_at: datetime = Field(default_factory=recorded_now)


class Site(SQLModel, table=True):
    """A hospital of the trial; `subjects` counts the numbers it has given out."""

    __tablename__ = "site"

    code: str = Field(primary_key=True)
    name: str
    city: str
    subjects: int = 0


class SiteActivation(SQLModel, table=True):
    """Ethics approval of a protocol and a consent version at a site (ICH E6(R3) 4.3.5)."""

    __tablename__ = "site_activation"
    __table_args__ = (
        # An approval may be renewed on a later day.
        UniqueConstraint(
            "site",
            "protocol_version",
            "consent_version",
            "approved_on",
            name="site_activation_once",
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    site: str = Field(foreign_key="site.code")
    protocol_version: str = Field(foreign_key="protocol_version.version")
    consent_version: str
    ethics_reference: str
    approved_on: date
    recorded_by: UUID
    recorded_at: datetime = Field(default_factory=recorded_now)
